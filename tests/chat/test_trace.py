"""From the id of an answer to version, verdict, run and the dataset's bytes, in one call."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from shared.chat.relay import Relay
from shared.run.deletion_plan import Target
from shared.run.record import Run
from shared.run.stages import Stage
from shared.tracing import lineage
from tests.chat import upstream as up
from tests.support.deleting import order, until_gone
from tests.support.in_process import in_process
from tests.support.runs import RunHarness
from tests.support.served import Versions
from tunedrop.__main__ import cli
from tunedrop.app import App

CHAT = "/v1/chat/completions"
SECRET = "the treasure lies below the palm"
DOCUMENT = json.loads(
    (Path(__file__).resolve().parents[2] / "console/openapi.json").read_text(encoding="utf-8")
)
SCHEMA = DOCUMENT["paths"]["/trace/{id}"]["get"]["responses"]["200"]["content"]


class Caller:
    def __init__(self, http: httpx.AsyncClient, runs: RunHarness, server: up.Upstream) -> None:
        self.http, self.runs, self.server = http, runs, server

    async def served(self) -> Run:
        """The model `m` of a real run."""
        await self.runs.drop()
        return await self.runs.until(await self.runs.received(), Stage.SERVING)

    async def ask(self, model: str = "m", **headers: str) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": SECRET}]}
        return await self.http.post(CHAT, json=body, headers=headers)

    async def trace(self, id: str, **query: str) -> Any:
        found = await self.http.get(f"/trace/{id}", params=query)
        assert found.status_code == 200, found.text
        Draft202012Validator(
            {**SCHEMA["application/json"]["schema"], "components": DOCUMENT["components"]}
        ).validate(found.json())
        return found.json()["chats"]


@asynccontextmanager
async def calling(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Caller, Relay]]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, runs):
        yield Caller(http, runs, server), relay


async def test_from_a_request_to_version_run_and_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(monkeypatch) as (caller, _):
        run = await caller.served()
        answer = await caller.ask()
        (chat,) = await caller.trace(answer.headers["x-request-id"])
        assert chat["answer"] == answer.json()["id"]
        assert (chat["backend"], chat["status"]) == (answer.headers["x-tunedrop-model"], 200)
        known = chat["lineage"]
        assert (known["state"], known["champion"], known["run"]) == ("champion", 1, run.id)
        assert known["stage"] == "serving"
        (training, *_) = known["dataset"]
        assert training["sha256"] == run.training.content_sha256
        assert training["there"]
        assert chat["problems"] == []
        assert (await caller.trace(answer.json()["id"]))[0] == chat


async def test_nothing_of_what_was_said_is_kept_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(monkeypatch) as (caller, relay):
        caller.server.plan("base", up.answer(SECRET))
        answer = await caller.ask("base")
        assert SECRET in answer.text
        told = await caller.trace(answer.headers["x-request-id"])
        container = relay.trace_log.container
        kept = [
            await container.read(blob.name) async for blob in container.list("trace/") if blob.size
        ]
        assert kept
        assert SECRET not in json.dumps(told)
        assert all(SECRET.encode() not in blob.data for blob in kept if blob)


async def test_a_stream_is_traced_by_both_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calling(monkeypatch) as (caller, _):
        caller.server.plan("base", up.stream(up.event("Ahoy"), up.event("", "stop")))
        body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        answer = await caller.http.post(CHAT, json=body)
        (chat,) = await caller.trace(answer.headers["x-request-id"])
        assert chat["answer"] == "c"
        assert (chat["model"], chat["lineage"]) == (None, None)


async def test_a_stream_without_an_id_is_traced_by_its_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calling(monkeypatch) as (caller, _):
        nameless = b'data: {"choices": [{"index": 0, "delta": {"content": "Ahoy"}}]}\n\n'
        caller.server.plan("base", up.stream(nameless))
        body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        answer = await caller.http.post(CHAT, json=body)
        (chat,) = await caller.trace(answer.headers["x-request-id"])
        assert (chat["answer"], chat["backend"]) == ("", "base")


async def test_a_fallback_says_who_should_have_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with up.upstream() as server:
        fallback = {"TUNEDROP_CHAT_FALLBACK": "base"}
        async with in_process(server.url, monkeypatch, **fallback) as (http, _, runs):
            caller = Caller(http, runs, server)
            server.plan("captain-v1", *[up.error(404)] * 5)
            answer = await caller.ask("captain", **{"x-request-id": "trace/me=1"})
            assert answer.headers["x-tunedrop-model"] == "base"
            (chat,) = await caller.trace("trace/me=1")
            assert (chat["backend"], chat["instead_of"]) == ("base", "captain@1")


async def test_what_is_gone_since_is_said_and_hides_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with calling(monkeypatch) as (caller, _):
        run = await caller.served()
        answer = await caller.ask()
        id = answer.headers["x-request-id"]
        clients = caller.runs.ctx.clients
        await clients.datasets.put(run.training.name, b"other bytes", "application/json")
        assert not (await caller.trace(id))[0]["lineage"]["dataset"][0]["there"]
        await clients.runs.put(f"{run.id}/run.json", b"{", "application/json")
        (chat,) = await caller.trace(id)
        assert chat["lineage"]["run"] == run.id
        assert chat["lineage"]["stage"] is None
        assert "cannot be read" in chat["problems"][0]["message"]
        await clients.models.delete("m.json")
        (chat,) = await caller.trace(id)
        assert chat["lineage"] is None
        assert "gone" in chat["problems"][0]["message"]


async def test_a_later_model_of_the_same_name_is_not_taken_for_the_one_that_answered() -> None:
    made = await Versions.serving(1)
    old = {"model": "captain", "version": 1, "at": made.clock.now().isoformat()}
    assert (await lineage(old, made.ctx))["lineage"]["run"] == made.runs[1].id
    await order(made, Target("captain"))
    await until_gone(made)
    again = await made.train()
    told = await lineage(old, made.ctx)
    assert told["lineage"] is None
    assert told["problems"][0]["message"] == "The captain@1 that answered then is gone."
    new = {**old, "at": made.clock.now().isoformat()}
    assert (await lineage(new, made.ctx))["lineage"]["run"] == again.id


async def test_the_verdict_beside_the_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(monkeypatch) as (caller, _):
        run = await caller.served()
        verdict = {"overall": "win", "sentence": "It is better.", "digest": "d", "contests": [1]}
        kept = json.dumps(verdict).encode()
        await caller.runs.ctx.clients.runs.put(f"{run.id}/verdict.json", kept, "application/json")
        id = (await caller.ask()).headers["x-request-id"]
        (chat,) = await caller.trace(id)
        told = {"overall": "win", "sentence": "It is better.", "digest": "d"}
        assert chat["lineage"]["verdict"] == told


@pytest.mark.parametrize(
    ("id", "status"), [("req-nobodys", 404), ("a b", 400), ("x?at=yesterday", 400)]
)
async def test_an_id_that_is_not_there_is_told_with_what_to_do(
    id: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with calling(monkeypatch) as (caller, _):
        answer = await caller.http.get(f"/trace/{id}")
        assert answer.status_code == status
        assert answer.json()["error"]["fix"]


async def test_the_command_tells_it_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    async with calling(monkeypatch) as (caller, _):
        run = await caller.served()
        id = (await caller.ask()).headers["x-request-id"]
        found = {"id": id, "chats": await caller.trace(id), "notice": "Older were not read."}
    asked: list[str] = []

    def get(app: App, path: str) -> Any:
        asked.append(path)
        return found

    monkeypatch.setattr(App, "get", get)
    said = CliRunner().invoke(
        cli, ["trace", "a/b=c", "--at", "2026-11-28T03", "--app", "https://x"]
    )
    assert said.exit_code == 0, said.output
    assert asked == ["api/trace/a/b%3Dc?at=2026-11-28T03"]
    for word in (
        id,
        "m@1",
        "\n\nOlder were not read.",
        "champion",
        run.id,
        run.training.content_sha256,
        "training",
    ):
        assert str(word) in said.output
    odd = CliRunner()
    monkeypatch.setattr(App, "get", lambda app, path: {"chats": [{"request": 1}]})
    assert odd.invoke(cli, ["trace", "x", "--app", "https://x"]).exit_code == 3
