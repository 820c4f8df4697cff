"""Thirty days of thirty models on an account with ten places: chats, sleeps and wakes by chance,
the same ones each time. The account is the emulator's own control plane, by the test's clock.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from pathlib import Path

from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.errors import ServiceError
from shared.model.history import Decision
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.run import redeployments
from shared.run.context import Context
from shared.run.policy import Policy
from shared.settings import Settings
from tests.support.clock import Clock
from tests.support.emulated_account import EmulatedAccount, EmulatedChat, EmulatedDeployments
from tests.support.runs import MemoryClients
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY

DAYS, MODELS, PLACES = 30, 30, 10
HOUR = timedelta(hours=1)
TICK = timedelta(minutes=1)
KINDS = (
    ("gpt-4.1-nano-2025-04-14", "GlobalStandard"),
    ("gpt-4.1-nano-2025-04-14", "DeveloperTier"),
    ("gpt-4.1-2025-04-14", "Standard"),
    ("gpt-oss-20b", "GlobalStandard"),
    ("Qwen3-32B", "GlobalStandard"),  # its price is not known
)


class Clients(MemoryClients):
    """Storage in memory, and the emulator's account in the place of Azure."""

    def __init__(self, settings: Settings, clock: Clock, account: EmulatedAccount) -> None:
        super().__init__(settings, MemoryService(clock))
        self.there = account

    @cached_property
    def finetuning(self) -> FineTuning:
        return EmulatedChat(self.there)

    @cached_property
    def deployments(self) -> Deployments:
        return EmulatedDeployments(self.there)


@dataclass
class Told:
    chats: int = 0
    answered: int = 0
    wakes: int = 0
    sleeps: int = 0
    evicted: int = 0


@dataclass
class Story:
    folder: Path
    seed: int = 15
    settings: Settings = IN_MEMORY
    told: Told = field(default_factory=Told)
    used: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.chance = random.Random(self.seed)
        self.account = EmulatedAccount(
            self.clock,
            self.folder,
            deployment_limit=PLACES,
            creating_seconds=30.0,
            readiness_gap_seconds=30.0,
            deleting_seconds=0.0,
            quota_capacity=1_000_000,
        )
        clients = Clients(self.settings, self.clock, self.account)
        self.ctx = Context.of(clients, Policy(), self.clock.now, self.clock.sleep)
        self.start = self.clock.now()
        self.end = self.start + timedelta(days=DAYS)

    async def live(self) -> None:
        for number in range(MODELS):
            await self._enter(f"model-{number:02d}", *KINDS[number % len(KINDS)])
        chats = merge(*(self._chats(number) for number in range(MODELS)))
        ticks = ((self.start + n * HOUR, "") for n in range(DAYS * 24))
        for at, model in merge(chats, ticks):
            self.clock.advance_to(at)
            if model:
                await self._chat(model)
            else:
                await self._tick()
        self.clock.advance_to(self.end)

    async def _enter(self, name: str, base: str, sku: str) -> None:
        """A model with its first version, which nobody has deployed yet."""
        at = self.clock.now()
        tuned = f"{base}.ft-{name}"
        self.account.add_model(tuned, base)
        version = Version(
            run_id=f"{name}-1",
            base_model=base,
            fine_tuned_model=tuned,
            sku=sku,
            capacity=10,
            created_at=at,
            dropped_at=at,
            keep="on-demand",
            idle_after=self.chance.choice((6.0, 24.0, 96.0)),
        )
        await self.ctx.registry.add_version(name, version)
        await self.ctx.registry.promote(name, 1, Decision(at))

    def _chats(self, number: int) -> Iterator[tuple[datetime, str]]:
        """In bursts, some hours or days apart; a few models are asked once and then left."""
        mean = self.chance.choice((20.0, 60.0, 150.0, 1e6))
        at = self.start + self.chance.random() * 24 * HOUR
        while at < self.end - HOUR:
            for _ in range(self.chance.randint(1, 3)):
                yield at, f"model-{number:02d}"
                at += self.chance.random() * HOUR / 3
            at += self.chance.expovariate(1 / mean) * HOUR

    async def _chat(self, name: str) -> None:
        self.told.chats += 1
        if await self._answered(name):
            return
        self.told.wakes += 1
        await RedeployRequests(self.ctx.clients.models).add(name)
        for _ in range(4):
            await self._tick()
            if await self._answered(name):
                return
            self.clock.advance(TICK.total_seconds())

    async def _answered(self, name: str) -> bool:
        try:
            await self.ctx.clients.finetuning.ask(f"{name}-v1", "hello")
        except ServiceError:
            return False
        self.used[name] = self.clock.now()
        self.told.answered += 1
        return True

    async def _tick(self) -> None:
        await self._care()
        await redeployments.process(self.ctx)

    # ---- who sleeps

    async def _care(self) -> None:
        models = await self.ctx.registry.all()
        there = {deployment.name for deployment in await self.ctx.clients.deployments.list()}
        for model in models:
            version = model.versions[0]
            idle = self.clock.now() - self._needed(model)
            if version.is_hosted and version.deployment not in there:
                await self.ctx.registry.note_unhosted(model.name, 1, self._ended(version))
            elif version.deployment in there and idle >= version.idle_after * HOUR:
                self.told.sleeps += 1
                await self._sleep(model)
        await self._make_room(models)

    def _needed(self, model: Model) -> datetime:
        """When it was last chatted with, or deployed."""
        hosted = [one.since for one in model.versions[0].hosted[-1:]]
        return max([self.used.get(model.name, self.start), *hosted])

    def _ended(self, version: Version) -> datetime:
        """When Azure has deleted it: after its day."""
        return version.hosted[-1].since + 24 * HOUR

    async def _make_room(self, models: list[Model]) -> None:
        requested = await RedeployRequests(self.ctx.clients.models).requested()
        there = {deployment.name for deployment in await self.ctx.clients.deployments.list()}
        wanted = len([name for name in requested if f"{name}-v1" not in there])
        idle = [
            model
            for model in sorted(models, key=self._needed)
            if model.versions[0].deployment in there
            and self.clock.now() - self._needed(model) >= HOUR
        ]
        for model in idle[: max(0, len(there) + wanted - PLACES)]:
            self.told.evicted += 1
            await self._sleep(model)

    async def _sleep(self, model: Model) -> None:
        await self.ctx.clients.deployments.delete(model.versions[0].deployment)
        await self.ctx.registry.note_unhosted(model.name, 1, self.clock.now())
