"""However a command ends, nothing that it has started is left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import processes, supervised
from tests.processes import PATIENCE_SECONDS, ROOT, cleared, left, tree
from tests.support.stack import wait_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

# dev.py itself, with the environment that the tests run in.
DEV = """
import sys
import dev
from local import set_up
set_up.set_up = lambda **_: None
set_up.PYTHON = sys.executable
sys.exit(dev.main())
"""
SERVER = """
import os
import threading
from pathlib import Path
import pytest
from local import processes, supervised

@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    command = supervised.module("http.server", "0", "--bind", "127.0.0.1")
    child = processes.start("server", command, {}, Path.cwd(), folder / "log")
    yield child
    processes.stop([processes.Pid.of(child.process.pid)])

def test_for_ever(server):
    Path(os.environ["STARTED"], str(server.process.pid)).touch()
    threading.Event().wait()
"""


def interrupt(pid: int) -> None:
    os.kill(pid, signal.SIGINT)


def control_c(pid: int) -> None:
    """A terminal sends it to all of its processes at once."""
    os.killpg(pid, signal.SIGINT)


def terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def hang_up(pid: int) -> None:
    """A terminal that is closed."""
    os.kill(pid, signal.SIGHUP)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


ENDS = [interrupt, control_c, terminate, hang_up, kill]


def dev(*arguments: str, **environ: str) -> "subprocess.Popen[bytes]":
    """`dev.py ARGUMENTS…`, alone in a session, as in a terminal of its own."""
    return supervised.start(
        [sys.executable, "-c", DEV, *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def known(state: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
    """What a stack tells of itself once all of its parts run."""
    assert process.poll() is None
    try:
        stack = json.loads((state / "stack.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return dict(stack) if "events" in stack["pids"] else None


def test_nothing_is_left_when_the_owner_of_a_stack_is_killed(tmp_path: Path) -> None:
    """Then nobody stops the parts but they themselves."""
    with dev("up", "--port", "0", "--model", "tiny", "--state", str(tmp_path)) as process:
        stack = wait_for(lambda: known(tmp_path, process))
        with cleared(tree(process.pid)) as started:
            kill(stack["owner"]["pid"])
            assert left(started) == []


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left_of_a_stack(end: Callable[[int], None], tmp_path: Path) -> None:
    command = ["up", "--port", "0", "--model", "tiny", "--state", str(tmp_path)]
    with dev(*command) as process:
        stack = wait_for(lambda: known(tmp_path, process))
        with cleared(tree(process.pid)) as started:
            pids = {pid["pid"] for pid in [stack["owner"], *stack["pids"].values()]}
            assert pids == {one.pid for one in started} - {process.pid}
            end(process.pid)
            code = process.wait(PATIENCE_SECONDS)  # first: `left` would take it away
            assert left(started) == []
            if end is not kill:
                assert code == 0
                assert not (tmp_path / "stack.json").exists()


@pytest.mark.parametrize("end", [control_c, kill])
def test_nothing_is_left_of_tests_in_several_processes(
    end: Callable[[int], None], tmp_path: Path
) -> None:
    tests, started_in = tmp_path / "tests", tmp_path / "started"
    tests.mkdir()
    started_in.mkdir()
    for number in range(2):
        (tests / f"test_server_{number}.py").write_text(SERVER)
    options = ["--numprocesses", "2", "--dist", "loadfile", "-p", "no:cacheprovider"]
    command = ["test", str(tests), f"--rootdir={tests}", *options]
    with dev(*command, STARTED=str(started_in), PYTHONPATH=str(ROOT)) as process:
        wait_for(lambda: len(list(started_in.iterdir())) == 2)
        with cleared(tree(process.pid)) as started:
            servers = {int(path.name) for path in started_in.iterdir()}
            assert servers < {one.pid for one in started}
            end(process.pid)
            assert left(started) == []


@pytest.mark.parametrize("end", [interrupt, terminate, kill])
def test_nothing_is_left_of_the_set_up(end: Callable[[int], None], tmp_path: Path) -> None:
    """As while pip installs."""
    code = "import sys; from local import quiet; quiet.run([sys.executable, '-m', 'http.server'])"
    code = f"import dev; dev.COMMANDS['up'] = lambda _: exec({code!r}); dev.main()"
    command = [sys.executable, "-c", code.replace("'http.server'", "'http.server', '0'"), "up"]
    with supervised.start(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: len(tree(process.pid)) == 2)
        with cleared(tree(process.pid)) as started:
            end(process.pid)
            assert left(started) == []


def test_a_module_that_does_not_want_to_stop_is_ended(tmp_path: Path) -> None:
    stubborn = "import signal, threading\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    (tmp_path / "stubborn.py").write_text(f"{stubborn}print('up', flush=True)\n"
                                          "threading.Event().wait()\n")  # fmt: skip
    code = "from local import supervised; supervised.GRACE_SECONDS = 0.2; supervised.main()"
    command = [sys.executable, "-c", code, "stubborn"]
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    reading, writing = os.pipe()
    pipes = {"stdin": reading, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environ, **pipes) as process:  # type: ignore[call-overload]
        os.close(reading)
        assert process.stdout.readline() == b"up\n"
        os.close(writing)
        with cleared(tree(process.pid)):
            assert process.wait(PATIENCE_SECONDS) == 1


def test_nohup_is_left_alone(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "from local import supervised; supervised.interrupt_on_signals();"
        "signal.raise_signal(signal.SIGHUP); print('still here')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "still here\n"


def test_a_stranger_with_the_pid_of_a_part_is_not_taken_for_it() -> None:
    mine = processes.Pid.of(os.getpid())
    assert mine.process() == psutil.Process()
    assert processes.Pid(mine.pid, mine.started - 60).process() is None
