"""What a life is made of: the hosts and their clocks, what people do, and what goes wrong. All of
it is made of the seed and is data, so that a life that breaks a rule can be lived again with less.

Times are seconds since the life began. Knows nothing of how it is lived.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from pydantic import TypeAdapter

STORM = 600.0  # seconds in which things go wrong; afterwards everything has to come to its end
HOUR = 3600.0


class Known(StrEnum):
    """Faults that are known and not mended yet. A life is lived as if they were, unless it is asked
    to let them strike (`--known`)."""

    STALE_COSTS = "stale-costs"
    """A worker that was frozen for longer than its claim, right before a call that makes something
    that costs, makes it all the same. Without it, a worker that has lost its claim makes no job, no
    deployment and no file."""

    WRONG_CLOCKS = "wrong-clocks"
    """A host's clock decides how long ago "create job" was sent: by one that is ahead, a call of
    another host is over too soon. Without it, all clocks agree to a second."""


class Kind(StrEnum):
    KILL_BEFORE = "killed before the call"
    KILL_SENT = "killed while the call is on its way"
    KILL_AFTER = "killed before the answer"
    FREEZE_BEFORE = "frozen before the call"
    FREEZE_AFTER = "frozen before the answer"
    LOST_CALL = "the call is lost"
    LOST_ANSWER = "the answer is lost"
    LATE = "the call is cut off and takes effect late"
    DOUBLED = "the call is sent twice"
    BUSY = "503"
    THROTTLED = "429"
    DENIED = "403"
    CONFLICT = "409"


@dataclass(frozen=True)
class Trouble:
    """Strikes call number `nth` (from 0) of an operation, whoever makes it. `seconds`: how long
    somebody is frozen, how late it is, or what Retry-After says."""

    operation: str
    nth: int
    kind: Kind
    seconds: float


@dataclass(frozen=True)
class Outage:
    """Every call to a place (storage, openai, arm) is refused meanwhile."""

    place: str
    since: float
    until: float
    kind: Kind
    seconds: float


@dataclass(frozen=True)
class Fate:
    """What becomes of the next thing that the service makes, by the emulator's names."""

    name: str


@dataclass(frozen=True)
class Event:
    """The news of a drop, `after` seconds later at a host; a drop may have none, or several."""

    after: float
    host: int


@dataclass(frozen=True)
class Drop:
    """Files of a model, one after the other with `between` seconds: each its name and content."""

    at: float
    model: str
    files: tuple[tuple[str, str], ...]
    between: float
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Order:
    """A command of a person to a run: the `run`-th that was made, if there are so many."""

    at: float
    action: str
    run: int
    host: int


