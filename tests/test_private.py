"""Files and folders of one user: by their rights, whatever the umask and whatever was there."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import private
from local.emulator.__main__ import make_private
from local.emulator.core.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such rights")


@pytest.fixture(params=[0, 0o022, 0o077, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_what_is_made_is_private(tmp_path: Path) -> None:
    folder = private.make_folder(tmp_path / "a")
    private.write_text(folder / "key", "secret")
    with private.open_file(folder / "log", "ab") as log:
        log.write(b"line")
        assert mode(folder / "log") == 0o600, "before a byte is in it"
    assert (mode(folder), mode(folder / "key")) == (0o700, 0o600)
    assert (folder / "key").read_text(encoding="utf-8") == "secret"


def test_what_was_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for name in ("key", "log"):
        (tmp_path / name).write_text("before", encoding="utf-8")
        (tmp_path / name).chmod(0o666)
    private.make_folder(tmp_path)
    private.write_text(tmp_path / "key", "secret")
    with private.open_file(tmp_path / "log", "ab") as log:
        log.write(b" and after")
    assert [mode(path) for path in (tmp_path, tmp_path / "key", tmp_path / "log")] == [
        0o700,
        0o600,
        0o600,
    ]
    assert (tmp_path / "log").read_text(encoding="utf-8") == "before and after"


WRITE = """
import sys
from pathlib import Path
from local import private
from tests.support.disks import limit_files
limit_files(10)
try:
    private.write_text(Path(sys.argv[1]), "longer than any file may get")
except OSError as error:
    print(error.filename)
"""


@pytest.mark.parametrize("before", ["before", None])
def test_a_file_that_cannot_be_written_whole_is_not_written(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "key"
    if before:
        path.write_text(before, encoding="utf-8")
    command = [sys.executable, "-c", WRITE, str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == f"{path}\n", "the error names the file, and not the one beside it"
    left = {found.name: found.read_text(encoding="utf-8") for found in tmp_path.iterdir()}
    assert left == ({"key": before} if before else {})


def test_what_was_there_stays_until_the_new_text_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut at the moment at which the system is asked to write, and after it."""
    (tmp_path / "key").write_text("before", encoding="utf-8")
    seen: list[list[str]] = []

    def fsync(descriptor: int) -> None:
        seen.append(sorted(path.read_text(encoding="utf-8") for path in tmp_path.iterdir()))

    monkeypatch.setattr(os, "fsync", fsync)
    private.write_text(tmp_path / "key", "secret")
    assert seen == [["before", "secret"], ["secret"]]


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "nowhere")
    private.write_text(tmp_path / "key", "secret")
    assert not (tmp_path / "key").is_symlink()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("umask")
def test_the_emulators_own_state_is_private(tmp_path: Path) -> None:
    """Its database holds the secret of its tokens."""
    tmp_path.chmod(0o755)
    database = tmp_path / "emulator.sqlite3"
    database.touch()
    database.chmod(0o644)
    make_private(tmp_path)
    store = Store(database)
    store.put("setting", "token-secret", {"value": "x"})
    names = {path.name: mode(path) for path in tmp_path.iterdir()}
    store.close()
    assert mode(tmp_path) == 0o700
    assert names == dict.fromkeys(names, 0o600)
    assert len(names) > 1, "the files beside it as well"
