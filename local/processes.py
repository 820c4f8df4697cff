"""Child processes that do not outlive their purpose: they end with the process that started them.

A stack notes each child's pid and start time, so that others can tell whether it still runs, and
never take a stranger that got the same pid for it. Knows nothing of what the children do.
"""

import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local import private, supervised
from local.errors import shown

GRACE_SECONDS = 8
# Linux gives 32768 and above to whoever connects somewhere, macOS and Windows 49152 and above.
NEVER_OF_A_CONNECTION = range(20_000, 32_000)


@dataclass(frozen=True)
class Pid:
    """A process that can be recognised again: `started` is its start time in epoch seconds."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Pid":
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 1
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """All that it has written; nothing where that cannot be read."""
        with suppress(OSError):
            return self.log.read_text(encoding="utf-8", errors="replace")
        return ""

    def last_words(self) -> str:
        return last_words(self.said())


def last_words(said: str) -> str:
    """The last line, for a message; what Node.js says of itself after an error says nothing."""
    lines = [line.strip() for line in said.splitlines() if not line.startswith("Node.js v")]
    return next((shown(line) for line in reversed(lines) if line), "nothing")


def start(name: str, command: list[str], env: dict[str, str], cwd: Path, log: Path) -> Child:
    """Start a program out of reach of this terminal's Ctrl-C: its owner stops it, in order.

    It must read its stdin to the end and then stop, as supervised modules and Azurite do. Raises
    OSError, where its log cannot be written or there is no such program.
    """
    private.make_folder(log.parent)
    apart: dict[str, Any] = {"start_new_session": True, "umask": private.UMASK}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    with suppress(OSError):
        log.replace(log.with_suffix(".before.log"))  # what the last one said may be wanted
    with private.open_file(log, "wb") as out:
        process = supervised.start(
            command,
            env={**os.environ, **env},
            cwd=cwd,
            stdout=out,
            stderr=subprocess.STDOUT,
            **apart,
        )
    return Child(name, process, log)


def stop(pids: list[Pid]) -> None:
    """Ask, wait, then kill. Processes that are gone already are no problem."""
    found = [process for pid in pids if (process := pid.process())]
    for process in found:
        _signal(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(found, timeout=GRACE_SECONDS)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, timeout=GRACE_SECONDS)


def free_port(preferred: int = 0) -> int:
    """`preferred` if nobody listens there, otherwise any free port: one that no system gives to
    whoever connects somewhere, for it is bound only when its part starts."""
    others = random.SystemRandom().sample(NEVER_OF_A_CONNECTION, 100)
    for port in (*filter(None, [preferred]), *others, 0):
        with socket.socket() as probe:
            if os.name != "nt":  # there it would allow two listeners on one port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback interface")


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
