"""Processes that tests start and look at: none outlives the tests, however they end."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from local import supervised

ROOT = Path(__file__).resolve().parents[1]
# Only so that a hang is reported: what ends, ends in a second, and on a busy machine in more.
PATIENCE_SECONDS = 300


def run_module(*arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """`python -m ARGUMENTS…` of this checkout, to its end."""
    command = supervised.module(*arguments)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with supervised.start(command, cwd=cwd, **pipes) as process:
        out, error = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, str(out), str(error))


def tree(pid: int) -> list[psutil.Process]:
    """A process and everything that it has started, directly or not."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def left(processes: list[psutil.Process]) -> list[str]:
    """The commands of those that do not end by themselves."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    return [" ".join(process.cmdline()) for process in alive]


@contextmanager
def cleared(processes: list[psutil.Process]) -> Iterator[list[psutil.Process]]:
    """Whatever is left of these is killed at the end: a failed test leaves nothing either."""
    try:
        yield processes
    finally:
        for process in processes:
            if process.is_running():
                process.kill()
