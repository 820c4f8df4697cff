"""What lies between a host and everything outside of it: every call takes time, and the plan's
troubles strike it. A call takes effect at one moment, and whoever made it learns of that later, or
never.

Knows callers and calls, not what they are for.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, NamedTuple, Protocol

from shared import telemetry
from shared.cloud import deployments, finetuning
from shared.cloud.denials import OPENAI_ROLE
from shared.cloud.translate import STORAGE, service_error, unreachable
from shared.errors import TunedropError
from tests.simulation.loop import SimulatedLoop
from tests.simulation.plan import STORM, Kind, Outage, Plan, Trouble
from tests.support.service_parts import Refusal

SERVICES = {"storage": STORAGE, "openai": finetuning.SERVICE, "arm": deployments.SERVICE}
SEEN_LATER = 0.3  # of the answers: others may act between the effect and what is made of it
STATUSES = {
    Kind.BUSY: (503, "serverBusy"),
    Kind.THROTTLED: (429, "429"),
    Kind.DENIED: (403, "PermissionDenied"),
    Kind.CONFLICT: (409, "RequestConflict"),
}


class Killed(BaseException):
    """Its host is gone: nothing of it has an effect any more."""


class Step(NamedTuple):
    """A line of the story: when, who, what, and what came of it."""

    at: float
    who: str
    what: str
    answer: str


class Caller:
    """A host as the network sees it. While it is frozen its time stands still; then it goes on."""

    def __init__(self, name: str, loop: SimulatedLoop) -> None:
        self.name, self.loop = name, loop
        self.dead = False
        self.thaw = 0.0  # when it goes on
        self.leases: set[str] = set()  # those that it believes to hold
        self.tasks: list[asyncio.Task[Any]] = []

    async def sleep(self, seconds: float) -> None:
        await self.loop.pause(seconds)
        await self.gate()

    async def gate(self) -> None:
        """Where a frozen host stops, and a dead one ends."""
        while self.thaw > self.loop.time() and not self.dead:
            await self.loop.pause(self.thaw - self.loop.time())
        if self.dead:
            raise Killed

    def freeze(self, seconds: float) -> None:
        self.thaw = max(self.thaw, self.loop.time() + seconds)

    def kill(self) -> None:
        self.dead = True
        for task in self.tasks:
            task.cancel()


class Watch(Protocol):
    """Who looks at every call: before it is sent, and at the moment of its effect."""

    def sent(self, caller: Caller, operation: str) -> None: ...

    def happened(self, caller: Caller, operation: str, subject: str, error: Any) -> None: ...

    def refused(self, caller: Caller, operation: str, seconds: float) -> None: ...


class Network:
    def __init__(self, loop: SimulatedLoop, chance: Random, plan: Plan, watch: Watch) -> None:
        self.loop, self.chance, self.watch = loop, chance, watch
        self.troubles = {(t.operation, t.nth): t for t in plan.troubles}
        self.outages = plan.outages
        self.counts: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.story: list[Step] = []

    def tell(self, who: str, what: str, answer: str = "") -> None:
        self.story.append(Step(self.loop.time(), who, what, answer))

    async def call(
        self, caller: Caller, place: str, operation: str, subject: str, effect: Callable[[], Any]
    ) -> Any:
        await caller.gate()
        nth = self.counts[operation]
        self.counts[operation] = nth + 1
        call = _Call(self, caller, place, operation, subject, effect)
        if self.loop.time() < STORM:
            if trouble := self.troubles.get((operation, nth)):
                return await call.through(trouble)
            if self.outages and (outage := self._outage(place)):
                return await call.through(Trouble(operation, nth, outage.kind, outage.seconds))
        self.watch.sent(caller, operation)
        await self.loop.pause(self.latency())
        answer = call.happen()
        if self.chance.random() < SEEN_LATER:
            await self.loop.pause(self.latency())
        return await call.receive(answer)

    def _outage(self, place: str) -> Outage | None:
        now = self.loop.time()
        return next(
            (o for o in self.outages if o.place == place and o.since <= now < o.until), None
        )

    def latency(self) -> float:
        return 0.002 + 0.1 * self.chance.random()


class _Call:
    def __init__(
        self,
        network: Network,
        caller: Caller,
        place: str,
        operation: str,
        subject: str,
        effect: Callable[[], Any],
    ) -> None:
        self.network, self.caller, self.place = network, caller, place
        self.operation, self.subject, self.effect = operation, subject, effect
        self.loop = network.loop

    async def through(self, trouble: Trouble) -> Any:
        kind, caller = trouble.kind, self.caller
        self.network.struck[f"{self.operation} {kind}"] += 1
        self.network.tell(caller.name, f"{self.operation} {self.subject}", f"! {kind}")
        if kind is Kind.KILL_BEFORE:
            caller.kill()
        elif kind is Kind.FREEZE_BEFORE:
            caller.freeze(trouble.seconds)
        await caller.gate()
        self.network.watch.sent(caller, self.operation)
        if kind in STATUSES:
            return await self._refuse(kind, trouble.seconds)
        if kind is Kind.LOST_CALL:
            raise await self._silence()
        arriving = self.loop.create_future()
        self.loop.world_later(self._delay(trouble), self._arrive, arriving, kind is Kind.DOUBLED)
        if kind is Kind.KILL_SENT:
            caller.kill()
            await caller.gate()
        if kind is Kind.LATE:
            raise await self._silence()
        answer = await asyncio.shield(arriving)
        return await self._answered(answer, trouble)

    async def _answered(self, answer: "_Answer", trouble: Trouble) -> Any:
        if trouble.kind is Kind.KILL_AFTER:
            self.caller.kill()
        elif trouble.kind is Kind.FREEZE_AFTER:
            self.caller.freeze(trouble.seconds)
        elif trouble.kind is Kind.LOST_ANSWER:
            await self.caller.gate()
            raise await self._silence()
        return await self.receive(answer)

    def _delay(self, trouble: Trouble) -> float:
        return trouble.seconds if trouble.kind is Kind.LATE else self.network.latency()

    def _arrive(self, arriving: "asyncio.Future[_Answer]", twice: bool) -> None:
        answer = self.happen()
        arriving.set_result(self.happen() if twice else answer)

    def happen(self) -> "_Answer":
        """The moment of its effect."""
        answer = _Answer(None, None)
        try:
            answer = _Answer(self.effect(), None)
        except TunedropError as error:
            answer = _Answer(None, error)
        said = repr(answer.error) if answer.error else type(answer.value).__name__
        self.network.tell(self.caller.name, f"{self.operation} {self.subject}", said)
        self.network.watch.happened(self.caller, self.operation, self.subject, answer.error)
        return answer

    async def receive(self, answer: "_Answer") -> Any:
        await self.caller.gate()
        if answer.error:
            raise answer.error
        return answer.value

    async def _refuse(self, kind: Kind, seconds: float) -> Any:
        await self.loop.pause(self.network.latency())
        status, code = STATUSES[kind]
        headers = {"retry-after": str(seconds)} if kind in (Kind.THROTTLED, Kind.BUSY) else {}
        if headers:
            self.network.watch.refused(self.caller, self.operation, seconds)
        refusal = Refusal(status, code, "simulated", headers)
        await self.caller.gate()
        raise service_error(SERVICES[self.place], self.operation, refusal, fix=OPENAI_ROLE)

    async def _silence(self) -> TunedropError:
        """Nobody answers: noticed at once, after a while, or when the client gives up."""
        await self.loop.pause(self.network.chance.choice((0.1, 3.0, 60.0)))
        await self.caller.gate()
        error = ConnectionResetError()
        return unreachable(SERVICES[self.place], self.operation, error)


class _Answer(NamedTuple):
    value: Any
    error: TunedropError | None


def run_of_this_task() -> str:
    """The run on whose behalf a task calls; empty if it is none."""
    return telemetry.run.get() or ""


def driven(work: Coroutine[Any, Any, Any]) -> Any:
    """What comes of work that waits for nothing but its turn, all of it at this moment."""
    try:
        while True:
            assert work.send(None) is None, "it waits for something"
    except StopIteration as done:
        return done.value
