"""Runs moved by hand, step by step, in containers that the stack's own app does not look at."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.cloud import AzureClients
from shared.run import commands, heartbeat, intake, reconciler
from shared.run.context import Context
from shared.run.ledger import Ledger
from shared.run.record import Action, Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.faults import Faults

MAX_SECONDS = 60  # without any change of the run that is waited for


class RunHarness:
    """A model's folder, and the runs that come of it."""

    def __init__(self, ctx: Context, model: str) -> None:
        self.ctx, self.model = ctx, model

    @classmethod
    def of(cls, clients: AzureClients, model: str) -> "RunHarness":
        return cls(Context.of(clients), model)

    @property
    def ledger(self) -> Ledger:
        return self.ctx.ledger

    def set_policy(self, **changes: Any) -> None:
        """Other pauses, limits or deadlines for this test."""
        policy = replace(self.ctx.policy, **changes)
        self.ctx = Context.of(self.ctx.clients, policy, self.ctx.now)

    # ---- what people do

    async def drop(self, content: bytes | None = None, name: str = "training.jsonl") -> None:
        content = dataset(10, voice=self.model) if content is None else content
        await self.ctx.clients.datasets.put(self._path(name), content, "application/json")

    async def drop_without_event(
        self, content: bytes | None = None, name: str = "training.jsonl"
    ) -> None:
        """A drop whose event is lost, and that has lain there for long enough to be missed."""
        await self.drop(content, name)
        await asyncio.sleep(2 * self.ctx.settings.quiet_seconds)

    async def command(self, run: Run, action: Action) -> Run:
        """Give a command and have it carried out as the API does."""
        await commands.give(run.id, action, "Ada", "because", self.ctx)
        await reconciler.execute_now(run.id, self.ctx)
        return await self.known(run.id)

    # ---- what the app does

    async def received(self, name: str = "training.jsonl") -> Run:
        async with self.ctx.with_copies() as ctx:
            run_id = await intake.take(self._path(name), ctx)
        assert run_id
        return await self.known(run_id)

    async def until(self, run: Run, *stages: Stage) -> Run:
        """Tick until the run is in one of these stages."""
        deadline, last = time.monotonic() + MAX_SECONDS, run
        while time.monotonic() < deadline:
            run = await self.known(run.id)
            if run.stage in stages:
                return run
            if run != last:
                deadline, last = time.monotonic() + MAX_SECONDS, run
            await reconciler.tick(self.ctx)
        raise AssertionError(f"{run.stage}, not {stages}: {run.waiting_for or run.failure}")

    async def queued(self, faults: Faults) -> Run:
        """A run whose job stays in the queue for good."""
        faults.arm("job-stuck")
        await self.drop()
        return await self.until(await self.received(), Stage.SUBMITTED)

    async def declined(self, faults: Faults) -> Run:
        """A run whose files are there and whose job finds the queue full."""
        faults.set(queue_limit=0)
        await self.drop()
        return await self.until(await self.received(), Stage.SUBMITTING)

    # ---- what is known

    async def known(self, run_id: str) -> Run:
        run = await self.ledger.load(run_id)
        assert run
        return run

    async def runs(self) -> list[Run]:
        return [run async for _, run in self.ledger.newest()]

    async def log(self, run: Run) -> list[dict[str, str]]:
        text = await self.ledger.document(run.id, "events.jsonl") or b""
        return [json.loads(line) for line in text.splitlines()]

    async def messages(self, run: Run, kind: str) -> list[str]:
        return [line["message"] for line in await self.log(run) if line["kind"] == kind]

    # ---- what a test does to a run

    async def rewrite(self, run: Run, **changes: Any) -> Run:
        """As if its record held other values."""
        written = await self.ledger.amend(run.id, lambda known: known.replace(**changes))
        assert written
        return await self.known(run.id)

    async def backdate(self, run: Run, days: float) -> Run:
        """As if the run had come to its stage, and the app had been ticking, since then."""
        *before, last = (await self.known(run.id)).timeline
        earlier = last.replace(at=last.at - timedelta(days=days))
        return await self.rewrite(run, timeline=(*before, earlier))

    async def ticked(self, days: float, until: datetime) -> None:
        """As if the app had been ticking for so many days, the last time then."""
        since = until - timedelta(days=days)
        heart = heartbeat.Heartbeat(last=until, awake_since=since, swept=until)
        await heartbeat.write(self.ctx.clients.runs, heart)

    def _path(self, name: str) -> str:
        return f"{self.model}.jsonl" if name == "lone" else f"{self.model}/{name}"
