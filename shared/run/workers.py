"""The processes in which datasets are read: started, asked, limited, ended.

Whatever a stranger's file does to the process that reads it (endless work, memory without end, a
crash of the parser), the app goes on, and is told. A process is kept for the next check; one that
was asked in vain, or has grown, is not. Knows the commands of `shared.dataset.worker`, not what a
run is.
"""

import asyncio
import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.dataset import frames
from shared.dataset.frames import Frame
from shared.errors import TooCostly, TunedropError, Unavailable, WorkerLost
from shared.run.policy import Policy

GROWN = 256 << 20  # bytes; a process that has had more is not kept
# Nothing else of the app's environment: the settings have keys.
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL")
LOCALLY = "`tunedrop check FILE` has no such limit and shows what is in the file."
TIME_IS_UP = getattr(signal, "SIGXCPU", None)


class Process:
    """One worker process. Its methods block; each may be called in any thread, one at a time."""

    def __init__(self) -> None:
        paths = [str(Path(place or ".").resolve()) for place in sys.path]
        environ = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        environ |= {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
        command = [sys.executable, "-P", "-m", "shared.dataset.worker"]
        self._popen = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback may quote a dataset
        )

    def ask(self, head: dict[str, Any], body: bytes) -> Frame:
        """Raises EOFError or OSError where the process ends instead."""
        assert self._popen.stdin
        assert self._popen.stdout
        frames.write(self._popen.stdin, head, body)
        return frames.read(self._popen.stdout)

    def kill(self) -> None:
        """Does not wait: whoever is asking it meets the end of the pipe."""
        self._popen.kill()

    def end(self) -> int:
        """Kill it, if it has not ended, and wait for its end. Its exit code, or minus a signal."""
        self.close()
        with suppress(subprocess.TimeoutExpired):
            return self._popen.wait(1.0)  # one that has met its end by itself is about to
        self._popen.kill()
        return self._popen.wait()

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def close(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            with suppress(OSError):  # what was not written yet
                pipe.close()  # type: ignore[union-attr]


_idle: list[Process] = []  # of the whole app process


@atexit.register
def end_idle() -> None:
    """Those that wait for a check end, as they do by themselves after a while."""
    while _idle:
        _idle.pop().end()


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
        return cls(what, size, seconds, seconds * policy.check_patience, policy.check_memory)

    def passed(self, code: int) -> TunedropError:
        """Why a process has ended with that code instead of an answer."""
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
        return WorkerLost(f"The process that checks {self.what} {how}.", "It is tried again.")


class Session:
    """One process, for one check."""

    def __init__(self, process: Process, budget: Budget) -> None:
        self._process, self._budget, self._peak = process, budget, 0
        self._patience = budget.patience

    async def ask(self, do: str, body: bytes = b"", /, **about: Any) -> Frame:
        """The answer to a command. Raises TooCostly, and WorkerLost."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                answer = await asyncio.to_thread(self._process.ask, {"do": do, **about}, body)
        except TimeoutError:
            message = f"The process that checks {self._budget.what} does not answer."
            raise WorkerLost(message, "It is tried again.") from None
        except (EOFError, OSError):
            raise self._budget.passed(await asyncio.to_thread(self._process.end)) from None
        if fault := answer.head.get("fault"):
            message = f"A fault in Tunedrop itself in the check of {self._budget.what}: {fault}."
            raise WorkerLost(message, "It is tried again.")
        self._patience -= time.monotonic() - began
        self._peak = max(self._peak, answer.head.get("peak", 0))
        return answer

    @property
    def grown(self) -> bool:
        return self._peak > GROWN


class Workers:
    """At most `policy.checks_at_once` processes have work; who comes later waits longer."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self._room = policy, asyncio.Semaphore(policy.checks_at_once)

    @asynccontextmanager
    async def session(self, what: str, size: int, **about: Any) -> AsyncIterator[Session]:
        """A process for a check of so many bytes. Raises TooCostly, WorkerLost, and Unavailable
        where none can be started."""
        async with self._room:
            process, session = await _begin(Budget.of(what, size, self._policy), about)
            try:
                yield session
            except BaseException:  # it may be in the middle of something
                process.kill()
                asyncio.get_running_loop().run_in_executor(None, process.end)
                raise
            if session.grown:
                await asyncio.to_thread(process.end)
            else:
                _idle[:] = [*(other for other in _idle if other.alive), process]

    async def split(
        self, source: Path, training: Path, validation: Path, share: float, seed: int
    ) -> None:
        """A local file into two others, as `shared.dataset.split` does."""
        size = (await asyncio.to_thread(source.stat)).st_size
        async with self.session("a dataset that is split", size) as session:
            paths = [str(path) for path in (source, training, validation)]
            await session.ask("split", paths=paths, share=share, seed=seed)


async def _begin(budget: Budget, about: dict[str, Any]) -> tuple[Process, Session]:
    """A process that has begun: one of those that wait or, where none is left, a new one."""
    limits = {"seconds": budget.seconds, "memory": budget.memory}
    while _idle:
        process = _idle.pop()
        session = Session(process, budget)
        with suppress(WorkerLost):  # it has ended since
            await session.ask("begin", **limits, **about)
            return process, session
    try:
        process = await asyncio.to_thread(Process)
    except OSError as error:
        message = f"No process can be started to check {budget.what}: {type(error).__name__}."
        raise Unavailable(message, "It is tried again.") from error
    session = Session(process, budget)
    await session.ask("begin", **limits, **about)
    return process, session
