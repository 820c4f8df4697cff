"""What a stack keeps on this laptop: whole or not at all, checked when read, and a sentence where
its folder cannot be used."""

import http.server
import json
import os
import socket
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import demo, events, known, processes, provision, storage, up
from local.emulator.__main__ import open_state
from local.errors import StackError, sentence
from local.stack import ended, running

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has other file systems")


# ---- keys


@pytest.mark.parametrize("content", ["", " ", "\n", "\r\n\t", None])
def test_an_empty_key_file_gets_a_key(tmp_path: Path, content: str | None) -> None:
    """As a full disk leaves one behind: nobody has been told of a key yet."""
    if content is not None:
        (tmp_path / "app-key").write_text(content, encoding="utf-8")
    key = known.key_of(tmp_path, "app-key")
    assert len(key) > known.SHORTEST_KEY
    assert (tmp_path / "app-key").read_text(encoding="utf-8") == key
    assert known.key_of(tmp_path, "app-key") == key


def test_a_key_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "app-key"
    path.write_text("my-own-key-of-before\n", encoding="utf-8")
    before = path.stat()
    assert known.key_of(tmp_path, "app-key") == "my-own-key-of-before"
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize(
    "content", [b"td-", b"td-cut-off-", b"two words of a key", b"\0" * 35, b"\xff" * 35, b"k" * 201]
)
def test_what_is_no_key_is_told_with_its_file_and_the_cure(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "function-key"
    path.write_bytes(content)
    with pytest.raises(StackError) as refused:
        known.key_of(tmp_path, "function-key")
    assert f"{path} holds no key" in str(refused.value)
    assert "Delete the file" in str(refused.value)
    assert path.read_bytes() == content


# ---- stack.json

WHOLE = {
    **dict.fromkeys(("app_url", "chat_url", "console_url", "openai_url", "storage"), ""),
    **{"app_key": "k", "base_deployment": "b", "owner": {"pid": 1, "started": 1.0}},
    "pids": {"openai": {"pid": 2, "started": 2.5}},
}


def test_a_stack_reads_what_it_has_written(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps(WHOLE), encoding="utf-8")
    read = known.Stack.read(tmp_path)
    assert read
    read.write(tmp_path)
    assert known.Stack.read(tmp_path) == read


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "7", '"x"', "[]", "{}", "[" * 100_000, "\0", "NaN"),
        json.dumps({**WHOLE, "pids": []}),
        json.dumps({**WHOLE, "pids": {"openai": 2}}),
        json.dumps({**WHOLE, "pids": {"openai": {"pid": "2", "started": 1}}}),
        json.dumps({**WHOLE, "pids": {"openai": {"pid": -2, "started": 1}}}),
        json.dumps({**WHOLE, "pids": {"openai": {"pid": 2**70, "started": 1}}}),
        json.dumps({**WHOLE, "owner": {"pid": 1, "started": "now"}}),
        json.dumps({**WHOLE, "owner": {"pid": True, "started": 1}}),
        json.dumps({**WHOLE, "app_url": 7}),
        json.dumps({**WHOLE, "of_a_newer_one": ""}),
        json.dumps(WHOLE)[:-9],
    ],
)
def test_a_damaged_file_is_no_stack(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text, encoding="utf-8")
    assert known.Stack.read(tmp_path) is None


def test_a_stack_whose_file_is_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "stack.json").mkdir()
    assert known.Stack.read(tmp_path) is None


# ---- folders


@contextmanager
def odd(kind: str, path: Path) -> Iterator[Path]:
    """A folder for a stack that is none, or one that takes nothing."""
    from tests.support import disks

    if kind == "a file":
        path.touch()
        yield path
    elif kind == "below a file":
        path.touch()
        yield path / "state"
    elif kind == "a dangling link":
        path.symlink_to(path / "nowhere")
        yield path
    elif kind == "a circle of links":
        path.symlink_to(path)
        yield path
    elif kind == "a name too long":
        yield path / ("ü" * 200)
    elif kind == "a path too long":
        yield path.joinpath(*["long" * 50] * 30)
    elif kind == "read-only":
        with disks.read_only(path) as folder:
            yield folder / "state"
    elif kind == "full":
        with disks.full(path) as folder:
            yield folder
    else:
        path.mkdir()
        (path / kind).mkdir()
        (path / kind / "it").touch()
        yield path


KINDS = {
    "a file": "move away",
    "below a file": "move away",
    "a dangling link": "move away",
    "a circle of links": "move away",
    "a name too long": "shorter path",
    "a path too long": "shorter path",
    "read-only": "may write there",
    "full": "free some space",
    "app-key": "move away",  # a folder in its place
}


@posix
@pytest.mark.parametrize(("kind", "cure"), KINDS.items())
def test_an_odd_folder_ends_in_a_sentence(
    kind: str,
    cure: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with odd(kind, tmp_path / "odd folder ü") as state:
        for command in (up, demo):
            monkeypatch.setattr(sys, "argv", ["up", "--port", "0", "--state", str(state)])
            assert command.main() == 1
            said = capsys.readouterr().err
            assert "cannot be used" in said
            assert str(tmp_path / "odd folder ü") in said
            assert cure in said
            assert len(said.splitlines()) == 1


@posix
def test_a_disk_that_is_full_at_the_first_start_leaves_no_key(tmp_path: Path) -> None:
    with odd("full", tmp_path / "disk") as state:
        with pytest.raises(StackError, match="No space left"), running(state, port=0):
            pass
        assert {path.name for path in state.iterdir()} == {"filling"}
        (state / "filling").unlink()
        assert known.key_of(state, "app-key").startswith("td-")


@posix
def test_a_disk_that_is_full_at_a_later_start_takes_no_key_away(tmp_path: Path) -> None:
    """And what was started by then is stopped."""
    with odd("full", tmp_path / "disk") as state:
        (state / "filling").write_bytes(b"")
        key = known.key_of(state, "app-key")
        (state / "logs").mkdir()
        with (state / "filling").open("ab", buffering=0) as file, pytest.raises(OSError):
            while file.write(b"\0" * 4096):
                continue
        with pytest.raises(StackError, match="No space left"), running(state, port=0):
            pass
        assert known.key_of(state, "app-key") == key
        assert not (state / "stack.json").exists()


def test_a_sentence_is_one_line_whatever_the_name_holds() -> None:
    said = sentence(OSError(28, "No space left on device", "a\x1b[2J\nb" + "c" * 5000))
    assert "\x1b" not in said
    assert "\n" not in said
    assert len(said) < 600


# ---- parts


def test_the_last_words_are_the_parts_own() -> None:
    said = "starting\nError: ENOSPC: no space left\x1b[2J on device\n\nNode.js v22.1.0\n\n"
    assert processes.last_words(said) == "Error: ENOSPC: no space left\\x1b[2J on device"
    assert processes.last_words(" \n") == "nothing"


def test_a_part_that_has_ended_is_told_with_its_words(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/storage.log").write_text("well\nENOSPC: full\n", encoding="utf-8")
    assert '"ENOSPC: full"' in str(ended("storage", tmp_path))
    assert "cannot be read" in str(ended("openai", tmp_path))


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
    monkeypatch.setenv("TunedropStorage", "UseDevelopmentStorage=true")
    (tmp_path / "file").touch()
    options = ["--container", "c", "--webhook", "http://127.0.0.1:9"]
    with pytest.raises(SystemExit) as stopped:
        events.main([*options, "--state", str(tmp_path / "file/events.json")])
    assert "cannot be used (Not a directory)" in str(stopped.value)


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
