"""A second process for a large file, where there is a second core: it examines plain lines.

The file stays in one process, which deals out blocks of lines, does some itself, and takes all of
them in their order: what is found does not depend on who did what. The helper is a copy of that
process (a fork), so it has the vocabulary and the hash of a text in common with it and costs
nothing to start. It knows nothing but blocks, and ends with whoever made it; if it ends before
that, or does not answer, what it was asked for is done here. Its processor time counts as that of
its maker, and each has the same limit of memory. Linux only: elsewhere every block is done in one
process.
"""

import contextlib
import os
import select
import signal
import sys
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from mmap import mmap
from typing import IO

from shared.dataset import frames
from shared.dataset.measure.measurements import Measurements
from shared.dataset.plain import PlainLines, as_frame, examine, from_frame
from shared.dataset.reading.lines import Block

HELPED_FROM = 4_000_000  # bytes of a file that are read alone
PIPE = 1 << 20  # bytes; the most that Linux gives to everybody
SLOT = 1 << 20  # bytes of a block; those that are longer are not sent
SLOTS = 3  # blocks under way, in memory that both processes have
PATIENCE = 30.0  # seconds without a byte of an answer, where a block takes some milliseconds
MOST_WAITING = 6  # blocks behind one that is not known yet


@dataclass
class NumberedBlock:
    """`content` has None for a line that is too long, `lines` nothing. `known`: its plain lines."""

    first: int
    content: Block
    known: PlainLines | None = None
    lines: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = [line or b"" for line in self.content]

    def numbers(self) -> Sequence[int]:
        """Of the lines that are still to be checked."""
        if self.known:
            return sorted([*self.known.wrong, *self.known.left])
        return range(self.first, self.first + len(self.lines))

    def examine(self, measurements: Measurements) -> None:
        self.known = examine(self.first, self.lines, measurements)


class SharedBlocks:
    """The blocks of a file on their way to being checked, in its order."""

    def __init__(self, measurements: Measurements, helped_from: int) -> None:
        self._measurements, self._helped_from = measurements, helped_from
        self._helper: Helper | None = None
        self._waiting: deque[NumberedBlock] = deque()

    def take(self, block: NumberedBlock, size: int) -> Iterator[NumberedBlock]:
        """Those that are to be checked now, when so much of the file has been read."""
        if self._helper is None and size > self._helped_from:
            self._helped_from = sys.maxsize  # it is asked for once
            self._helper = start(self._measurements)
        sent = self._helper is not None and self._helper.send(block)
        if self._waiting and not sent:
            block.examine(self._measurements)
        self._waiting.append(block)
        yield from self._ready(MOST_WAITING)

    def rest(self) -> Iterator[NumberedBlock]:
        yield from self._ready(0)

    def _ready(self, most_waiting: int) -> Iterator[NumberedBlock]:
        while self._waiting:
            first = self._waiting[0]
            if self._helper and self._helper.has(first):
                if not self._helper.receive(wait=len(self._waiting) > most_waiting):
                    return
            else:
                yield self._waiting.popleft()

    def close(self) -> None:
        if self._helper:
            self._helper.end()
        self._helper = None


class Helper:
    """The other process, as its maker sees it."""

    def __init__(
        self, pid: int, blocks: int, answers: int, memory: mmap, measurements: Measurements
    ) -> None:
        self._measurements, self._memory = measurements, memory
        self._blocks, self._answers = os.fdopen(blocks, "wb"), Answers(answers)
        self._asked: deque[NumberedBlock] = deque()
        self._slot = 0  # the next
        self.end = weakref.finalize(self, _end, pid, self._blocks, self._answers)

    def has(self, block: NumberedBlock) -> bool:
        return bool(self._asked) and self._asked[0] is block

    def send(self, block: NumberedBlock) -> bool:
        """False if it has enough to do, or is gone."""
        size = sum(map(len, block.lines)) + len(block.lines) - 1
        if not self.end.alive or len(self._asked) == SLOTS or size > SLOT:
            return False
        at = self._slot * SLOT
        self._memory[at : at + size] = b"\n".join(block.lines)
        try:
            frames.write(self._blocks, {"first": block.first, "at": at, "size": size})
        except OSError:
            self._lose()
            return False
        self._asked.append(block)
        self._slot = (self._slot + 1) % SLOTS
        return True

    def receive(self, *, wait: bool) -> bool:
        """Is the block known that it was asked for first?"""
        if not wait and not self._answers.waiting(0):
            return False
        try:
            frame = frames.read(self._answers)
        except (EOFError, OSError):
            self._lose()
            return True
        self._asked.popleft().known = from_frame(frame)
        count_time(frame.head["seconds"])
        return True

    def _lose(self) -> None:
        """Whatever has ended it, nothing that it was asked for is lost."""
        self.end()
        for block in self._asked:
            block.examine(self._measurements)
        self._asked.clear()


