"""A host of the app: its clock, its clients, its timer, the events and orders that reach it.

The dataset check is the one part that is not the app's own here: it is pure work on bytes, with
tests of its own, and would take most of a life's time. What it does to a run is kept: it reads the
files, writes the reports and says what is wrong.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from shared.cloud import AzureClients, deployments, finetuning
from shared.cloud.account import Account
from shared.cloud.container import Container
from shared.cloud.deployments import Deployments
from shared.cloud.finetuning import FineTuning
from shared.errors import TunedropError
from shared.run import checking, commands, files, reconciler
from shared.run.context import Context
from shared.run.policy import Policy
from shared.run.record import Action, Run
from shared.run.stages import DEADLINES
from shared.settings import Settings
from tests.simulation.loop import OWNER, SimulatedLoop
from tests.simulation.network import Caller, Network, run_of_this_task
from tests.simulation.storage import Storage, view_of
from tests.support.clock import Clock
from tests.support.service import MemoryAccount, MemoryDeployments, MemoryFineTuning
from tests.support.service_state import MemoryService
from tests.support.settings import ENVIRON

T = TypeVar("T")

QUIET, TICK, SWEEP = 10.0, 60.0, 300.0
SETTINGS = Settings.load({**ENVIRON, "TUNEDROP_QUIET_SECONDS": str(QUIET)})
DELIVERIES = 5  # of an event whose function fails, by the Functions host
REDELIVERY = 2.0  # seconds between them
CHECK_SECONDS = 2.0


class TrueClock(Clock):
    """Storage's and the service's, and of the story."""

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self.loop, self.began = loop, self._now

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.loop.time())

    def after(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=self.loop.time() + seconds)

    def seconds_at(self, at: datetime) -> float:
        return (at - self.began).total_seconds()


class World:
    """What all hosts share."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.loop, self.clock = loop, TrueClock(loop)
        self.storage = {n: Storage(n, self.clock) for n in ("datasets", "runs", "models")}
        self.service = MemoryService(self.clock)
        self.service.numbered()

    @property
    def datasets(self) -> Storage:
        return self.storage["datasets"]

    @property
    def runs(self) -> Storage:
        return self.storage["runs"]

    @property
    def models(self) -> Storage:
        return self.storage["models"]


class Clients(AzureClients):
    def __init__(self, world: World, network: Network, caller: Caller) -> None:
        super().__init__(SETTINGS)
        self.world, self.network, self.caller = world, network, caller

    def _container(self, name: str) -> Container:
        return view_of(self.world.storage[name], self.network, self.caller)

    @cached_property
    def finetuning(self) -> FineTuning:
        return _FineTuning(self)

    @cached_property
    def deployments(self) -> Deployments:
        return _Deployments(self)

    @cached_property
    def account(self) -> Account:
        return MemoryAccount(self.world.service)

    async def ask(self, place: str, service: str, operation: str, effect: Callable[[], Any]) -> Any:
        def answered() -> Any:
            return self.world.service.answer(service, operation, effect)

        subject = run_of_this_task()
        return await self.network.call(self.caller, place, operation, subject, answered)


class _FineTuning(MemoryFineTuning):
    def __init__(self, clients: Clients) -> None:
        super().__init__(clients.world.service)
        self.clients = clients

    async def _call(self, operation: str, effect: Callable[[], T]) -> T:
        answer: T = await self.clients.ask("openai", finetuning.SERVICE, operation, effect)
        return answer


class _Deployments(MemoryDeployments):
    def __init__(self, clients: Clients) -> None:
        super().__init__(clients.world.service)
        self.clients = clients

    async def _call(self, operation: str, effect: Callable[[], T]) -> T:
        answer: T = await self.clients.ask("arm", deployments.SERVICE, operation, effect)
        return answer


class Host(Caller):
    """One process of the app, until it is killed. `ahead`: seconds by which its clock is wrong."""

    def __init__(
        self, name: str, world: World, network: Network, ahead: float, deadline: float | None
    ) -> None:
        super().__init__(name, world.loop)
        self.network, self.began = network, world.clock.began
        self.ahead = ahead
        policy = Policy(first_pause=SETTINGS.backoff_seconds)
        if deadline:
            limits = dict.fromkeys(DEADLINES, timedelta(seconds=deadline))
            policy = replace(policy, deadlines=limits)
        clients = Clients(world, network, self)
        self.ctx = Context.of(clients, policy, self.now, self.sleep)

    def now(self) -> datetime:
        """By its own clock. What a frozen host does next, it does when it goes on."""
        at = max(self.loop.time(), self.thaw)
        return self.began + timedelta(seconds=at + self.ahead)

    def start(self, work: Awaitable[Any]) -> None:
        """Something that this host does; it ends with it."""
        before = OWNER.set(self)
        self.loop.create_task(work)  # type: ignore[arg-type]
        OWNER.reset(before)

    async def ticking(self, first: float) -> None:
        await self.sleep(first)
        while True:
            await self._tried("tick", reconciler.tick(self.ctx))
            await self.sleep(TICK)

    async def delivered(self, path: str, after: float) -> None:
        """The news of a drop, again while it fails."""
        await self.sleep(after)
        for _ in range(DELIVERIES):
            if await self._tried(f"event {path}", reconciler.dataset_dropped(path, self.ctx)):
                return
            await self.sleep(REDELIVERY)

    async def ordered(self, run_id: str, action: Action) -> None:
        """As the API does it: entered, then carried out at once if nobody is at it."""
        given = commands.give(run_id, action, "Ada", "because", self.ctx)
        if await self._tried(f"order {action} {run_id}", given):
            await reconciler.execute_now(run_id, self.ctx)

    async def _tried(self, what: str, work: Awaitable[Any]) -> bool:
        try:
            await work
        except TunedropError as error:
            self.network.tell(self.name, what, f"not done: {type(error).__name__} {error}")
            return False
        return True


async def quick_check(run: Run, ctx: Context) -> checking.Checked:
    """In the place of the dataset check: bad is what says so. Raises Replaced as that does."""
    contents = [await _content(file, ctx) for file in run.files]
    counted = zip(run.files, contents, strict=True)
    run = run.with_files(*(f.replace(examples=data.count(b"\n")) for f, data in counted))
    await ctx.sleep(CHECK_SECONDS)
    await ctx.ledger.keep(run.id, "report.html", b"<html>", "text/html")
    await ctx.ledger.keep(run.id, "report.json", b"{}", "application/json")
    bad = any(b" bad" in data for data in contents)
    return checking.Checked(run, "checked", "said-so (1)" if bad else "")


async def _content(file: Any, ctx: Context) -> bytes:
    return b"".join([chunk async for chunk in files.read(file, ctx)])


@contextmanager
def without_dataset_check() -> Iterator[None]:
    own = checking.check
    checking.check = quick_check
    try:
        yield
    finally:
        checking.check = own
