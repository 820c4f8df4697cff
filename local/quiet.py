"""Programs whose output matters only if they fail: it goes to the log, and one line says how far
they are.

A terminal has that line written over; a pipe gets a new one now and then, so that nothing looks
hung. Knows what pip says of itself, not what it is run for. Standard library only: dev.py uses it
before anything is installed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local import private, supervised
from local.errors import shown

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
LOG = LOCAL / "set-up.log"
LOOK_SECONDS = 0.25
NEWS_SECONDS, BEAT_SECONDS = 5.0, 30.0  # in a pipe: between two different lines, and two alike
TAIL_BYTES = 8_192
UNITS = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}  # as pip writes them, in MB
FETCHED = re.compile(r"^ *Downloading (\S+?) \((\d+(?:\.\d+)?) (kB|MB|GB)\)", re.MULTILINE)
CACHED = re.compile(r"^ *Using cached (\S+?) \(", re.MULTILINE)
FROM_DISK = re.compile(r"^ *Processing (\S+\.whl)", re.MULTILINE)
UNPACKED = re.compile(r"^Installing collected packages: (.+)$", re.MULTILINE)
METADATA = ".metadata"


@dataclass(frozen=True)
class Ended:
    code: int
    said: str


class Line:
    """Where a program is: one line of a terminal, written over, or lines of a pipe."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.over = self.out.isatty()
        self.last, self.last_at = "", 0.0

    def show(self, text: str, seconds: float) -> None:
        """`seconds` since the program was started."""
        minutes, rest = divmod(int(seconds), 60)
        line = f"  {minutes}:{rest:02}  {shown(text, 120)}"
        if self.over:
            width = shutil.get_terminal_size().columns - 1
            self.out.write(f"\r{line[:width].ljust(width)}")
        elif self._is_due(text, seconds):
            self.out.write(f"{line}\n")
            self.last, self.last_at = text, seconds
        self.out.flush()

    def clear(self) -> None:
        if self.over:
            width = shutil.get_terminal_size().columns - 1
            self.out.write(f"\r{' ' * width}\r")
            self.out.flush()

    def _is_due(self, text: str, seconds: float) -> bool:
        since = seconds - self.last_at
        return since >= (NEWS_SECONDS if text != self.last else BEAT_SECONDS)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    state: Callable[[str], str] | None = None,
) -> Ended:
    """To its end, which is this process's at the latest. `state` makes a line of what the program
    said last. Raises OSError."""
    words = list(map(str, command))
    if words[1] == "-m":
        words = supervised.module(*words[2:], python=words[0])
    private.make_folder(LOG.parent)
    with private.open_file(LOG, "a", encoding="utf-8") as log:  # an index's address may have a key
        log.write(f"\n$ {' '.join(words)}\n")
        log.flush()
        start = log.tell()
        environ = {**os.environ, **(env or {})}
        with supervised.start(words, cwd=cwd, env=environ, stdout=log, stderr=log) as process:
            try:
                code = _followed(process, state, start)
            except BaseException:
                process.kill()
                raise
    return Ended(code, _said(start))


def _followed(
    process: "subprocess.Popen[bytes]", state: Callable[[str], str] | None, start: int
) -> int:
    if not state:
        return process.wait()
    line, began = Line(), time.monotonic()
    try:
        while True:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                line.show(state(_said(start, TAIL_BYTES)), time.monotonic() - began)
    finally:
        line.clear()


def _said(start: int, most: int = 0) -> str:
    """What stands in the log from there on; with `most`, no more than its last bytes."""
    with LOG.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(start, size - most) if most else start)
        return log.read().decode("utf-8", errors="replace")


# ---- what pip says


def pip_state(said: str) -> str:
    """What pip is at, from the last that it said."""
    at: list[tuple[int, str]] = [(-1, "asking the package index")]
    for found in FETCHED.finditer(said):
        if METADATA not in found[1]:
            at.append((found.start(), f"fetching {package(found[1])} ({found[2]} {found[3]})"))
    at += [(f.start(), f"{package(f[1])}, from pip's cache") for f in CACHED.finditer(said)]
    at += [(f.start(), f"{package(f[1])}, from this disk") for f in FROM_DISK.finditer(said)]
    at += [(f.start(), f"unpacking {_packages(f[1])}") for f in UNPACKED.finditer(said)]
    return max(at)[1]


def pip_summary(said: str) -> str:
    """What pip has done: packages installed, and what came over the network."""
    unpacked = UNPACKED.findall(said)
    if not unpacked:
        return "all of it was there"
    fetched = sum(
        float(number) * UNITS[unit]
        for name, number, unit in FETCHED.findall(said)
        if METADATA not in name
    )
    return f"{_packages(', '.join(unpacked))}, {fetched:.0f} MB fetched"


def package(place: str) -> str:
    """`torch 2.13.0+cpu` of a wheel's address or path; of anything else, its file's name."""
    name = place.rpartition("/")[2].replace("%2B", "+").partition("#")[0]
    parts = name.removesuffix(".whl").split("-")
    return f"{parts[0]} {parts[1]}" if name.endswith(".whl") and len(parts) > 4 else name


def _packages(listed: str) -> str:
    count = len(listed.split(", "))
    return "1 package" if count == 1 else f"{count} packages"
