"""The parts of a stack where something is in their way: what each says, and who tells it."""

import http.server
import json
import os
import socket
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import events, known, processes, provision, storage
from local.demo import ends_are_told
from local.emulator.__main__ import open_state
from local.errors import StackError
from local.known import Stack
from local.processes import Pid
from local.stack import ended
from shared.settings import Settings
from tests.support.disks import odd

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has other file systems")


def test_the_last_words_are_the_parts_own() -> None:
    said = "starting\nError: ENOSPC: no space left\x1b[2J on device\n\nNode.js v22.1.0\n\n"
    assert processes.last_words(said) == "Error: ENOSPC: no space left\\x1b[2J on device"
    assert processes.last_words(" \n") == "nothing"


def test_a_part_that_has_ended_is_told_with_its_words(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/storage.log").write_text("well\nENOSPC: full\n", encoding="utf-8")
    assert '"ENOSPC: full"' in str(ended("storage", tmp_path))
    assert "cannot be read" in str(ended("openai", tmp_path))


def test_what_fails_because_a_part_has_ended_is_told_as_that(tmp_path: Path) -> None:
    gone = Pid(os.getpid(), 0.0)  # of this number, and started long before
    stack = Stack("", "", "", "", "", "", "", Pid.of(os.getpid()), pids={"functions": gone})
    with pytest.raises(StackError, match="functions"), ends_are_told(stack, tmp_path):
        raise ConnectionError("nobody answers")
    stack.pids.clear()
    with pytest.raises(ConnectionError), ends_are_told(stack, tmp_path):
        raise ConnectionError("nobody answers")


# ---- what stands behind a port


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[str]]]:
    """A port at which everything gets the same answer, and what was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            asked.append(self.rfile.readline().decode())
            while self.rfile.readline().strip():
                continue
            self.wfile.write(answer)
            self.close_connection = True

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


def test_what_speaks_no_http_is_not_the_app() -> None:
    with answering(b"SSH-2.0-nothing\r\n\r\n") as (port, _):
        assert not known.answers(f"http://127.0.0.1:{port}/api/health")
    assert not known.answers("nonsense")


def test_storage_that_refuses_is_told_at_once_with_its_words() -> None:
    full = b"HTTP/1.1 500 ENOSPC: no space left\r\ncontent-length: 0\r\n\r\n"
    with answering(full) as (port, asked):
        began = time.monotonic()
        with pytest.raises(provision.ProvisionError, match=r"Storage .* datasets: .*"):
            provision.provision(
                storage.connection_string(storage.Ports(port, port, port)), "http://127.0.0.1:9"
            )
    assert len(asked) == 1, "asked again, which takes minutes"
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\nno JSON", b"?"])
def test_an_emulator_that_is_gone_is_told(answer: bytes) -> None:
    with answering(answer) as (port, _), pytest.raises(provision.ProvisionError) as refused:
        provision._arm(f"http://127.0.0.1:{port}", "GET", "/x")
    assert "The Azure OpenAI emulator did not answer" in str(refused.value)


def test_nobody_at_the_emulators_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(provision.ProvisionError, match="did not answer"):
        provision._arm(f"http://127.0.0.1:{port}", "GET", "/x")


# ---- events


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": 1}', b"\xff", b"[" * 100_000])
def test_what_was_delivered_is_not_known_from_a_damaged_file(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.json"
    path.write_bytes(content)
    events.Delivered(path)
    assert "delivered again" in caplog.text
    assert json.loads(path.read_text(encoding="utf-8")) == {}


@posix
def test_events_that_cannot_be_kept_end_the_part_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        events.Delivered(tmp_path / "file/events.json")
    monkeypatch.setenv("TunedropStorage", "UseDevelopmentStorage=true")
    options = ["--container", "c", "--webhook", "http://127.0.0.1:9"]
    with pytest.raises(SystemExit) as stopped:
        events.main([*options, "--state", str(tmp_path / "file/events.json")])
    assert "cannot be used (Not a directory)" in str(stopped.value)


# ---- the emulator


def emulator(state: Path) -> None:
    options = {"model": "tiny", "weights": None, "dtype": None, "key": "k", "lazy": True}
    open_state(Namespace(state=state, **options), threading.Event())


@posix
@pytest.mark.parametrize("kind", ["below a file", "read-only", "full", "emulator.sqlite3"])
def test_the_emulator_says_why_it_cannot_use_a_folder(kind: str, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with odd(kind, tmp_path / "odd") as state, pytest.raises(SystemExit) as stopped:
            emulator(state)
    finally:
        os.umask(before)
    assert f"{tmp_path / 'odd'}" in str(stopped.value)
    assert "cannot be used (" in str(stopped.value)


@posix
def test_the_emulator_names_a_database_that_is_broken(tmp_path: Path) -> None:
    before = os.umask(0o077)
    (tmp_path / "emulator.sqlite3").write_bytes(b"no database, and long enough to be read" * 9)
    try:
        with pytest.raises(SystemExit, match=r"file is not a database.*delete that"):
            emulator(tmp_path)
    finally:
        os.umask(before)


def test_no_limit_of_a_day_holds_a_laptop_up() -> None:
    """Training costs nothing there."""
    given = provision.app_settings("UseDevelopmentStorage=true", "http://127.0.0.1:1", "k", "x")
    assert Settings.load(given).daily_runs == 0
