"""Storage for keys that tests take away, stores of several processes, and the app with them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from shared.chat.key_store import KeyStore
from shared.chat.relay import Relay
from shared.cloud.container import Content
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable
from tests.chat import upstream as up
from tests.support.in_process import in_process

SAID = [{"role": "user", "content": "Hi"}]
CHAT = "/v1/chat/completions"
AT = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Storage(MemoryContainer):
    """It does not answer while `away`, and not before `answers` is set while it `hangs`."""

    def __init__(self) -> None:
        super().__init__("models")
        self.away = self.hangs = self.forgets_to_say = False
        self.answers, self.asked = asyncio.Event(), asyncio.Event()
        self.reads = 0

    async def read(self, name: str) -> Content | None:
        self.reads += 1
        found = await super().read(name)
        if self.hangs:
            self.asked.set()
            await self.answers.wait()
        self._check()
        return found

    async def create(self, name: str, data: bytes, content_type: str = "") -> str:
        self._check()
        etag = await super().create(name, data)
        if self.forgets_to_say:
            raise Unavailable("The connection was reset.")
        return etag

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        self._check()
        return await super().replace(name, data, etag)

    def _check(self) -> None:
        if self.away:
            raise Unavailable("Storage does not answer.")


def store(storage: MemoryContainer, clock: Clock | None = None) -> KeyStore:
    return KeyStore(storage, clock or Clock(), lambda: AT)


async def valid(store: KeyStore) -> list[str]:
    return [key.name for key in (await store.current()).valid]


class App:
    def __init__(self, http: httpx.AsyncClient, relay: Relay, server: up.Upstream) -> None:
        self.http, self.relay, self.server = http, relay, server
        self.clock = relay.keys.clock = Clock()

    async def create(self, name: str = "bot", **more: Any) -> str:
        response = await self.http.post("/keys", json={"name": name, **more})
        assert response.status_code == 201, response.text
        return str(response.json()["key"])

    async def chat(self, key: str, model: str = "base", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": SAID} | more
        return await self.http.post(CHAT, json=body, headers={"api-key": key})

    async def listed(self) -> dict[str, Any]:
        page: dict[str, Any] = (await self.http.get("/keys")).json()
        return page

    async def row(self, name: str) -> dict[str, Any]:
        rows = (await self.listed())["keys"]
        return next(row for row in rows if row["name"] == name)


@asynccontextmanager
async def with_keys(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        relay.auth.limits.clock = lambda: 0.0
        yield App(http, relay, server)
