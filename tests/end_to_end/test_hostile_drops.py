"""A running app while strangers drop what takes time and memory: it answers, and stays small."""

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.hostile_drops import HOSTILE, MOST_STALL, SIZE, hostile
from tests.support.stack import ENDS, StackHarness, wait_for

MOST_MEMORY = 512 << 20  # bytes, of the app; each of its workers has a limit of its own
SLOW_MACHINE = 5  # times the longest stall: an answer takes turns of other processes as well


@contextmanager
def asked(url: str) -> Iterator[list[float]]:
    """Ask for it again and again; how long each answer took."""
    times: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            began = time.monotonic()
            with urllib.request.urlopen(url, timeout=600) as response:
                response.read()
            times.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield times
    finally:
        ended.set()
        asking.join()


def most_memory(pid: int) -> int:
    """The most that a process has had at once, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "0 0")
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells it")
def test_the_app_answers_and_stays_small_while_hostile_files_are_dropped(
    stack: StackHarness,
) -> None:
    app = stack.addresses.pids["functions"].pid
    names = [f"bad-{number}-{name}" for number in range(SIZE) for name in HOSTILE]
    workers: dict[int, int] = {}
    with asked(f"{stack.addresses.app_url}/api/health") as times:
        for name in names:
            data = hostile(name.split("-", 2)[2]) + name.encode()  # no JSON: it is rejected
            stack.container("datasets").upload_blob(f"{name}/training.jsonl", data)

        def all_ended() -> bool:
            for child in psutil.Process(app).children(recursive=True):
                with_memory = most_memory(child.pid) if child.is_running() else 0
                workers[child.pid] = max(workers.get(child.pid, 0), with_memory)
            known = {run["model"]: run["stage"] for run in stack.get("runs?limit=200")["runs"]}
            return all(known.get(name) in ENDS for name in names)

        wait_for(all_ended)
    worst = max(workers.values(), default=0)
    print(f"health: at most {max(times):.2f} s of {len(times)} answers; app: "
          f"{most_memory(app) >> 20} MB; a worker: {worst >> 20} MB")  # fmt: skip
    assert max(times) < SLOW_MACHINE * MOST_STALL
    assert most_memory(app) < MOST_MEMORY
    assert worst < MOST_MEMORY + (64 << 20)  # its code is no part of the limit
