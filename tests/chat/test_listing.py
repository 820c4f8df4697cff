"""What clients list and look up: models and versions, with real times, in the shapes of both URL
families, and only what a key may use."""

import hashlib
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import openai
import pytest

from shared.model.registry import Registry
from tests.chat.asked import App, three_versions
from tests.support.decided import BY_RUN
from tests.support.in_process import KEY, in_process

LISTS = ["/v1/models", "/openai/models?api-version=2024-10-21", "/openai/v1/models", "/models/"]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        yield started


def day(number: int) -> int:
    """When the version of this number was made."""
    return int(datetime(2026, 11, number, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("path", LISTS)
async def test_models_and_their_versions_are_listed_with_real_times(app: App, path: str) -> None:
    answer = await app.http.get(path)
    listed = {one["id"]: one["created"] for one in answer.json()["data"]}
    base = listed.pop("base")
    assert listed == {
        "captain": day(1),
        "captain@1": day(1),
        "captain@2": day(2),
        "captain@3": day(3),
    }
    assert abs(base - time.time()) < 600
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/models", "/openai/models", "/openai/deployments"])
async def test_what_is_listed_can_be_looked_up(app: App, path: str) -> None:
    listed = (await app.http.get(path)).json()["data"]
    assert len(listed) == 5
    for one in listed:
        answer = await app.http.get(f"{path}/{one['id']}")
        assert (answer.status_code, answer.json()) == (200, one)
    unknown = await app.http.get(f"{path}/captian")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert "Did you mean captain?" in unknown.json()["error"]["message"]


async def test_deployments_are_listed_as_azures_older_clients_read_them(app: App) -> None:
    listed = (await app.http.get("/openai/deployments?api-version=2022-12-01")).json()
    first = listed["data"][0]
    assert (listed["object"], first["object"], first["id"]) == ("list", "deployment", "captain")
    assert (first["status"], first["created_at"]) == ("succeeded", day(1))


async def test_a_version_before_it_serves_is_listed_and_its_model_is_not(app: App) -> None:
    models = app.runs.ctx.clients.models
    registry = Registry(models)
    made = (await registry.load("captain")).version(1)  # type: ignore[union-attr]
    await registry.add_version("mate", made.replace(run_id="mate-1"))
    names = [one["id"] for one in (await app.http.get("/v1/models")).json()["data"]]
    assert "mate@1" in names
    assert "mate" not in names
    candidate = await app.http.get("/v1/models/mate@candidate")
    assert candidate.json()["created"] == day(1)
    await registry.promote("mate", 1, BY_RUN)
    names = [one["id"] for one in (await app.http.get("/v1/models")).json()["data"]]
    assert "mate" in names


@pytest.mark.parametrize("azure", [False, True])
async def test_openais_client_lists_and_retrieves(app: App, azure: bool) -> None:
    transport: Any = httpx.AsyncClient(transport=app.http._transport)
    client = (
        openai.AsyncAzureOpenAI(
            azure_endpoint="http://app", api_key=KEY, api_version="x", http_client=transport
        )
        if azure
        else openai.AsyncOpenAI(base_url="http://app/v1", api_key=KEY, http_client=transport)
    )
    async with client:
        names = [model.id async for model in client.models.list()]
        found = await client.models.retrieve("captain@2")
    assert names == ["captain", "captain@1", "captain@2", "captain@3", "base"]
    assert (found.id, found.created) == ("captain@2", day(2))


async def test_what_does_not_answer_is_not_listed(app: App) -> None:
    """A version that was withdrawn, and one that sleeps and that no chat wakes."""
    registry = Registry(app.runs.ctx.clients.models)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    for number in (1, 2):
        await registry.put_to_sleep("captain", number, at, lambda model: True)
    names = [one["id"] for one in (await app.http.get("/v1/models")).json()["data"]]
    assert names == ["captain", "captain@2", "captain@3", "base"]
    await registry.withdraw("captain", 2, BY_RUN)
    names = [one["id"] for one in (await app.http.get("/v1/models")).json()["data"]]
    assert names == ["captain", "captain@3", "base"]


async def test_a_key_sees_the_versions_of_its_own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("narrow", "wide")}
    keys = [
        {"name": "narrow", "sha256": digests["narrow"], "models": ["base"]},
        {"name": "wide", "sha256": digests["wide"], "models": ["captain"]},
    ]
    allowed = {"TUNEDROP_APP_KEYS": json.dumps(keys)}
    async with in_process("http://127.0.0.1:9", monkeypatch, **allowed) as (http, *_):
        for key, names in (("narrow", ["base"]), ("wide", ["captain", "captain@1"])):
            listed = await http.get("/v1/models", headers={"api-key": key})
            assert [one["id"] for one in listed.json()["data"]] == names
        refused = await http.get("/v1/models/captain@1", headers={"api-key": "narrow"})
        assert refused.status_code == 404
