"""One process that reads datasets, by itself: how it is started, and that it always ends."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.run.worker_process import ENVIRONMENT, Process
from tests.processes import PATIENCE_SECONDS, ROOT
from tests.support.workers import gone, posix

APP = """
import os, sys, time
sys.path[:] = [*{path!r}, *sys.path]
sys.executable = sys._base_executable  # as in Azure: its packages lie where only the app looks
os.environ["TunedropStorage"] = "the key"
from shared.run.worker_process import Process
process = Process()
process.ask({{"do": "begin", "seconds": 600, "memory": 1 << 30, "plan": {{}}}}, b"")
process.ask({{"do": "open", "name": "x", "role": "training"}}, b"")
print(process.pid, flush=True)
{then}
"""
BUSY = """
line = b'{"messages": [{"role": "user", "content": "a"}]}\\n'
process.ask({"do": "feed"}, line * 3_000_000)
"""


def app(then: str, cwd: Path) -> "subprocess.Popen[bytes]":
    """Another process with a worker, which finds the packages only by its own sys.path."""
    path = [str(ROOT), *sys.path]
    code = APP.format(path=path, then=then)
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE)


@posix
@pytest.mark.parametrize("then", ["time.sleep(600)", BUSY], ids=["waiting", "busy"])
def test_nothing_is_left_of_an_app_that_is_killed(then: str, tmp_path: Path) -> None:
    with app(then, tmp_path) as parent:
        assert parent.stdout
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert gone([worker])


def test_the_process_has_no_keys(tmp_path: Path) -> None:
    with app("time.sleep(600)", tmp_path) as parent:
        assert parent.stdout
        environ = psutil.Process(int(parent.stdout.readline())).environ()
        parent.kill()
    assert "TunedropStorage" not in environ
    assert set(environ) <= {*ENVIRONMENT, "PYTHONPATH", "PYTHONUTF8", "LC_CTYPE"}


@posix
def test_the_process_lets_others_go_first() -> None:
    process = Process()
    try:
        process.ask({"do": "begin", "seconds": 60, "memory": 1 << 30}, b"")
        assert psutil.Process(process.pid).nice() > psutil.Process().nice()
    finally:
        process.end()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_leaves_nothing_of_a_dataset_behind() -> None:
    """A picture of its memory would be a copy of it, and a traceback may quote it."""
    process, own = Process(), psutil.Process()
    soft, hard = own.rlimit(psutil.RLIMIT_CORE)
    own.rlimit(psutil.RLIMIT_CORE, (hard, hard))  # what the app allows for itself
    try:
        process.ask({"do": "begin", "seconds": 60, "memory": 1 << 30}, b"")
        assert psutil.Process(process.pid).rlimit(psutil.RLIMIT_CORE)[0] == 0
        assert Path(f"/proc/{process.pid}/fd/2").readlink() == Path("/dev/null")
    finally:
        process.end()
        own.rlimit(psutil.RLIMIT_CORE, (soft, hard))


def test_the_process_runs_no_file_of_the_folder_in_which_it_starts(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    with app("time.sleep(600)", tmp_path) as parent:
        assert parent.stdout
        assert int(parent.stdout.readline())  # it has answered
        parent.kill()


def test_a_process_whose_app_is_gone_ends() -> None:
    command = [sys.executable, "-m", "shared.dataset.worker"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            assert process.stdin
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_a_process_without_work_ends_by_itself(tmp_path: Path) -> None:
    code = "from shared.dataset import worker; worker.IDLE_SECONDS = 0.1; worker.main()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.wait(PATIENCE_SECONDS) == 0


def test_an_answer_that_is_no_answer_is_the_end_of_the_process() -> None:
    """Where something else prints into the pipe, or the process is no longer itself."""
    code = "import sys; sys.stdout.buffer.write(b'\\xff' * 16)"
    process = Process()
    process._popen = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with pytest.raises((EOFError, OSError)):
        process.ask({"do": "begin"}, b"")
    process.end()
