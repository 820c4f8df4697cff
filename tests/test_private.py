"""Files and folders of one user: by their rights, whatever the umask and whatever was there."""

import os
import stat
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