class Answers:
    """What the helper writes, read without a buffer and with patience."""

    def __init__(self, pipe: int) -> None:
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        self.close = self._pipe.close

    def waiting(self, seconds: float) -> bool:
        return bool(select.select([self._pipe], [], [], seconds)[0])

    def read(self, count: int) -> bytes:
        """Fewer bytes at the end of the pipe. Raises EOFError if no more come, as when the helper
        was stopped."""
        data = bytearray()
        while len(data) < count:
            if not self.waiting(PATIENCE):
                raise EOFError("no answer")
            chunk = self._pipe.read(count - len(data))
            if not chunk:
                break
            data += chunk
        return bytes(data)


def start(measurements: Measurements) -> Helper | None:
    """None where there is no core for it."""
    if not sys.platform.startswith("linux") or cores() < 2:
        return None
    with contextlib.suppress(OSError):  # no process or no pipe is to be had
        return _fork(measurements)
    return None


def cores() -> int:
    return len(os.sched_getaffinity(0))


def _fork(measurements: Measurements) -> Helper:
    memory = mmap(-1, SLOTS * SLOT)
    theirs, blocks = _pipe()
    answers, answering = _pipe()
    left = signal.getitimer(signal.ITIMER_PROF)[0]
    with warnings.catch_warnings():
        # The copy has this thread alone. It takes no lock that another may have held.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _alone(lambda: _serve(theirs, answering, memory, left, measurements))
    os.close(theirs)
    os.close(answering)
    return Helper(pid, blocks, answers, memory, measurements)


def _pipe() -> tuple[int, int]:
    import fcntl

    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    return reading, writing


def _end(pid: int, blocks: IO[bytes], answers: Answers) -> None:
    """It holds nothing that would be lost; and one that is stopped would not see its pipe close."""
    for pipe in (blocks, answers):
        with contextlib.suppress(OSError):
            pipe.close()
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def count_time(seconds: float) -> None:
    """The limit of the maker's processor time is that of both."""
    if left := signal.getitimer(signal.ITIMER_PROF)[0]:
        signal.setitimer(signal.ITIMER_PROF, max(left - seconds, 1e-6))


# ---- in the helper


def _alone(work: Callable[[], None]) -> None:
    """Nothing of what the maker would do at its end is done in the copy."""
    try:
        work()
    finally:
        os._exit(0)


def _serve(
    blocks: int, answering: int, memory: mmap, seconds: float, measurements: Measurements
) -> None:
    """Block by block, until the maker closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the maker
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    first, second = sorted((blocks, answering))
    for start, end in ((3, first), (first + 1, second), (second + 1, os.sysconf("SC_OPEN_MAX"))):
        os.closerange(start, end)
    reading, writing = os.fdopen(blocks, "rb"), os.fdopen(answering, "wb")
    with contextlib.suppress(EOFError, OSError):
        while True:
            asked = frames.read(reading).head
            before = time.process_time()
            lines = memory[asked["at"] : asked["at"] + asked["size"]].split(b"\n")
            known = examine(asked["first"], lines, measurements)
            measurements.system_prompts.keep(known.rows.system_prompts)
            head, body = as_frame(known)
            frames.write(writing, {**head, "seconds": time.process_time() - before}, body)
