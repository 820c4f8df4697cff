"""What a step works with: clients, records, the time and the policy. Tests give their own."""

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud import AzureClients
from shared.cloud.container import Container
from shared.model.registry import Registry
from shared.run.copies import Copies
from shared.run.drawing import Sample
from shared.run.ledger import Ledger
from shared.run.outcome import Outcome
from shared.run.policy import Policy
from shared.run.record import Run
from shared.run.workers import Workers
from shared.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


def uptime() -> float:
    """Seconds that nobody can set back, with the time in which the machine was suspended, where the
    system tells it: Linux does, and Windows by its only such clock; macOS stops it."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Context:
    """`awake_since` is when the unbroken row of ticks began, where the caller knows it; `until` the
    uptime after which no further step is begun, where the work is bounded. `samples`: what runs
    that compare have drawn; `pauses`: until when deployments take no call; `pages`: lists that were
    shown a moment ago; `staged`: the datasets as they would be with a drop that is only tried."""

    clients: AzureClients
    ledger: Ledger
    registry: Registry
    policy: Policy
    workers: Workers
    now: Callable[[], datetime] = utc_now
    uptime: Callable[[], float] = uptime
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    awake_since: datetime | None = None
    until: float | None = None
    overrunning: set[asyncio.Task[None]] = field(default_factory=set)  # what ticks left running
    delivering: set[asyncio.Task[None]] = field(default_factory=set)  # one at the most
    samples: dict[str, Sample] = field(default_factory=dict)
    pauses: dict[str, datetime] = field(default_factory=dict)
    pages: dict[str, Any] = field(default_factory=dict)
    staged: Container | None = None
    _copies: Copies | None = None

    @classmethod
    def of(
        cls,
        clients: AzureClients,
        policy: Policy | None = None,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> "Context":
        policy = policy or Policy(first_pause=clients.settings.backoff_seconds)
        return cls(
            clients=clients,
            ledger=Ledger(clients.runs, policy, now, sleep),
            registry=Registry(clients.models),
            policy=policy,
            workers=Workers(policy),
            now=now,
            sleep=sleep,
        )

    @property
    def app_id(self) -> str:
        """Tells this app from others that use the same Azure OpenAI resource."""
        return hashlib.sha256(self.clients.runs.id.encode()).hexdigest()[:16]

    @property
    def settings(self) -> Settings:
        return self.clients.settings

    @property
    def datasets(self) -> Container:
        """What drops are read out of."""
        return self.staged or self.clients.datasets

    @property
    def sweep_every(self) -> timedelta:
        return timedelta(seconds=self.settings.sweep_seconds)

    @property
    def region(self) -> str:
        """Whose prices count: as the setting says, or as the account has said last."""
        offers, _ = self.clients.account.told
        return self.settings.location or offers.location.value or ""

    @property
    def out_of_time(self) -> bool:
        return self.until is not None and self.uptime() >= self.until

    @property
    def copies(self) -> Copies:
        assert self._copies, "with_copies() comes before any step"
        return self._copies

    @asynccontextmanager
    async def with_copies(self) -> AsyncIterator["Context"]:
        """The same, with a place for local copies of datasets, emptied at the end of the block."""
        if self._copies:
            yield self
            return
        async with Copies(self.workers.split) as copies:
            yield replace(self, _copies=copies)


Step = Callable[[Run, Context], Awaitable[Outcome]]
