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

from shared.cloud import AzureClients
from shared.errors import NotNow
from shared.run import commands, reconciler
from shared.run.context import Context
from shared.run.policy import Policy
from shared.run.record import Action, Run
from shared.run.stages import Stage
from shared.settings import Settings

SHORT = b"hyperparameters: {n_epochs: 2}"  # a run.yaml: the training is not what is tried here
LONG = b"hyperparameters: {n_epochs: 12}"  # seconds, in which a person can give an order

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
    """A life and how it ends. With commands, a person gives each of them in its stage, and the
    outside calls are counted from the first one on."""

    name: str
    ends: Stage = Stage.SERVING
    run_yaml: bytes = SHORT
    commands: Mapping[Stage, Action] = field(default_factory=dict)
    jobs: tuple[str, ...] = ("succeeded",)  # how each of its jobs has ended
    fault: str | None = None  # strikes once
    creating_seconds: float = 0.1


STORIES = (
    Story("undisturbed"),
    Story(
        "started by hand",
        run_yaml=b"start: manual\n" + SHORT,
        commands={Stage.READY: Action.START},
    ),
    Story(
        "paused and resumed",
        run_yaml=LONG,
        commands={Stage.TRAINING: Action.PAUSE, Stage.PAUSED: Action.RESUME},
    ),
    Story(
        "cancelled in training",
        ends=Stage.CANCELLED,
        run_yaml=LONG,
        commands={Stage.TRAINING: Action.CANCEL},
        jobs=("cancelled",),
    ),
    Story(
        "cancelled while deploying",
        ends=Stage.CANCELLED,
        commands={Stage.DEPLOYING: Action.CANCEL},
        creating_seconds=2,
    ),
    Story(
        "retried",
        commands={Stage.FAILED: Action.RETRY},
        jobs=("failed", "succeeded"),
        fault="job-failed",
    ),
)


def live(
    environ: dict[str, str], path: str, story: Story, kill: Kill | None, calls: "Synchronized[int]"
) -> None:
    """Take a drop and everything that follows from it to its end, unless killed before."""
    os.environ.update(environ)
    asyncio.run(_live(Settings.load(environ), path, story, Watch(kill, calls)))


async def _live(settings: Settings, path: str, story: Story, watch: "Watch") -> None:
    # The wait for an unanswered "create job" is a matter of minutes; nothing is under way here.
    policy = Policy(job_in_flight=timedelta(0), first_pause=settings.backoff_seconds)
    async with AzureClients(settings) as clients, AzureClients(settings) as unwatched:
        ctx, ledger = Context.of(clients, policy), Context.of(unwatched).ledger
        if not story.commands:
            watch.over(clients)
        await reconciler.dataset_dropped(path, ctx)
        while True:
            commanded = False
            async for _, run in ledger.newest():
                if action := _to_command(run, story):
                    watch.over(clients)
                    await _command(run, action, ctx)
                    commanded = True
            if not commanded and not await ledger.active():
                return
            await reconciler.tick(ctx)
            await asyncio.sleep(0.25)


def _to_command(run: Run, story: Story) -> Action | None:
    """What the person in the story wants of the run now."""
    past = {transition.stage for transition in run.timeline}
    action = story.commands.get(run.stage)
    if action is Action.PAUSE and (Stage.PAUSED in past or run.progress.step is None):
        return None  # once, and not before its first step
    return action


async def _command(run: Run, action: Action, ctx: Context) -> None:
    """As the API does it."""
    with suppress(NotNow):  # it has gone on meanwhile
        await commands.give(run.id, action, "Ada", "to try it", ctx)
        await reconciler.execute_now(run.id, ctx)


class Watch:
    """Counts the outside calls, and kills its own process at the one that was chosen."""

    def __init__(self, kill: Kill | None, calls: Calls) -> None:
        self.kill, self.calls = kill, calls
        self.watched: AzureClients | None = None

    def over(self, clients: AzureClients) -> None:
        if self.watched is clients:
            return
        self.watched = clients
        for part in (getattr(clients, name) for name in OUTSIDE):
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
