"""What callers are told of a deployment that is gone, retired or paused, and what follows."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.errors import Unavailable
from shared.model.registry import Registry
from shared.run import redeployments
from tests.chat import upstream as up
from tests.chat.asked import DEPLOYMENTS, App, says, three_versions
from tests.support.service_state import MemoryService


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as app:
        yield app


# ---- 404, 410, 423: gone, retired, paused

GONE = up.error(404, "DeploymentNotFound")


@pytest.mark.parametrize(
    ("model", "deployment", "request_name"),
    [
        ("captain", "captain-v3", "wake/captain"),
        ("captain@3", "captain-v3", "wake/captain"),
        ("captain@2", "captain-v2", "wake/captain@2"),
    ],
)
async def test_a_version_that_the_app_keeps_is_asked_for_again(
    app: App, model: str, deployment: str, request_name: str
) -> None:
    app.server.plan(deployment, GONE)
    status, code, message = await app.told(model)
    assert (status, code) == (503, "model_not_ready")
    assert "has been asked for again" in message
    assert await app.requests() == [request_name]


async def test_a_candidate_is_asked_for_again(app: App) -> None:
    clients = app.runs.ctx.clients
    version = (await an_entered(clients.models)).replace(run_id="captain-4", version=0)
    await Registry(clients.models).add_version("captain", version)
    app.server.plan("captain-v4", GONE)
    assert (await app.told("captain@candidate"))[1] == "model_not_ready"
    assert await app.requests() == ["wake/captain@4"]


async def an_entered(models: Any) -> Any:
    model = await Registry(models).load("captain")
    assert model is not None
    return model.version(3)


async def test_for_an_older_version_nobody_asks_and_the_answer_says_so(app: App) -> None:
    """Each deployment costs by the hour: callers do not decide to pay for all there ever were."""
    app.server.plan("captain-v1", GONE)
    status, code, message = await app.told("captain@1")
    assert (status, code) == (502, "no_deployment")
    assert "asked for again" not in message
    assert "administrators" in message
    assert "tunedrop wake captain@1" in message
    assert await app.requests() == []


async def test_for_a_base_deployment_nobody_asks_and_the_answer_says_so(app: App) -> None:
    app.server.plan("base", GONE)
    status, code, message = await app.told("base")
    assert (status, code) == (502, "no_deployment")
    assert "asked for again" not in message
    assert "TUNEDROP_BASE_DEPLOYMENTS" in message
    assert await app.requests() == []


@pytest.mark.parametrize("code", ["404", "404_x", ""])
@pytest.mark.parametrize("model", ["captain", "captain@1", "base"])
async def test_a_404_about_the_address_is_not_one_about_the_deployment(
    app: App, model: str, code: str
) -> None:
    for deployment in DEPLOYMENTS:
        app.server.plan(deployment, says(404, "Resource not found", code))
    _, kind, message = await app.told(model)
    assert kind == "no_deployment"
    assert "Resource not found" in message
    assert "AZURE_OPENAI_ENDPOINT" in message
    assert "asked for again" not in message
    assert await app.requests() == []


@pytest.mark.parametrize("status", [400, 404, 409])
@pytest.mark.parametrize("model", ["captain", "base"])
async def test_a_deployment_that_is_not_ready_yet_is_waited_for(
    app: App, model: str, status: int
) -> None:
    """For some minutes after Resource Manager has told of its success."""
    for deployment in DEPLOYMENTS:
        app.server.plan(deployment, says(status, "It is not ready.", "DeploymentNotReady"))
    answer = await app.ask(model)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.json()["error"]["code"] == "model_not_ready"
    assert "asked for again" not in answer.json()["error"]["message"]
    assert await app.requests() == []


@pytest.mark.parametrize("status", [409, 424, 499])
async def test_what_is_no_fault_of_the_request_is_asked_again(app: App, status: int) -> None:
    app.server.plan("base", says(status, "Busy."), up.answer())
    assert (await app.ask("base")).status_code == 200
    app.server.plan("base", *[says(status, "Busy.")] * 2)
    got, code, message = await app.told("base")
    assert (got, code) == (503, "upstream_unavailable")
    assert f"{status}" in message
    assert "Busy." in message


async def test_a_request_that_storage_does_not_take_is_not_claimed(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = app.relay.upstream.redeploy_requests

    async def full(*_: object) -> None:
        raise Unavailable("Storage is away.")

    with monkeypatch.context() as broken:
        broken.setattr(requests.models, "create", full)
        app.server.plan("captain-v3", GONE, GONE)
        message = (await app.told("captain"))[2]
        assert "has been asked for again" not in message
        assert "could not be asked for" in message
    assert "has been asked for again" in (await app.told("captain"))[2]
    assert await app.requests() == ["wake/captain"]


@pytest.mark.parametrize(
    ("status", "answered", "code", "move"),
    [(410, 410, "model_retired", "base model"), (423, 503, "model_paused", "can resume")],
)
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_version_that_is_retired_or_paused_is_not_asked_for_again(
    app: App, number: int, status: int, answered: int, code: str, move: str
) -> None:
    app.server.plan(f"captain-v{number}", says(status, "So it is.", "X"))
    got, kind, message = await app.told(f"captain@{number}")
    assert (got, kind) == (answered, code)
    for said in (f"captain@{number}", "So it is.", move):
        assert said in message
    assert "asked for again" not in message
    assert await app.requests() == []


@pytest.mark.parametrize(("status", "move"), [(410, "another model"), (423, "can resume")])
async def test_a_base_deployment_that_is_retired_or_paused(
    app: App, status: int, move: str
) -> None:
    app.server.plan("base", says(status, "So it is."))
    _, _, message = await app.told("base")
    assert move in message
    assert "version" not in message


@pytest.mark.parametrize("status", [404, 410, 423])
async def test_a_fallback_answers_for_what_is_gone(app: App, status: int) -> None:
    app.relay.router.fallback = ("previous",)
    app.server.plan("captain-v3", up.error(status))
    answer = await app.ask("captain")
    assert answer.headers["x-tunedrop-model"] == "captain@2"
    assert await app.requests() == (["wake/captain"] if status == 404 else [])


async def test_the_timer_deploys_the_version_that_was_asked_for(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made elsewhere.
    monkeypatch.setattr(MemoryService, "_require_deployable", lambda *_, **__: None)
    app.server.plan("captain-v2", GONE)
    await app.told("captain@2")
    await redeployments.process(app.runs.ctx)
    assert app.runs.service.deployments() == {"captain-v2": "ft-2"}


@pytest.mark.parametrize(
    "request_name", ["wake/captain@1", "wake/captain@9", "wake/captain@x", "wake/nobody@1"]
)
async def test_a_request_for_what_is_not_kept_makes_nothing(app: App, request_name: str) -> None:
    clients = app.runs.ctx.clients
    await clients.models.put(request_name, b"", "text/plain")
    await redeployments.process(app.runs.ctx)
    assert await clients.deployments.list() == []
    assert await app.requests() == []