@dataclass(frozen=True)
class Plan:
    """`clocks`: how far each host's is ahead, in seconds. `deadline`: how long a stage may see
    nothing new; None is the app's own, of days."""

    seed: int
    clocks: tuple[float, ...]
    drops: tuple[Drop, ...]
    orders: tuple[Order, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    outages: tuple[Outage, ...] = ()
    fates: tuple[Fate, ...] = ()
    deadline: float | None = None
    known: frozenset[Known] = frozenset()  # those that may strike


# How often each operation is called in a life, about: a trouble strikes one of its calls.
SERVICE_CALLS = {
    "files.list": 8,
    "files.create": 3,
    "files.get": 6,
    "files.delete": 3,
    "jobs.list": 4,
    "jobs.create": 2,
    "jobs.get": 20,
    "jobs.events": 12,
    "jobs.cancel": 1,
    "jobs.pause": 1,
    "jobs.resume": 1,
    "jobs.checkpoints": 2,
    "files.content": 2,
    "deployments.get": 8,
    "deployments.put": 2,
    "deployments.delete": 1,
    "chat.create": 3,
}
STORAGE_CALLS = {
    "read": 150,
    "create": 4,
    "replace": 25,
    "put": 60,
    "append": 40,
    "delete": 20,
    "stream": 8,
    "info": 6,
    "list": 60,
    "acquire": 60,
    "renew": 10,
    "release": 40,
}
# Where something is paid for or written once, troubles strike more often.
HOT = ("jobs.create", "jobs.create", "deployments.put", "create", "replace", "replace", "append")
COMMON = (Kind.LOST_CALL, Kind.LOST_ANSWER, Kind.LOST_ANSWER, Kind.BUSY)
STORAGE_KINDS = (*COMMON, Kind.DOUBLED, Kind.THROTTLED)
# Seconds by which a call that was cut off may still take effect: for most the service is quick to
# act on what it has received, and the app allows for more where something is paid for.
PATIENT, LATEST = "jobs.create", (2.0, 55.0)
SERVICE_KINDS = (*COMMON, Kind.THROTTLED, Kind.THROTTLED, Kind.DENIED, Kind.CONFLICT, Kind.LATE)
WORKER_KINDS = (Kind.KILL_BEFORE, Kind.KILL_SENT, Kind.KILL_AFTER, Kind.KILL_AFTER)
FREEZES = (Kind.FREEZE_BEFORE, Kind.FREEZE_AFTER)
FREEZE_SECONDS = (5.0, 20.0, 45.0, 100.0, 200.0, 600.0)
RETRY_AFTER = (0.2, 5.0, 60.0, 300.0)
FATES = (
    "file-error",
    "job-failed",
    "job-failed",
    "job-stuck",
    "job-unsafe-data",
    "provisioning-failed",
    "not-ready",
    "insufficient-quota",
    "request-conflict",
)
ORDERS = ("cancel", "cancel", "pause", "resume", "retry", "retry", "start")
SKEWS = (0.0, 0.0, 3.0 * HOUR, -2.0 * HOUR, 26 * HOUR, 40.0, -90.0)


def as_json(plan: Plan) -> str:
    """One line, to be kept: what a seed makes changes with this module."""
    return TypeAdapter(Plan).dump_json(plan, exclude_defaults=True).decode()


def from_json(kept: str) -> Plan:
    return TypeAdapter(Plan).validate_json(kept)


def make(seed: int, known: frozenset[Known] = frozenset()) -> Plan:
    """The life of this seed; what is drawn first does not depend on what may strike."""
    chance = Random(seed)
    hosts = chance.choice((1, 2, 2, 3))
    drops = _drops(chance, hosts)
    return Plan(
        seed=seed,
        drops=drops,
        orders=tuple(
            o for _ in range(chance.choice((0, 0, 1, 2, 3))) for o in _orders(chance, hosts)
        ),
        troubles=tuple(_trouble(chance) for _ in range(chance.choice((0, 1, 2, 3, 5, 8)))),
        outages=tuple(_outage(chance) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        fates=tuple(Fate(chance.choice(FATES)) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        deadline=1200.0 if chance.random() < 0.15 else None,
        clocks=_clocks(chance, hosts, Known.WRONG_CLOCKS in known),
        known=known,
    )


def _clocks(chance: Random, hosts: int, wrong: bool) -> tuple[float, ...]:
    skews = [chance.choice(SKEWS) for _ in range(hosts)]
    return tuple(skew if wrong else chance.uniform(-0.5, 0.5) for skew in skews)


def _drops(chance: Random, hosts: int) -> tuple[Drop, ...]:
    """Some over each other, some of the same content once more."""
    count = chance.choice((1, 1, 2, 2, 3))
    times = sorted(chance.uniform(0, STORM * 0.7) for _ in range(count))
    return tuple(_drop(chance, at, hosts) for at in times)


def _drop(chance: Random, at: float, hosts: int) -> Drop:
    model = chance.choice(("ada", "ada", "bob"))
    voice = chance.choice("abc") + chance.choice(("", "", "", "", "", "", " bad"))
    names = chance.choice(
        (
            ("training.jsonl",),
            ("training.jsonl",),
            ("training.jsonl", "validation.jsonl"),
            ("training.jsonl", "validation.jsonl", "run.yaml"),
            ("training.jsonl", "run.yaml"),
            ("lone",),
            ("notes.txt",),
        )
    )
    between = chance.uniform(0, 6)
    return Drop(at, model, tuple((n, voice) for n in names), between, _events(chance, hosts))


def _events(chance: Random, hosts: int) -> tuple[Event, ...]:
    """Once, twice at different hosts, late, or never."""
    count = chance.choice((0, 1, 1, 1, 2, 2))
    delays = (0.1, 0.5, 0.5, 2.0, 30.0, 200.0)
    return tuple(Event(chance.choice(delays), chance.randrange(hosts)) for _ in range(count))


def _orders(chance: Random, hosts: int) -> list[Order]:
    """One, two of two people at the same moment, or somebody who thinks better of it."""
    at, run = chance.uniform(20, STORM), chance.choice((0, 0, 1))
    if chance.random() < 0.25:
        later = at + chance.uniform(1, 150)
        host = chance.randrange(hosts)
        return [Order(at, "cancel", run, host), Order(later, "retry", run, host)]
    count = chance.choice((1, 1, 2))
    return [
        Order(at + chance.uniform(0, 0.2), chance.choice(ORDERS), run, chance.randrange(hosts))
        for _ in range(count)
    ]


def _trouble(chance: Random) -> Trouble:
    calls = {**SERVICE_CALLS, **STORAGE_CALLS}
    operation = chance.choice(HOT if chance.random() < 0.5 else tuple(calls))
    own = STORAGE_KINDS if operation in STORAGE_CALLS else SERVICE_KINDS
    if operation == PATIENT:
        own = (*own, Kind.LATE, Kind.LATE)
    kinds = chance.choice((own, own, WORKER_KINDS, FREEZES))
    kind = chance.choice(kinds)
    seconds = chance.choice(FREEZE_SECONDS if kind in FREEZES else RETRY_AFTER)
    if kind is Kind.LATE:
        seconds = chance.uniform(1, LATEST[operation == PATIENT])
    return Trouble(operation, chance.randrange(calls[operation]), kind, seconds)


def _outage(chance: Random) -> Outage:
    since = chance.uniform(0, STORM)
    until = since + chance.choice((5.0, 60.0, 300.0))
    kind = chance.choice((Kind.BUSY, Kind.THROTTLED, Kind.DENIED, Kind.LOST_CALL, Kind.LOST_ANSWER))
    place = chance.choice(("storage", "openai", "openai", "arm"))
    return Outage(place, since, until, kind, chance.choice(RETRY_AFTER))
