"""Who can reach a stack, where it listens, which processes are its own, and how those end."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import ports, processes, storage
from local.emulator import __main__ as emulator
from local.errors import StackError
from local.host import __main__ as host
from local.processes import Pid
from local.stack import HOST_PORT, chosen_port
from tests.processes import ROOT


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


def test_servers_of_a_laptop_listen_on_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    command = storage.azurite_command("node", Path("azurite"), Path("x"), storage.Ports(1, 2, 3))
    hosts = [after for word, after in pairwise(command) if word[-4:] == "Host"]
    assert hosts == ["127.0.0.1"] * 3
    assert host._parser().parse_args(["--app", "x"]).host == "127.0.0.1"
    monkeypatch.setattr(sys, "argv", ["emulator"])
    assert emulator.parse_arguments().host == "127.0.0.1"


def test_a_port_that_is_taken_is_not_taken_for_free(taken: int) -> None:
    assert processes.free_port(taken) != taken
    free = processes.free_port()
    assert processes.free_port(free) == free


def test_the_parts_of_a_stack_keep_their_ports(tmp_path: Path) -> None:
    """From one start to the next, but for one that somebody else has taken meanwhile."""
    first = ports.kept(tmp_path)
    assert ports.kept(tmp_path) == first
    assert len({*first.values()}) == len(ports.NAMES)
    with socket.create_server(("127.0.0.1", first["blob"])):
        second = ports.kept(tmp_path)
    assert second.pop("blob") != first.pop("blob")
    assert second == first
    assert ports.kept(tmp_path)["blob"] not in first.values()


@pytest.mark.parametrize("damaged", ["", "[]", '{"openai": 1}', '{"openai": true}', "{" * 3000])
def test_ports_that_cannot_be_read_are_new(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "ports.json").write_text(damaged)
    assert ports.kept(tmp_path) == ports.kept(tmp_path)
    same = dict.fromkeys(ports.NAMES, processes.free_port())
    (tmp_path / "ports.json").write_text(json.dumps(same))
    assert len({*ports.kept(tmp_path).values()}) == len(ports.NAMES)


def test_who_asks_for_a_port_gets_it_or_is_told(taken: int) -> None:
    free = processes.free_port()
    assert chosen_port(free, lambda text: None) == free
    with pytest.raises(StackError, match=f"Port {taken} is in use: give another one"):
        chosen_port(taken, lambda text: None)


def test_a_stack_on_another_port_than_the_usual_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "free_port", lambda preferred: preferred + 1)
    said: list[str] = []
    assert chosen_port(None, said.append) == HOST_PORT + 1
    assert said == [f"port {HOST_PORT} is in use, so the app listens on {HOST_PORT + 1}"]


def test_a_stranger_that_got_the_pid_of_a_part_is_not_taken_for_it() -> None:
    own = Pid.of(os.getpid())
    found = own.process()
    assert found == psutil.Process()
    assert Pid(own.pid, own.started - 5).process() is None


STUBBORN = """
import time
while True:
    try:
        print("up", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        pass
"""
SUPERVISED = """
import sys
from local import supervised
supervised.GRACE_SECONDS = 0.1
sys.argv = ["supervised", "stubborn"]
supervised.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="rights and signals of POSIX")
def test_a_part_that_does_not_stop_when_it_is_asked_is_ended(tmp_path: Path) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", SUPERVISED]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, env=env, **pipes) as process:
        try:
            assert process.stdout
            assert process.stdin
            assert process.stdout.readline() == b"up\n"
            process.stdin.close()  # whoever has started it is gone
            assert process.wait(15) == 1
        finally:
            process.kill()


@pytest.mark.skipif(os.name == "nt", reason="rights and signals of POSIX")
def test_what_a_part_makes_is_for_its_user_alone(tmp_path: Path) -> None:
    code = "from pathlib import Path; Path('made').touch()"
    child = processes.start("x", [sys.executable, "-c", code], {}, tmp_path, tmp_path / "x.log")
    assert child.process.wait(60) == 0
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600
