"""Checks in processes of their own: how many at once, what each may take, what became of it.

Whatever a stranger's file does to the process that reads it (endless work, memory without end, a
crash of the parser), the app goes on, and is told. A process is kept for the next check; one that
was asked in vain, or has grown, is not. Knows that `shared.dataset.worker` begins with a budget,
not what a check is made of.
"""

import asyncio
import atexit
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.dataset import frames
from shared.dataset.frames import Frame
from shared.errors import TooCostly, TunedropError, Unavailable, WorkerLost
from shared.run.policy import Policy
from shared.run.worker_process import Process

GROWN = 256 << 20  # bytes; a process that has had more is not kept
LOCALLY = "`tunedrop check FILE` has no such limit and shows what is in the file."
TIME_IS_UP = getattr(signal, "SIGPROF", None)

_idle: list[Process] = []  # of the whole app process


@atexit.register
def end_idle() -> None:
    """Those that wait for a check end, as they do by themselves after a while."""
    while _idle:
        _idle.pop().end()


def _waiting() -> Process:
    """One that waits for a check, or a new one."""
    while _idle:
        process = _idle.pop()
        if process.alive:
            return process
        process.end()
    return Process()


@dataclass(frozen=True)
class Budget:
    """What reading `what`, of `size` bytes, may take: seconds of processor time and by the clock,
    bytes of memory."""

    what: str
    size: int
    seconds: float
    patience: float
    memory: int

    @classmethod
    def of(cls, what: str, size: int, policy: Policy) -> "Budget":
        seconds = policy.check_time(size)
        patience = policy.check_patience + 2 * seconds
        return cls(what, size, seconds, patience, policy.check_memory)

    def passed(self, code: int | None) -> TunedropError:
        """Why a process has ended with that code instead of an answer; None if none was started."""
        if code is None:
            message = f"No process can be started to check {self.what}."
            return Unavailable(message, "It is tried again.")
        if code == frames.OUT_OF_MEMORY:
            message = f"The check of {self.what} needs more than {self.memory >> 20} MB of memory."
            return TooCostly(message, f"Divide its examples among several drops. {LOCALLY}")
        if TIME_IS_UP and code == -TIME_IS_UP:
            message = (
                f"The check of {self.what} took more than {self.seconds:.0f} s of processor time, "
                f"the most that is allowed for {self.size / 1e6:.1f} MB."
            )
            return TooCostly(message, f"Shorten or divide its lines. {LOCALLY}")
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        if code == -signal.SIGABRT:  # what native code does where Python raises MemoryError
            how += f", as it is where it needs more than {self.memory >> 20} MB of memory"
        return WorkerLost(f"The process that checks {self.what} {how}.", "It is tried again.")


class Session:
    """One process, for one check."""

    def __init__(self, process: Process, budget: Budget) -> None:
        self._process, self._budget, self._peak = process, budget, 0
        self._patience = budget.patience

    async def ask(self, do: str, body: bytes = b"", /, **about: Any) -> Frame:
        """The answer to a command. Raises TooCostly, WorkerLost, and Unavailable where the process
        cannot be started."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                answer = await asyncio.to_thread(self._process.ask, {"do": do, **about}, body)
        except TimeoutError:
            message = f"The process that checks {self._budget.what} does not answer."
            raise WorkerLost(message, "It is tried again.") from None
        except (EOFError, OSError) as error:
            code = await asyncio.to_thread(self._process.end)
            raise self._budget.passed(code) from error
        if fault := answer.head.get("fault"):
            message = f"A fault in Tunedrop itself in the check of {self._budget.what}: {fault}."
            raise WorkerLost(message, "It is tried again.")
        self._patience -= time.monotonic() - began
        self._peak = max(self._peak, answer.head.get("peak", 0))
        return answer

    async def keep(self) -> None:
        """Keep the process for the next check, unless it has grown."""
        if self._peak > GROWN:
            await asyncio.to_thread(self._process.end)
        else:
            _idle.append(self._process)

    def abandon(self) -> None:
        """Whatever it is in the middle of. It is waited for beside everything else."""
        self._process.kill()
        asyncio.get_running_loop().run_in_executor(None, self._process.end)


class Workers:
    """At most `policy.checks_at_once` processes have work; whoever waits longest comes next."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self._room = policy, asyncio.Semaphore(policy.checks_at_once)

    @asynccontextmanager
    async def session(self, what: str, size: int, **about: Any) -> AsyncIterator[Session]:
        """A process for a check of so many bytes. Raises TooCostly, WorkerLost, and Unavailable
        where none can be started."""
        budget = Budget.of(what, size, self._policy)
        about |= {"seconds": budget.seconds, "memory": budget.memory}
        async with self._room:
            session = Session(_waiting(), budget)
            try:
                await session.ask("begin", **about)
                yield session
            except BaseException:
                session.abandon()
                raise
            await session.keep()

    async def split(
        self, source: Path, training: Path, validation: Path, share: float, seed: int
    ) -> None:
        """A local file into two others, as `shared.dataset.split` does."""
        size = (await asyncio.to_thread(source.stat)).st_size
        async with self.session("a dataset that is split", size) as session:
            paths = [str(path) for path in (source, training, validation)]
            await session.ask("split", paths=paths, share=share, seed=seed)
