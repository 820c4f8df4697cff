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
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Protocol

from shared.cloud import Cloud
from shared.run import keeper, steps
from shared.run.ledger import Ledger
from shared.settings import Settings

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


def live(environ: dict[str, str], path: str, kill: Kill | None, calls: "Synchronized[int]") -> None:
    """Take a drop and everything that follows from it to its end, unless killed before."""
    os.environ.update(environ)
    # The wait for an unanswered "create job" is a matter of minutes; nothing is under way here.
    steps.IN_FLIGHT = timedelta(0)
    asyncio.run(_live(Cloud(Settings.load(environ)), path, kill, calls))


async def _live(cloud: Cloud, path: str, kill: Kill | None, calls: Calls) -> None:
    async with cloud:
        watch(cloud, kill, calls)
        await keeper.dataset_dropped(path, cloud)
        while await Ledger(cloud.runs).active():
            await keeper.tick(cloud)
            await asyncio.sleep(0.1)


def watch(cloud: Cloud, kill: Kill | None, calls: Calls) -> None:
    """Count the outside calls, and die at the one that was chosen."""
    for part in (getattr(cloud, name) for name in OUTSIDE):
        for name, method in inspect.getmembers(part, inspect.iscoroutinefunction):
            if not name.startswith("_") and name != "close":
                setattr(part, name, _deadly(method, kill, calls))


def _deadly(method: Any, kill: Kill | None, calls: Calls) -> Any:
    @functools.wraps(method)
    async def called(*arguments: Any, **options: Any) -> Any:
        calls.value += 1
        mine = kill is not None and calls.value == kill.call
        if mine and kill and not kill.after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await method(*arguments, **options)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return called
