"""An account of the emulator's own making, within the test's process and by the test's clock: its
control plane without HTTP, and a meter of the hours that its deployments exist, which Azure bills.

Knows the app's client of the control plane, nothing of its records.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from local.emulator.control_plane import deployment as emulated
from local.emulator.control_plane.deployments import Deployments as ControlPlane
from local.emulator.control_plane.lifecycle import Lifecycle
from local.emulator.control_plane.model_registry import ModelRegistry
from local.emulator.core.clock import Clock as EmulatorClock
from local.emulator.core.context import Context
from local.emulator.core.errors import ServiceError
from local.emulator.core.faults import Faults
from local.emulator.core.journal import Journal
from local.emulator.core.settings import Settings
from local.emulator.core.store import Store
from shared.cloud.deployments import SERVICE, Deployment, Deployments
from shared.cloud.finetuning import FineTuning
from shared.cloud.translate import service_error
from tests.support.clock import Clock
from tests.support.service_parts import Refusal

T = TypeVar("T")

PATH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"


class _Following(EmulatorClock):
    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store)
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


@dataclass(frozen=True)
class Existence:
    """`until` is None as long as it is there."""

    name: str
    sku: str
    since: datetime
    until: datetime | None = None


class EmulatedAccount:
    def __init__(self, clock: Clock, folder: Path, **settings: object) -> None:
        store = Store(folder / "emulator.sqlite")
        moving = _Following(store, clock)
        context = Context(store, moving, Faults(store), Settings(store), Journal(store, moving))
        context.settings.change(settings)
        self.clock, self._store = clock, store
        self._models = ModelRegistry(context)
        self._control = ControlPlane(context, self._models, Lifecycle(context))
        self._ended: list[Existence] = []
        self._there: dict[str, tuple[Existence, datetime]] = {}  # with when it would end by itself

    def close(self) -> None:
        self._store.close()

    def add_model(self, name: str, base: str) -> None:
        """As a job would have made it."""
        self._models.add(name, base, "ftjob-1", "adapter", self._seconds)

    @property
    def _seconds(self) -> int:
        return int(self.clock.now().timestamp())

    # ---- what a client does

    def put(self, name: str, model: str, sku: str, capacity: int, format: str) -> None:
        wanted = {"format": format, "name": model, "version": "1"}
        path = f"{PATH}/deployments/{name}"
        known = self._meter(name)
        self._control.put(
            emulated.DeploymentRequest(path, name, sku, capacity, wanted, "NoAutoUpgrade", {})
        )
        if known and known.sku != sku:
            self._end(name, self.clock.now())
        self._meter(name)

    def delete(self, name: str) -> None:
        known = self._control.find(name)
        if known:
            self._meter(name)
            self._control.delete(known, known.id, 0.0)
            self._end(name, self.clock.now())

    def get(self, name: str) -> Deployment | None:
        known = self._control.find(name)
        return self._told(known) if known else None

    def list(self) -> list[Deployment]:
        return [self._told(known) for known in self._control.all()]

    def _told(self, known: emulated.Deployment) -> Deployment:
        state = self._control.state(known)
        return Deployment(known.name, known.servable.name, state, known.sku, known.capacity)

    def answer(self, name: str) -> None:
        """One chat. Raises ServiceError."""
        self._control.answering(name)
        self._meter(name)

    # ---- the meter

    def _meter(self, name: str) -> Existence | None:
        """The deployment as it is in the emulator's store, which says when it would be deleted for
        want of use, or after its day."""
        self._end_what_has_expired()
        known = self._control.find(name)
        if known is None:
            return None
        begun = Existence(name, known.sku, self.clock.now())
        existence, _ = self._there.get(name, (begun, None))
        # `inf` where nothing ends it: one that is tuned always has an end.
        self._there[name] = (existence, datetime.fromtimestamp(known.expires_at, UTC))
        return existence

    def _end_what_has_expired(self) -> None:
        now = self.clock.now()
        for name, (_, expires) in list(self._there.items()):
            if expires <= now:
                self._end(name, expires)

    def _end(self, name: str, at: datetime) -> None:
        existence, _ = self._there.pop(name)
        self._ended.append(Existence(existence.name, existence.sku, existence.since, at))

    def existences(self) -> Iterator[Existence]:
        self._end_what_has_expired()
        yield from self._ended
        yield from (existence for existence, _ in self._there.values())

    def time(self, name: str, sku: str, since: datetime, until: datetime) -> timedelta:
        """For which a deployment of that SKU was there, between two moments."""
        spans = (
            min(until, one.until or self.clock.now()) - max(since, one.since)
            for one in self.existences()
            if (one.name, one.sku) == (name, sku)
        )
        return sum((span for span in spans if span > timedelta(0)), timedelta(0))

    def whole(self) -> timedelta:
        """For which all deployments were there, together."""
        spans = ((one.until or self.clock.now()) - one.since for one in self.existences())
        return sum(spans, timedelta(0))

    def most_at_once(self) -> int:
        began = [(one.since, 1) for one in self.existences()]
        ended = [(one.until, -1) for one in self.existences() if one.until]
        count, most = 0, 0
        for _, change in sorted(
            [*began, *ended]
        ):  # where one ends as another begins: it ends first
            count += change
            most = max(most, count)
        return most


class EmulatedDeployments(Deployments):
    def __init__(self, account: EmulatedAccount) -> None:
        self.account = account

    async def close(self) -> None:
        self.account.close()

    async def get(self, name: str) -> Deployment | None:
        return self.account.get(name)

    async def list(self) -> "list[Deployment]":
        return self.account.list()

    async def put(
        self, name: str, model: str, sku: str, capacity: int, format: str = "OpenAI"
    ) -> None:
        _translated("put", lambda: self.account.put(name, model, sku, capacity, format))

    async def delete(self, name: str) -> None:
        _translated("delete", lambda: self.account.delete(name))


class EmulatedChat(FineTuning):
    """Answers probes; it has no files and no jobs."""

    def __init__(self, account: EmulatedAccount) -> None:
        self.account = account

    async def close(self) -> None:
        pass

    async def ask(self, deployment: str, question: str) -> str:
        _translated("ask", lambda: self.account.answer(deployment))
        return "hello"


def _translated(operation: str, effect: Callable[[], T]) -> T:
    try:
        return effect()
    except ServiceError as error:
        refusal = Refusal(error.status, error.code, error.message)
        raise service_error(SERVICE, operation, refusal, fix="") from error
