"""What callers are told of a deployment that refuses, is gone, retired or paused:
the service's own sentence, whose move it is, and never what is not so."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.chat.relay import Relay
from shared.errors import Unavailable
from shared.model.registry import Registry
from shared.run import redeployments
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION
from tests.support.in_process import another_version, in_process
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService

CHAT = "/v1/chat/completions"
DEPLOYMENTS = ("captain-v3", "captain-v2", "captain-v1", "base")


class App:
    def __init__(
        self, http: httpx.AsyncClient, relay: Relay, runs: RunHarness, server: up.Upstream
    ) -> None:
        self.http, self.relay, self.runs, self.server = http, relay, runs, server

    async def ask(self, model: str) -> httpx.Response:
        return await self.http.post(CHAT, json={"model": model, "messages": QUESTION})

    async def told(self, model: str) -> tuple[int, str, str]:
        """Status, code and message of the error."""
        answer = await self.ask(model)
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    async def requests(self) -> list[str]:
        return [blob.name async for blob in self.runs.ctx.clients.models.list("wake/")]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """`captain` has three versions: the third is its champion, the second the one before it."""
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, runs):
        await another_version(runs, 2)
        await another_version(runs, 3)
        yield App(http, relay, runs, server)


def says(status: int, message: str, code: str = "") -> up.Behaviour:
    return up.reply(status, json.dumps({"error": {"code": code, "message": message}}).encode())


# ---- 401 and 403

BLOCKED = "Your resource has been temporarily blocked because we detected behavior that may violate"
REFUSALS = [
    (403, "Forbidden", f"{BLOCKED} our content policy.", "Azure support"),
    (403, "Forbidden", "Your resource has been temporarily blocked: unusual behavior.", "support"),
    (403, "Forbidden", "Resource temporarily blocked", "Azure support"),
    (403, "403", "Access denied due to Virtual Network/Firewall rules.", "network rules"),
    (403, "403", "A Virtual Network is configured for this resource.", "network rules"),
    (403, "403", "Public access is disabled. Please configure private endpoint.", "network rules"),
    (
        403,
        "AuthenticationTypeDisabled",
        "Key based authentication is disabled for this resource.",
        "Remove AZURE_OPENAI_API_KEY",
    ),
    (401, "401", "Access denied due to invalid subscription key.", "correct AZURE_OPENAI_API_KEY"),
    (401, "PermissionDenied", "Principal does not have access to API/Operation.", "the role"),
    (
        401,
        "PermissionDenied",
        "The principal lacks the required data action to perform the operation.",
        "the role",
    ),
    (403, "SomethingNew", "The moon is in the way.", "doctor"),
    (
        400,
        "Tenant provided in token does not match resource token",
        "Token tenant 5b1d does not match resource tenant.",
        "the resource's own tenant",
    ),
    (401, "401", "The access token is from the wrong issuer.", "the resource's own tenant"),
]


@pytest.mark.parametrize(("status", "code", "sentence", "move"), REFUSALS)
async def test_a_refusal_is_quoted_with_whose_move_it_is(
    app: App, status: int, code: str, sentence: str, move: str
) -> None:
    app.server.plan("base", says(status, sentence, code))
    got, kind, message = await app.told("base")
    assert (got, kind) == (502, "upstream_refused")
    for said in ("base", f"{status}", sentence, move):
        assert said in message
    assert ("role" in message) == ("role" in move or code == "AuthenticationTypeDisabled")


async def test_a_refusal_without_a_sentence_claims_no_cause(app: App) -> None:
    app.server.plan("base", up.reply(403, b"<html>Forbidden</html>", "content-type: text/html"))
    _, _, message = await app.told("base")
    assert "403" in message
    assert "role" not in message
    assert "html" not in message


async def test_what_is_about_the_request_itself_is_the_callers(app: App) -> None:
    app.server.plan("base", says(403, "The prompt was filtered.", "content_filter"))
    status, code, message = await app.told("base")
    assert (status, code, message) == (403, "content_filter", "The prompt was filtered.")


async def test_the_envelope_of_api_management_is_read(app: App) -> None:
    body = b'{"statusCode": 401, "message": "Access denied due to missing subscription key."}'
    app.server.plan("base", up.reply(401, body))
    assert "missing subscription key" in (await app.told("base"))[2]


@pytest.mark.parametrize("status", [401, 404, 429, 503])
async def test_a_quoted_sentence_is_short_masked_and_harmless(app: App, status: int) -> None:
    secret = "sk-proj-" + "Ab3" * 16
    sentence = f"Ask ada.lovelace@harbourline.net with {secret}\x1b[2J " + "x" * 5000
    more = "retry-after: 60"
    body = json.dumps({"error": {"code": "a\nb" * 99, "message": sentence}}).encode()
    app.server.plan("base", up.reply(status, body, "content-type: application/json", more))
    _, _, message = await app.told("base")
    assert len(message) < 1000
    assert message.isprintable()
    assert secret not in message
    assert "ada.lovelace" not in message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"error": null}', b'{"error": "no"}', b"[" * 9999, b"\xff"]
)
@pytest.mark.parametrize("status", [307, 401, 404, 410, 423, 429, 503])
async def test_an_error_of_any_shape_is_told_as_one(app: App, status: int, body: bytes) -> None:
    app.server.plan("base", *[up.reply(status, body, "retry-after: 60")] * 2)
    got, _, message = await app.told("base")
    assert got >= 400
    assert f"answered {status}" in message


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
    assert "captain-v1" in message
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
        broken.setattr(requests.models, "put", full)
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
    monkeypatch.setattr(MemoryService, "_require_deployable", lambda *_: None)  # made elsewhere
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
