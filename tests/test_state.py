"""What a stack keeps on this laptop: whole or not at all, checked when read, and a sentence where
its folder cannot be used."""

import json
import os
import sys
from pathlib import Path

import pytest

from local import demo, known, up
from local.errors import StackError, sentence
from local.stack import running
from tests.support.disks import odd

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
