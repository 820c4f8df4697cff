"""What tests of the tool share: a person's machine, where nothing is known of any app."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import pytest
from keyring.errors import PasswordDeleteError


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring of the system; `broken` raises as those do that cannot be reached."""

    priority: Any = 5
    name: Any = "in memory"

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.broken = False

    def get_password(self, service: str, username: str) -> str | None:
        self._fail()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._fail()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._fail()
        if (service, username) not in self.held:
            raise PasswordDeleteError(username)
        del self.held[service, username]

    def _fail(self) -> None:
        if self.broken:
            raise RuntimeError("The name org.freedesktop.secrets was not provided")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in; the tool's own files are below `config`."""
    for name in ("APP", "KEY", "FUNCTION_KEY", "PROFILE"):
        monkeypatch.delenv(f"TUNEDROP_{name}", raising=False)
    monkeypatch.delenv("TunedropStorage__blobServiceUri", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """The keyring of this machine, in the place of the developer's."""
    before, ours = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)
