"""One process that reads datasets: started, asked, ended.

Knows frames, not what they ask for.
"""

import os
import subprocess  # nosec B404
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared.dataset import frames
from shared.dataset.frames import Frame

GRACE_SECONDS = 1.0  # for a process whose pipe was closed
# Nothing else of the app's environment: the settings have keys.
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL")


class Process:
    """One worker process, started when it is first asked. `ask` and `end` block."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._one = threading.Lock()  # question at a time; whoever ends it waits for its answer

    def ask(self, head: dict[str, Any], body: bytes = b"") -> Frame:
        """Raises EOFError or OSError where the process ends instead, or cannot be started."""
        with self._one:
            if self._killed:
                raise EOFError
            self._popen = self._popen or _start()
            assert self._popen.stdin
            assert self._popen.stdout
            frames.write(self._popen.stdin, head, body)
            return frames.read(self._popen.stdout)

    def kill(self) -> None:
        """Does not wait: whoever is asking meets the end of the pipe."""
        self._killed = True
        if self._popen:
            self._popen.kill()

    def end(self) -> int | None:
        """Wait for its end, and see to it. Its exit code, or minus a signal; None if it was never
        started."""
        with self._one:
            if self._popen is None:
                return None
            for pipe in (self._popen.stdin, self._popen.stdout):
                with suppress(OSError):  # what was not written yet
                    pipe.close()  # type: ignore[union-attr]
            with suppress(subprocess.TimeoutExpired):
                return self._popen.wait(GRACE_SECONDS)
            self._popen.kill()
            return self._popen.wait()

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def alive(self) -> bool:
        return self._popen is not None and self._popen.poll() is None


def _start() -> "subprocess.Popen[bytes]":
    paths = [str(Path(place or ".").resolve()) for place in sys.path]
    environ = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    environ |= {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    command = [sys.executable, "-P", "-m", "shared.dataset.worker"]
    # Its tracebacks may quote a dataset.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # nosec B603
        command, env=environ, **pipes
    )
