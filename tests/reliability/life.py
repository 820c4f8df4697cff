"""A worker that lives a run's life in a process of its own and can be killed at any outside call.

The parent says at which call, and whether before its effect or after it and before its answer is
known. The kill is SIGKILL to itself: no `finally` runs, no lease is given back.
"""

import asyncio
import functools
import inspect
import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Protocol

from shared.cloud import Cloud
from shared.errors import NotNow
from shared.run import jobs, keeper, orders
from shared.run.ledger import Ledger
from shared.run.record import Run, What
from shared.run.stages import Stage
from shared.settings import Settings

SHORT = b"hyperparameters: {n_epochs: 2}"  # a run.yaml: the training is not what is tried here
LONG = b"hyperparameters: {n_epochs: 20}"  # seconds, in which a person can give an order

# A server that has imported everything forks workers in no time; the tests' process has threads.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["tests.reliability.test_chaos", "openai", "azure.mgmt.cognitiveservices.aio"]
)

OUTSIDE = ("datasets", "runs", "models", "finetuning", "deployments")


class Calls(Protocol):
    """How many there have been; shared memory where the parent wants to know."""

    value: int


@dataclass(frozen=True)
class Kill:
    """At the `call`-th outside call (from 1), before its effect or after it."""

    call: int
    after: bool


@dataclass(frozen=True)
class Story:
    """A life and how it ends. With orders, a person gives each of them in its stage, and the
    outside calls are counted from the first one on."""

    name: str
    ends: Stage = Stage.SERVING
    run_yaml: bytes = SHORT
    orders: Mapping[Stage, What] = field(default_factory=dict)
    jobs: tuple[str, ...] = ("succeeded",)  # how each of its jobs has ended
    fault: str | None = None  # strikes once
    creating_seconds: float = 0.1


STORIES = (
    Story("undisturbed"),
    Story(
        "started by hand",
        run_yaml=b"start: manual\n" + SHORT,
        orders={Stage.READY: What.START},
    ),
    Story(
        "paused and resumed",
        run_yaml=LONG,
        orders={Stage.TRAINING: What.PAUSE, Stage.PAUSED: What.RESUME},
    ),
    Story(
        "cancelled in training",
        ends=Stage.CANCELLED,
        run_yaml=LONG,
        orders={Stage.TRAINING: What.CANCEL},
        jobs=("cancelled",),
    ),
    Story(
        "cancelled while deploying",
        ends=Stage.CANCELLED,
        orders={Stage.DEPLOYING: What.CANCEL},
        creating_seconds=2,
    ),
    Story(
        "retried",
        orders={Stage.FAILED: What.RETRY},
        jobs=("failed", "succeeded"),
        fault="job-failed",
    ),
)


def live(
    environ: dict[str, str], path: str, story: Story, kill: Kill | None, calls: "Synchronized[int]"
) -> None:
    """Take a drop and everything that follows from it to its end, unless killed before."""
    os.environ.update(environ)
    # The wait for an unanswered "create job" is a matter of minutes; nothing is under way here.
    jobs.IN_FLIGHT = timedelta(0)
    asyncio.run(_live(Cloud(Settings.load(environ)), path, story, Watch(kill, calls)))


async def _live(cloud: Cloud, path: str, story: Story, watch: "Watch") -> None:
    async with cloud, Cloud(cloud.settings) as unwatched:
        if not story.orders:
            watch.over(cloud)
        await keeper.dataset_dropped(path, cloud)
        while True:
            ordered = False
            async for _, run in Ledger(unwatched.runs).newest():
                if what := _to_order(run, story):
                    watch.over(cloud)
                    await _order(run, what, cloud)
                    ordered = True
            if not ordered and not await Ledger(unwatched.runs).active():
                return
            await keeper.tick(cloud)
            await asyncio.sleep(0.25)


def _to_order(run: Run, story: Story) -> What | None:
    """What the person in the story wants of the run now."""
    been = {moment.stage for moment in run.timeline}
    what = story.orders.get(run.stage)
    if what is What.PAUSE and (Stage.PAUSED in been or run.progress.step is None):
        return None  # once, and not before its first step
    return what


async def _order(run: Run, what: What, cloud: Cloud) -> None:
    """As the API does it."""
    with suppress(NotNow):  # it has gone on meanwhile
        await orders.give(run.id, what, "Ada", "to try it", cloud)
        await keeper.obey(run.id, cloud)


class Watch:
    """Counts the outside calls, and kills its own process at the one that was chosen."""

    def __init__(self, kill: Kill | None, calls: Calls) -> None:
        self.kill, self.calls = kill, calls
        self.watched: Cloud | None = None

    def over(self, cloud: Cloud) -> None:
        if self.watched is cloud:
            return
        self.watched = cloud
        for part in (getattr(cloud, name) for name in OUTSIDE):
            for name, method in inspect.getmembers(part, inspect.ismethod):
                if name.startswith("_") or name == "close":
                    continue
                if inspect.iscoroutinefunction(method):
                    setattr(part, name, self._call(method))
                elif inspect.isasyncgenfunction(method):
                    setattr(part, name, self._stream(method))

    def _call(self, method: Any) -> Any:
        @functools.wraps(method)
        async def called(*arguments: Any, **options: Any) -> Any:
            fatal = self._one_more()
            try:
                return await method(*arguments, **options)
            finally:  # also where the effect took place and the answer was lost
                if fatal:
                    _die()

        return called

    def _stream(self, method: Any) -> Any:
        """A listing or a download: killed before it begins, or with its first piece in hand."""

        @functools.wraps(method)
        async def streamed(*arguments: Any, **options: Any) -> Any:
            fatal = self._one_more()
            try:
                async for piece in method(*arguments, **options):
                    if fatal:
                        break
                    yield piece
            finally:
                if fatal:
                    _die()

        return streamed

    def _one_more(self) -> bool:
        """Whether this call is the last, once its effect has taken place."""
        self.calls.value += 1
        if self.kill is None or self.calls.value != self.kill.call:
            return False
        if not self.kill.after:
            _die()
        return True


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
