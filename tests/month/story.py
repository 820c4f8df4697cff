"""Thirty days of thirty models on an account with ten places: chats, sleeps and wakes by chance,
the same ones each time. The account is the emulator's own control plane, by the test's clock.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from pathlib import Path

from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.errors import ServiceError
from shared.model.history import Decision
from shared.model.hosting import Why
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Version
from shared.model.usage import USED
from shared.run import redeployments, upkeep
from shared.run.context import Context
from shared.run.policy import Policy
from shared.settings import Settings
from tests.support.clock import Clock
from tests.support.emulated_account import EmulatedAccount, EmulatedChat, EmulatedDeployments
from tests.support.runs import MemoryClients
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY

DAYS, MODELS, PLACES = 30, 30, 10  # as the emulator has it, and Azure: ten tuned deployments
ALWAYS = 3  # of each ten models this one is kept deployed always
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


@dataclass
class Story:
    folder: Path
    seed: int = 15
    models: int = MODELS
    places: int = PLACES
    ceiling: float = 0.0
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.settings = replace(
            IN_MEMORY, location="swedencentral", monthly_hosting_ceiling=self.ceiling
        )
        self.clock = Clock()
        self.chance = random.Random(self.seed)
        self.account = EmulatedAccount(
            self.clock,
            self.folder,
            deployment_limit=self.places,
            creating_seconds=30.0,
            readiness_gap_seconds=30.0,
            deleting_seconds=0.0,
            quota_capacity=1_000_000,
        )
        clients = Clients(self.settings, self.clock, self.account)
        self.ctx = Context.of(clients, Policy(), self.clock.now, self.clock.sleep)
        self.start = self.clock.now()
        self.end = self.start + timedelta(days=DAYS)

    def close(self) -> None:
        self.account.close()

    async def live(self) -> None:
        """The pauses of the app are by chance too: those of this story."""
        before = random.getstate()
        random.seed(self.seed)
        try:
            await self._live()
        finally:
            random.setstate(before)

    async def _live(self) -> None:
        for number in range(self.models):
            always = number % 10 == ALWAYS
            await self.enter(f"model-{number:02d}", *KINDS[number % len(KINDS)], always=always)
        chats = merge(*(self._chats(number) for number in range(self.models)))
        ticks = ((self.start + n * HOUR, "") for n in range(DAYS * 24))
        for at, model in merge(chats, ticks):
            self.clock.advance_to(at)
            if model:
                await self.chat(model)
            else:
                await self.tick()
        self.clock.advance_to(self.end)

    async def enter(self, name: str, base: str, sku: str, *, always: bool) -> None:
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
            keep="always" if always else "on-demand",
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

    async def chat(self, name: str) -> None:
        self.told.chats += 1
        if await self._answered(name):
            return
        self.told.wakes += 1
        await RedeployRequests(self.ctx.clients.models, self.clock.now).add(name)
        for _ in range(4):
            await self.tick()
            if await self._answered(name):
                return
            self.clock.advance(TICK.total_seconds())

    async def _answered(self, name: str) -> bool:
        try:
            await self.ctx.clients.finetuning.ask(f"{name}-v1", "hello")
        except ServiceError:
            return False
        await self.ctx.clients.models.put(f"{USED}{name}@1", b"", "text/plain")
        self.told.answered += 1
        return True

    async def tick(self) -> None:
        """As far as it is about deployments."""
        await upkeep.process(self.ctx)
        await redeployments.process(self.ctx)

    async def sleeps(self) -> Counter[Why]:
        """How often something was put to sleep, and why, by the runs' logs."""
        found = Counter[Why]()
        for model in await self.ctx.registry.all():
            for version in model.versions:
                data = await self.ctx.ledger.document(version.run_id, "events.jsonl") or b""
                for line in map(json.loads, data.splitlines()):
                    found.update(why for why in Why if f"sleeps, for {why}:" in line["message"])
        return found
