"""Steps of a set-up: each is done once, and again when what it was made from changes.

A step leaves a stamp, which is written last, and how long it took, which the next one is told by.
Knows no step. Standard library only: dev.py uses it before anything is installed.
"""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local import private, quiet

TIMES = quiet.LOCAL / "set-up.json"
LOCK = quiet.LOCAL / "set-up.lock"


class SetUpError(Exception):
    """One sentence on what is missing and what to do."""


@dataclass(frozen=True)
class Step:
    """`size` says what it fetches and takes, `about` how long; `do` returns what there is to say of
    it then."""

    name: str
    title: str
    size: str
    about: str
    made_from: str
    do: Callable[[], str]
    stamps: Path  # the folder in which it leaves its stamp

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.made_from.encode()).hexdigest()

    @property
    def stamp(self) -> Path:
        return self.stamps / f".tunedrop-{self.name}"

    @property
    def done(self) -> bool:
        with suppress(OSError):
            return self.stamp.read_bytes() == self.digest.encode()
        return False


def carry_out(todo: Callable[[], Sequence[Step]]) -> None:
    """What is to do, which is asked again once no other set-up is under way here. Raises SetUpError
    and OSError."""
    steps = todo()
    if not steps:
        return
    private.make_folder(LOCK.parent)
    with alone(LOCK):
        if steps := todo():
            _carry_out(steps)


def _carry_out(steps: Sequence[Step]) -> None:
    began = time.monotonic()
    log = quiet.LOG.relative_to(quiet.ROOT)
    with suppress(OSError):
        quiet.LOG.replace(quiet.LOG.with_suffix(".before.log"))  # so that this one's is all there
    say(f"setting up, once; {len(steps)} to go; what pip and npm say of it is in {log}")
    took = times()
    for number, step in enumerate(steps, start=1):
        say(f"step {number} of {len(steps)}: {step.title} ({_expected(step, took)})")
        started = time.monotonic()
        said = step.do()
        private.write_text(step.stamp, step.digest)  # last: it says that all is there
        took[step.name] = time.monotonic() - started
        say(f"  done in {spoken(took[step.name])}{f': {said}' if said else ''}")
        private.write_text(TIMES, json.dumps(took))
    say(f"set up in {spoken(time.monotonic() - began)}")


def _expected(step: Step, took: dict[str, float]) -> str:
    last = took.get(step.name)
    how_long = f"about {step.about}" if last is None else f"it took {spoken(last)} the last time"
    return f"{step.size}; {how_long}" if step.size else how_long


def times() -> dict[str, float]:
    """How many seconds each step took when it was done here last."""
    try:
        known = json.loads(TIMES.read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """One set-up of a checkout at a time: two would install into one environment. The system frees
    the lock of a process that has ended. Raises OSError."""
    with private.open_file(path, "a+b") as file:
        if not _locked(file.fileno(), wait=False):
            say("another dev.py is setting up here: waiting until it has")
            while not _locked(file.fileno(), wait=True):
                pass
        yield


def _locked(descriptor: int, *, wait: bool) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # BlockingIOError; on Windows also after ten seconds of waiting
        if wait and sys.platform != "win32":
            raise
        return False
    return True


def say(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)
