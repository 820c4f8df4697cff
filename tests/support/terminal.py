"""A program in a terminal of its own, typed to by a test; and what it shows."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 300  # only so that a hang is reported
ROOT = Path(__file__).resolve().parents[2]
TOOL = (sys.executable, "-m", "tunedrop")


@dataclass
class Terminal:
    """`shown` is all that has come, with its control characters."""

    process: subprocess.Popen[bytes]
    keyboard: int
    shown: str = ""
    seen: int = 0  # characters of it that a wait has gone past

    def until(self, text: str) -> str:
        """What comes up to this text, and the text; only what no wait has seen before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (at := self.shown.find(text, self.seen)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was not shown: {self.shown[self.seen :]!r}")
        found = self.shown[self.seen : at + len(text)]
        self.seen = at + len(text)
        return found

    def type(self, text: str) -> None:
        os.write(self.keyboard, text.encode())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def _read(self, deadline: float) -> bool:
        """Whether something came; nothing comes of a program that has ended."""
        ready, _, _ = select.select([self.keyboard], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self.keyboard, 65536) if ready else b""
        except OSError:  # Linux: nobody holds the other end any more
            data = b""
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


@contextmanager
def terminal(
    *words: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """`words`: a call of the tool."""
    ours, theirs = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name != "TERM"}
    process = subprocess.Popen(
        [*TOOL, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=known | {"TERM": "xterm", "PYTHONPATH": str(ROOT)} | dict(environment or {}),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
