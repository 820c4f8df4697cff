"""A receiver of notifications on this machine: a real HTTP server that answers as a test says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.model.registry import Model
from shared.run import delivery, notify
from shared.run.notifications import Awaited, Kind
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY

SECRET = "whsec_" + "dHVuZWRy" * 5  # of no use to anybody


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event = json.loads(self.body)
        assert isinstance(event, dict)
        return event


@dataclass
class Receiver:
    """`status` and `headers` are its answer, `statuses` those of the next requests. While it
    `hangs` it answers nothing; it can be waited for a request to have come."""

    url: str = ""
    status: int = 204
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    requests: list[Received] = field(default_factory=list)
    hangs: bool = False
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Received(request.path_qs, headers, await request.read()))
        self.came.set()
        if self.hangs:
            await asyncio.Event().wait()
        status = self.statuses.pop(0) if self.statuses else self.status
        return web.Response(status=status, headers=self.headers, body=self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [request.event for request in self.requests]

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    def kinds(self) -> list[str]:
        return [event["type"].removeprefix("dev.tunedrop.") for event in self.events]


@asynccontextmanager
async def receiver(status: int = 204) -> AsyncIterator[Receiver]:
    one = Receiver(status=status)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.answer)
    async with TestServer(app, shutdown_timeout=0.01) as server:
        one.url = str(server.make_url("/hook"))
        yield one


@asynccontextmanager
async def told(one: Receiver, model: str = "captain", **settings: Any) -> AsyncIterator[RunHarness]:
    """Runs in memory, whose events are told to that receiver."""
    named = replace(IN_MEMORY, webhook_url=one.url, webhook_secrets=(SECRET,), **settings)
    harness = RunHarness.in_memory(named, model)
    async with harness.ctx.clients:
        yield harness


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as one:
        yield one


@pytest.fixture
async def telling(there: Receiver) -> AsyncIterator[RunHarness]:
    """Runs in memory that are told of `there`."""
    async with told(there) as one:
        yield one


async def delivered(harness: RunHarness) -> None:
    """All that can be told now is told, or was tried."""
    await asyncio.gather(*harness.ctx.delivering)
    await delivery.deliver(harness.ctx)


async def waiting(harness: RunHarness) -> list[str]:
    """The ids in the outbox."""
    found = [blob.name async for blob in harness.ctx.clients.runs.list("outbox/")]
    return [name.removeprefix("outbox/") for name in found]


async def add(harness: RunHarness, *ids: str, awaits: Awaited | None = None) -> None:
    """One notification of each id, a second apart."""
    for id in ids:
        data = {"setting": "TUNEDROP_DAILY_RUNS", "message": f"about {id}"}
        await notify.add(harness.ctx, Kind.BUDGET, "TUNEDROP_DAILY_RUNS", data, id, awaits)
        await harness.pause(1)


async def minutes(harness: RunHarness, count: int) -> None:
    """As so many ticks do it."""
    for _ in range(count):
        await harness.pause(60)
        await delivered(harness)


async def model_of(telling: RunHarness) -> Model:
    """As its record is now."""
    model = await telling.ctx.registry.load(telling.model)
    assert model
    return model
