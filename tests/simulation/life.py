"""A whole life: hosts, people and troubles as a plan has them, then calm, until everything has come
to its end or a rule is broken.
"""

import gc
import logging
import random
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from shared.run.record import Action
from shared.run.stages import ENDS, Stage
from tests.simulation.books import STUCK, balance, content_of, path_of, still_to_do
from tests.simulation.hosts import Host, World, without_dataset_check
from tests.simulation.loop import SimulatedLoop
from tests.simulation.network import Killed, Network, Step, driven
from tests.simulation.plan import STORM, Drop, Event, Fate, Order, Plan
from tests.simulation.rules import Rules

RESTART = 45.0  # seconds until a killed host is there again
PATIENCE = 4 * 3600.0  # seconds of calm by which everything has ended
LOOK, SHORT_LOOK = 61.0, 15.0  # seconds between looks, afterwards and in the storm
# What the service takes for a thing, in seconds.
PACE = {
    "file_seconds": 3.0,
    "queue_seconds": 20.0,
    "step_seconds": 15.0,
    "creating_seconds": 30.0,
    "readiness_gap_seconds": 20.0,
    "deleting_seconds": 10.0,
}


class Over(Exception):
    """A rule is broken: what follows does not matter."""


@dataclass(frozen=True)
class Ended:
    """How a life came out: `broken` is the rule that did not hold, empty if all did."""

    plan: Plan
    broken: str
    story: tuple[Step, ...]
    stages: tuple[str, ...]  # of its runs
    struck: Counter[str]
    seconds: float  # that it took, of its own time


def live(plan: Plan) -> Ended:
    """The same each time for the same plan."""
    with _apart(plan.seed):
        return _Life(plan).run()


class _Life:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = SimulatedLoop(Random(plan.seed))  # type: ignore[abstract]
        self.world = World(self.loop)
        self.rules = Rules(self.world, plan.known)
        self.network = Network(self.loop, Random(plan.seed + 1), plan, self.rules)
        self.chance = Random(plan.seed + 2)
        self.hosts = [self._host(number, 0) for number in range(len(plan.clocks))]

    def run(self) -> Ended:
        watching = _Watching(self.rules)
        logging.getLogger("shared").addHandler(watching)
        try:
            self.loop.run(self._lived())
        except Over:
            pass
        finally:
            self._bury()
            logging.getLogger("shared").removeHandler(watching)
        broken = self.rules.broken[0] if self.rules.broken else ""
        stages = tuple(record["stage"] for record in self.rules.records.values())
        story = tuple(step for step in self.network.story if step.at <= self.rules.broken_at)
        return Ended(self.plan, broken, story, stages, self.network.struck, self.loop.time())

    # ---- the course of a life

    async def _lived(self) -> None:
        self.world.service.configure(**PACE)
        for fate in self.plan.fates:
            self._meet(fate)
        for host in self.hosts:
            host.start(host.ticking(self.chance.uniform(1, 60)))
        works = [self._drop(drop) for drop in self.plan.drops]
        works += [self._order(order) for order in self.plan.orders]
        for work in works:
            self.loop.create_task(work)
        while self.loop.time() < STORM:
            await self._look(SHORT_LOOK)
        await self._calm()
        balance(self.plan, self.world, self.rules)

    async def _look(self, seconds: float) -> None:
        """Let time pass. Raises Over as soon as a rule is known to be broken."""
        await self.loop.pause(seconds)
        for number, host in enumerate(self.hosts):
            if host.dead:
                self.hosts[number] = self._restarted(host, number)
        for error in self.loop.unhandled:
            self.rules.check(isinstance(error, Killed), f"nobody handles {error!r}")
        if self.rules.broken:
            raise Over

    async def _calm(self) -> None:
        """Nothing goes wrong any more; a person ends what only a person can. Twice the same answer,
        for what is under way may not be seen yet."""
        over = 0
        while over < 2:
            await self._look(LOOK)
            todo = still_to_do(self.world, self.rules)
            over = 0 if todo else over + 1
            if todo and self.loop.time() > STORM + PATIENCE:
                self.rules.check(False, f"after {PATIENCE / 3600:.0f} hours of calm: {todo}")
            if todo:
                self._help()

    def _help(self) -> None:
        stuck = self._runs_with_something_stuck()
        for run_id, record in self.rules.records.items():
            wanted = {Stage.READY: Action.START, Stage.PAUSED: Action.RESUME}.get(record["stage"])
            if run_id in stuck and record["stage"] not in ENDS:
                wanted = Action.CANCEL
            if wanted and not record["command"]:
                self.hosts[0].start(self.hosts[0].ordered(run_id, wanted))

    def _runs_with_something_stuck(self) -> set[str]:
        service = self.world.service
        jobs = [j for j in service.jobs.values() if j.fault in STUCK]
        stuck = {job.request.metadata["tunedrop_run"] for job in jobs}
        names = {d.name for d in service.deployed.values() if d.fault in STUCK}
        return stuck | {id_ for id_, r in self.rules.records.items() if r["deployment"] in names}

    # ---- who and what

    def _host(self, number: int, lives: int) -> Host:
        name = f"host{number}" + "'" * lives
        plan = self.plan
        return Host(name, self.world, self.network, plan.clocks[number], plan.deadline)

    def _restarted(self, dead: Host, number: int) -> Host:
        host = self._host(number, dead.name.count("'") + 1)
        host.start(host.ticking(RESTART))
        return host

    def _meet(self, fate: Fate) -> None:
        self.world.service.arm(fate.name)

    async def _drop(self, drop: Drop) -> None:
        await self.loop.pause(drop.at)
        for number, (name, voice) in enumerate(drop.files):
            if number:
                await self.loop.pause(drop.between)
            path = path_of(drop.model, name)
            driven(self.world.datasets.put(path, content_of(name, voice), ""))
            self.network.tell("Ada", f"drops {path} ({voice})")
            for event in drop.events:
                self._deliver(path, event)

    def _deliver(self, path: str, event: Event) -> None:
        host = self.hosts[event.host % len(self.hosts)]
        host.start(host.delivered(path, event.after))

    async def _order(self, order: Order) -> None:
        await self.loop.pause(order.at)
        known = list(self.rules.records)
        if order.run < len(known):
            host = self.hosts[order.host % len(self.hosts)]
            self.network.tell("Ada", f"orders {order.action} of {known[order.run]}")
            host.start(host.ordered(known[order.run], Action(order.action)))

    def _bury(self) -> None:
        """End what is left, so that nothing of it happens in another life."""
        for host in self.hosts:
            host.kill()
        self.loop.close_all()


class _Watching(logging.Handler):
    """Tracebacks in the app's log: faults of its own, also where they harm nobody."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(logging.ERROR)
        self.rules = rules

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            message = f"{record.getMessage()}: {record.exc_info[1]!r}"
            self.rules.check(False, f"a fault in the app's log: {message}")


@contextmanager
def _apart(seed: int) -> Iterator[None]:
    """Chance is the seed's; no log is written; what is left of a life is collected after it."""
    before = random.getstate()
    random.seed(seed)
    logger = logging.getLogger("shared")
    level, logger.propagate = logger.level, False
    logger.setLevel(logging.ERROR)
    gc.disable()
    try:
        with without_dataset_check(), warnings.catch_warnings():
            # Work of a killed host that had not begun.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            yield
            gc.collect(0)
    finally:
        gc.enable()
        logger.setLevel(level)
        logger.propagate = True
        random.setstate(before)
