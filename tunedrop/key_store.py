"""Where the keys of profiles are kept: in the system's keyring, or in a file for nobody else.

`keyring`, the library, is optional (`pip install 'tunedrop[keyring]'`), and where it is installed
there may be no keyring: in a container, by SSH, or locked. Whatever goes wrong there, a key is kept
in the file then, and where it is kept is told. Knows keys by name, and no app.
"""

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from tunedrop.errors import CommandError
from tunedrop.files import written_whole

SERVICE = "tunedrop"  # what the keyring's own window calls it
FILE = "keys.json"
USABLE = 1  # the priority from which on `keyring` itself recommends a backend
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


class KeyStore:
    """Keys by name. `folder`: where the file is."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def keep(self, name: str, key: str) -> str:
        """Where it is kept, in words. Raises CommandError, and OSError."""
        if _kept_by_system(name, key):
            self._forget_in_file(name)
            return f"the keyring of this system ({_called()})"
        self._write({**self._read(), name: key})
        return f"{self.path}, which only you may read: {_why_no_keyring()}"

    def find(self, name: str) -> str:
        """Empty if there is none. Raises CommandError."""
        return self._read().get(name) or _found_by_system(name)

    def forget(self, name: str) -> None:
        """Wherever it is. Raises CommandError, and OSError."""
        self._forget_in_file(name)
        _forgotten_by_system(name)

    def _forget_in_file(self, name: str) -> None:
        if name in (known := self._read()):
            del known[name]
            self._write(known)

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(name): str(key) for name, key in found.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError):
            raise CommandError(
                f"{self.path} cannot be read as the keys of profiles.",
                "Delete it, then sign in again with `tunedrop login`.",
            ) from None

    def _write(self, keys: dict[str, str]) -> None:
        self.path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if self.path.exists() and os.name == "posix":
            self.path.chmod(PRIVATE_FILE)  # somebody may have opened it to others
        with written_whole(self.path, private=True) as file:
            file.write(json.dumps(keys, indent=2).encode())


# ---- the system's keyring. Its backends raise what they like: D-Bus errors, errors of their own.


def _library() -> ModuleType | None:
    """None where it is not installed, or has nothing behind it that keeps a secret."""
    try:
        import keyring

        return keyring if keyring.get_keyring().priority >= USABLE else None
    except Exception:  # noqa: BLE001 - a backend that cannot be asked is none
        return None


def _kept_by_system(name: str, key: str) -> bool:
    """Also read again: there are backends that take everything and keep nothing."""
    if (library := _library()) is None:
        return False
    try:
        library.set_password(SERVICE, name, key)
        return bool(library.get_password(SERVICE, name) == key)
    except Exception:  # noqa: BLE001 - the file is there for that
        return False


def _found_by_system(name: str) -> str:
    library = _library()
    try:
        return (library.get_password(SERVICE, name) or "") if library else ""
    except Exception as error:  # noqa: BLE001 - whatever it is, there is no key
        raise CommandError(
            f"the keyring of this system does not give the key of {name} ({type(error).__name__}).",
            "Unlock it, or set TUNEDROP_KEY.",
        ) from None


def _forgotten_by_system(name: str) -> None:
    library = _library()
    try:
        if library and library.get_password(SERVICE, name) is not None:
            library.delete_password(SERVICE, name)
    except Exception as error:  # noqa: BLE001 - a key that stays is to be known
        raise CommandError(
            f"the keyring of this system still has the key of {name} ({type(error).__name__}).",
            f"Delete its entry {SERVICE} there, or revoke the key: `tunedrop keys revoke NAME`.",
        ) from None


def _called() -> str:
    library: Any = _library()
    return str(getattr(library.get_keyring(), "name", "") or "unnamed") if library else ""


def _why_no_keyring() -> str:
    try:
        import keyring  # noqa: F401
    except ImportError:
        return "`keyring` is not installed (pip install 'tunedrop[keyring]')."
    return "no keyring of this system could keep it."
