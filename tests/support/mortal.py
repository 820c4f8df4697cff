"""An app in memory that can be killed, started again, and taken back to where it was.

Its service keeps books of its own of what was deployed when, its receiver of what it was told.
Knows nothing of who kills it (`kills`) or what is to be right afterwards (`facts`).
"""

import asyncio
import copy
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from shared.cloud.memory_container import MemoryContainer
from shared.cloud.receivers import Receivers
from shared.model.registry import Model
from shared.run import ticking, upkeep
from shared.run.context import Context
from shared.run.transcript import Question
from shared.settings import Settings
from tests.support.clock import Clock
from tests.support.runs import MemoryClients, RunHarness
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY

MINUTE = 60
TELLING = replace(IN_MEMORY, webhook_url="http://127.0.0.1:9/never-asked")
STATE = ("files", "jobs", "deployed", "journal", "uploaded", "deleted_models", "answered", "billed")
CONTAINERS = ("datasets", "runs", "models", "feedback")
BUSY = ("orders/", "delete/", "wake/", "redeploy/")  # in the models container: something goes on


@dataclass
class Billed:
    """A stretch in which a deployment was there."""

    name: str
    since: datetime
    until: datetime | None = None


@dataclass
class BillingService(MemoryService):
    billed: list[Billed] = field(default_factory=list)

    def create_deployment(self, name: str, model: str, **asked: Any) -> None:
        super().create_deployment(name, model, **asked)
        if not any(one.name == name and one.until is None for one in self.billed):
            self.billed.append(Billed(name, self.clock.now()))

    def delete_deployment(self, name: str) -> None:
        super().delete_deployment(name)
        for one in self.billed:
            if one.name == name and one.until is None:
                one.until = self.clock.now()


class Hearing(Receivers):
    """`heard`: how often each event arrived, by its id; `said`: what it is about."""

    heard: Counter[str]
    said: dict[str, str]

    async def _post(self, receiver: str, url: str, headers: dict[str, str], body: bytes) -> None:
        event = json.loads(body)
        self.heard[event["id"]] += 1
        self.said[event["id"]] = f"{event['type'].removeprefix('dev.tunedrop.')} {event['subject']}"


class MortalClients(MemoryClients):
    @cached_property
    def receivers(self) -> Hearing:
        hearing = Hearing(self.settings, self.credential)
        hearing.heard, hearing.said = Counter(), {}
        return hearing


class Mortal:
    def __init__(self, settings: Settings = TELLING, model: str = "captain") -> None:
        self.clock = Clock()
        self.service = BillingService(self.clock)
        self.clients = MortalClients(settings, self.service)
        known = RunHarness.in_memory(settings, model).ctx.policy
        policy = replace(known, hosting_every=timedelta(minutes=2))
        ctx = Context.of(self.clients, policy, self.clock.now, self.clock.sleep)
        self.harness = RunHarness(ctx, model, self.service, self.clock)
        self.asked_again: list[str] = []  # questions whose answers were kept

    @property
    def ctx(self) -> Context:
        return self.harness.ctx

    @property
    def receiver(self) -> Hearing:
        return self.clients.receivers

    def container(self, name: str) -> MemoryContainer:
        found = getattr(self.clients, name)
        assert isinstance(found, MemoryContainer)
        return found

    # ---- time

    async def minute(self) -> None:
        """All that a tick does; then a minute passes."""
        await ticking.tick(self.ctx)
        await asyncio.gather(*self.ctx.delivering)

    async def minutes(self, count: int) -> None:
        for _ in range(count):
            await self.minute()
            self.clock.advance(MINUTE)

    def hours(self, count: float) -> None:
        """Without a tick."""
        self.clock.advance(timedelta(hours=count).total_seconds())

    async def settled(self) -> bool:
        """Whether there is nothing that a tick would go on with."""
        if await self.ctx.ledger.active():
            return False
        if [blob async for blob in self.clients.runs.list("outbox/")]:
            return False
        looked = await upkeep.latest(self.clients.runs)
        if looked and looked.pending:
            return False
        return not [b.name async for b in self.clients.models.list() if b.name.startswith(BUSY)]

    # ---- lives

    def start_again(self) -> None:
        """Another process: what the one before had in mind is gone, and its leases run out."""
        self.harness.set_policy()
        for name in CONTAINERS:
            self.container(name).break_leases()

    def saved(self) -> dict[str, Any]:
        kept = {name: self.container(name).saved() for name in CONTAINERS}
        service = {name: getattr(self.service, name) for name in STATE}
        heard = (self.receiver.heard, self.receiver.said, self.asked_again)
        return copy.deepcopy({"service": service, "heard": heard, "at": self.clock.now()}) | {
            "kept": kept,
            "limits": self.service.limits,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        for name, blobs in saved["kept"].items():
            self.container(name).restore(blobs)
        for name, value in copy.deepcopy(saved["service"]).items():
            setattr(self.service, name, value)
        self.service.limits = saved["limits"]
        heard = copy.deepcopy(saved["heard"])
        self.receiver.heard, self.receiver.said, self.asked_again = heard
        self.clock.set(saved["at"])
        self.start_again()

    # ---- what is known

    def note_question(self, model: str, asked: dict[str, Any]) -> None:
        """Somebody is asked: whether the answer was kept already."""
        digest = Question.of(0, asked).digest
        for name, blob in self.container("runs").saved().items():
            if name.endswith("/answers.jsonl"):
                lines = map(json.loads, blob.data.splitlines())
                if any((line["model"], line["asked"]) == (model, digest) for line in lines):
                    self.asked_again.append(digest)

    async def model(self, name: str = "") -> Model:
        model = await self.ctx.registry.load(name or self.harness.model)
        assert model
        return model
