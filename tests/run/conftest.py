"""Runs moved by hand, step by step, on the stack's real storage and service."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.cloud import Cloud
from shared.run import heartbeat, intake, keeper, orders
from shared.run.ledger import Ledger
from shared.run.record import Run, What
from shared.run.stages import Stage
from shared.settings import Settings
from tests.conftest import QUICK, Loop
from tests.loop.test_loop import dataset

PATIENCE_SECONDS = 60


@dataclass
class Trouble:
    """Faults by name, and how the emulated service behaves, for one test."""

    loop: Loop

    def arm(self, fault: str, operation: str | None = None, **options: Any) -> None:
        where = {"operation": operation} if operation else {}
        self.loop.emulator("faults", {"fault": fault, **where, **options})

    def disarm(self) -> None:
        self.loop.emulator("faults", method="DELETE")

    def set(self, **settings: Any) -> None:
        self.loop.emulator("settings", settings, "PATCH")


@pytest.fixture
def trouble(loop: Loop) -> Iterator[Trouble]:
    trouble = Trouble(loop)
    yield trouble
    trouble.disarm()
    loop.emulator("settings", QUICK, "PATCH")


class Shore:
    """Containers of its own, which the app does not look at, and a run that is moved in them."""

    def __init__(self, cloud: Cloud, model: str) -> None:
        self.cloud, self.model = cloud, model
        self.ledger = Ledger(cloud.runs)

    async def drop(self, content: bytes | None = None, name: str = "training.jsonl") -> None:
        content = dataset(10, voice=self.model) if content is None else content
        path = f"{self.model}.jsonl" if name == "lone" else f"{self.model}/{name}"
        await self.cloud.datasets.put(path, content, "application/json")

    async def drop_unheard(
        self, content: bytes | None = None, name: str = "training.jsonl"
    ) -> None:
        """A drop whose event is lost, and that has lain there for long enough to be missed."""
        await self.drop(content, name)
        await asyncio.sleep(2 * self.cloud.settings.quiet_seconds)

    async def received(self, name: str = "training.jsonl") -> Run:
        path = f"{self.model}.jsonl" if name == "lone" else f"{self.model}/{name}"
        run_id = await intake.take(path, self.cloud)
        assert run_id
        return await self.known(run_id)

    async def known(self, run_id: str) -> Run:
        run = await self.ledger.load(run_id)
        assert run
        return run

    async def runs(self) -> list[Run]:
        return [run async for _, run in self.ledger.newest()]

    async def until(self, run: Run, *stages: Stage) -> Run:
        """Tick until the run is in one of these stages."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            run = await self.known(run.id)
            if run.stage in stages:
                return run
            await keeper.tick(self.cloud)
        raise AssertionError(f"{run.stage}, not {stages}: {run.waiting_for or run.failure}")

    async def queued(self, trouble: Trouble) -> Run:
        """A run whose job stays in the queue for good."""
        trouble.arm("job-stuck")
        await self.drop()
        return await self.until(await self.received(), Stage.SUBMITTED)

    async def uploaded(self, trouble: Trouble) -> Run:
        """A run whose files are there and whose job finds the queue full."""
        trouble.set(queue_limit=0)
        await self.drop()
        return await self.until(await self.received(), Stage.UPLOADED)

    async def log(self, run: Run) -> list[dict[str, str]]:
        text = await self.ledger.document(run.id, "events.jsonl") or b""
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
async def shore(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shore]:
    model = f"m{uuid.uuid4().hex[:8]}"
    environ = loop.apart(model, TUNEDROP_QUIET_SECONDS="0.1", TUNEDROP_SWEEP_SECONDS="0")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    async with Cloud(Settings.load(environ)) as cloud:
        yield Shore(cloud, model)
    loop.clear_deployments(f"{model}-")


# ---- what a test does to a run


async def order(shore: Shore, run: Run, what: What) -> Run:
    """Give an order and have it carried out as the API does."""
    await orders.give(run.id, what, "Ada", "because", shore.cloud)
    await keeper.obey(run.id, shore.cloud)
    return await shore.known(run.id)


async def backdate(shore: Shore, run: Run, days: float) -> None:
    """As if the run had come to its stage, and the app had been ticking, since then."""
    run = await shore.known(run.id)
    run.timeline[-1].at -= timedelta(days=days)
    await shore.ledger.save(run)


async def ticked(shore: Shore, days: float, until: datetime) -> None:
    """As if the app had been ticking for so many days, the last time then."""
    since = until - timedelta(days=days)
    heart = heartbeat.Heartbeat(last=until, awake_since=since, swept=until)
    await shore.cloud.runs.put(heartbeat.NAME, heart.model_dump_json().encode(), "application/json")
