"""Runs moved by hand, step by step: in memory, or on the stack's storage and service."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from shared.cloud import AzureClients
from shared.cloud.account import Account
from shared.cloud.container import Container
from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.cloud.memory_container import MemoryContainer
from shared.run import commands, deploying, heartbeat, intake, reconciler
from shared.run.context import Context
from shared.run.ledger import Ledger
from shared.run.policy import Policy
from shared.run.record import Action, Run
from shared.run.stages import Stage
from shared.settings import Settings
from tests.support.clock import Clock
from tests.support.control import ServiceControl, StackControl
from tests.support.datasets import dataset
from tests.support.service import MemoryAccount, MemoryDeployments, MemoryFineTuning
from tests.support.service_state import MemoryService

# Of a tick, and of a run that does not change at all on the stack: only against hanging.
MAX_SECONDS = 300
MAX_TICKS = 1000  # the same in memory, a second of the test's clock or more each


class MemoryClients(AzureClients):
    """Storage and service within the test's process."""

    def __init__(self, settings: Settings, service: MemoryService) -> None:
        super().__init__(settings)
        self.service = service

    def _container(self, name: str) -> Container:
        return MemoryContainer(name, self.service.clock.now)

    @cached_property
    def finetuning(self) -> FineTuning:
        return MemoryFineTuning(self.service)

    @cached_property
    def deployments(self) -> Deployments:
        return MemoryDeployments(self.service)

    @cached_property
    def account(self) -> Account:
        return MemoryAccount(self.service)


class RunHarness:
    """A model's folder, and the runs that come of it.

    `clock` is the test's own; None where time is real.
    """

    def __init__(
        self, ctx: Context, model: str, service: ServiceControl, clock: Clock | None = None
    ) -> None:
        self.ctx, self.model, self.service, self.clock = ctx, model, service, clock

    @classmethod
    def on_stack(cls, clients: AzureClients, model: str, service: StackControl) -> "RunHarness":
        return cls(Context.of(clients), model, service)

    @classmethod
    def in_memory(cls, settings: Settings, model: str) -> "RunHarness":
        clock = Clock()
        service = MemoryService(clock)
        policy = Policy(
            first_pause=settings.backoff_seconds,
            orphans_every=timedelta(days=3650),  # tests that want a look ask for it
            hosting_every=timedelta(days=3650),
        )
        clients = MemoryClients(settings, service)
        return cls(Context.of(clients, policy, clock.now, clock.sleep), model, service, clock)

    @property
    def ledger(self) -> Ledger:
        return self.ctx.ledger

    def set_policy(self, **changes: Any) -> None:
        """Other pauses, limits or deadlines for this test."""
        policy = replace(self.ctx.policy, **changes)
        self.ctx = Context.of(self.ctx.clients, policy, self.ctx.now, self.ctx.sleep)

    # ---- what people do

    async def drop(self, content: bytes | None = None, name: str = "training.jsonl") -> None:
        content = dataset(10, voice=self.model) if content is None else content
        await self.ctx.clients.datasets.put(self.path(name), content, "application/json")

    async def drop_without_event(
        self, content: bytes | None = None, name: str = "training.jsonl"
    ) -> None:
        """A drop whose event is lost, and that has lain there for long enough to be missed."""
        await self.drop(content, name)
        await self.ctx.sleep(2 * self.ctx.settings.quiet_seconds)

    async def command(self, run: Run, action: Action, **asked: Any) -> Run:
        """Give a command and have it carried out as the API does; `asked` is of `deploy`."""
        wanted = deploying.asked_for(asked)
        await commands.give(run.id, action, "Ada", "because", self.ctx, wanted)
        await reconciler.execute_now(run.id, self.ctx)
        return await self.known(run.id)

    # ---- what the app does

    async def received(self, name: str = "training.jsonl") -> Run:
        async with self.ctx.with_copies() as ctx:
            run_id = await intake.take(self.path(name), ctx)
        assert run_id
        return await self.known(run_id)

    async def tick(self) -> None:
        async with asyncio.timeout(MAX_SECONDS):
            await reconciler.tick(self.ctx)

    async def until(self, run: Run, *stages: Stage) -> Run:
        """Tick until the run is in one of these stages; in memory, time goes on between ticks."""
        idle, since, last = 0, time.monotonic(), run
        while idle < MAX_TICKS if self.clock else time.monotonic() - since < MAX_SECONDS:
            run = await self.known(run.id)
            if run.stage in stages:
                return run
            if run.etag != last.etag:
                idle, since, last = 0, time.monotonic(), run
            await self.tick()
            idle += 1
            await self._pass_time(run)
        raise AssertionError(f"{run.stage}, not {stages}: {run.waiting_for or run.failure}")

    async def _pass_time(self, run: Run) -> None:
        """On to where the run may be looked after again."""
        if self.clock:
            known = await self.known(run.id)
            self.clock.advance_to(known.not_before or self.clock.now())
            self.clock.advance(1)

    async def until_inactive(self) -> None:
        """Tick until no run needs care any more."""
        since = time.monotonic()
        for _ in range(MAX_TICKS):
            if not await self.ledger.active() or time.monotonic() - since > MAX_SECONDS:
                break
            await self.tick()
            if self.clock:
                self.clock.advance(60)
        assert await self.ledger.active() == []

    async def queued(self) -> Run:
        """A run whose job stays in the queue for good."""
        self.service.arm("job-stuck")
        await self.drop()
        return await self.until(await self.received(), Stage.SUBMITTED)

    async def declined(self) -> Run:
        """A run whose files are there and whose job finds the queue full."""
        self.service.configure(queue_limit=0)
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

    async def ticked(self, days: float, until: datetime | None = None) -> None:
        """As if the app had been ticking for so many days, the last time then (or now)."""
        last = until or self.ctx.now()
        since = last - timedelta(days=days)
        heart = heartbeat.Heartbeat(last=last, awake_since=since, swept=last)
        await heartbeat.write(self.ctx.clients.runs, heart)

    @asynccontextmanager
    async def held_record(self, run: Run) -> AsyncIterator[None]:
        """By a lease from the portal, or a policy of immutability."""
        async with self.ctx.clients.runs.lease(f"{run.id}/run.json") as lease:
            assert lease
            yield

    def break_claims(self) -> None:
        """As time would: the leases of dead workers run out."""
        runs = self.ctx.clients.runs
        if isinstance(runs, MemoryContainer):
            runs.break_leases()
        elif isinstance(self.service, StackControl):
            self.service.stack.free_claims(runs.name)

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        if self.clock:
            self.clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)

    def path(self, name: str) -> str:
        return f"{self.model}.jsonl" if name == "lone" else f"{self.model}/{name}"
