"""People who chat with a model that has three versions, and what they are told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION
from tests.support.in_process import another_version, in_process
from tests.support.runs import RunHarness

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


@asynccontextmanager
async def three_versions(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """`captain` has three versions: the third is its champion, the second the one before it."""
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, runs):
        await another_version(runs, 2)
        await another_version(runs, 3)
        yield App(http, relay, runs, server)


def says(status: int, message: str, code: str = "") -> up.Behaviour:
    return up.reply(status, json.dumps({"error": {"code": code, "message": message}}).encode())
