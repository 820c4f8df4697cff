"""The apps that somebody has signed in to, each under a name: address, way of signing in, storage.

A file of this user's, without keys: those are in `key_store`. Asks no app.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import typer

from shared.printable import shown
from tunedrop.errors import CommandError
from tunedrop.files import written_whole
from tunedrop.key_store import PRIVATE_FOLDER, KeyStore

FILE = "profiles.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LAPTOP = "laptop"
MAX_KEY = 4096  # characters
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ENDINGS = re.compile(r"/api(/console)?/*$")  # of what people copy out of their browser


@dataclass(frozen=True)
class Profile:
    """`resource`: whose token is sent in place of a key; empty where there is a key."""

    name: str
    url: str
    resource: str = ""
    storage: str = ""


@dataclass(frozen=True)
class Profiles:
    """All of this user's, and the one that commands use where nothing else is said."""

    folder: Path
    known: tuple[Profile, ...] = ()
    current: str = ""
    keys: KeyStore = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", KeyStore(self.folder))

    @classmethod
    def load(cls, folder: Path | None = None) -> "Profiles":
        """Raises CommandError for a file that is none of this tool's, and OSError."""
        folder = folder or Path(typer.get_app_dir("tunedrop"))
        path = folder / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            known = tuple(Profile(**fields) for fields in found["profiles"])
            return cls(folder, known, str(found["current"]))
        except FileNotFoundError:
            return cls(folder)
        except (ValueError, LookupError, TypeError):
            raise CommandError(
                f"{path} cannot be read as profiles.",
                "Delete it, then sign in again with `tunedrop login ADDRESS`.",
            ) from None

    def named(self, name: str) -> Profile:
        """Raises CommandError."""
        for profile in self.known:
            if profile.name == name:
                return profile
        names = ", ".join(profile.name for profile in self.known) or "none"
        raise CommandError(
            f"there is no profile {shown(name)!r}; there is: {names}.",
            f"Sign in to an app as it: tunedrop login ADDRESS --profile {shown(name)}",
        )

    def of_address(self, url: str) -> Profile | None:
        return next((profile for profile in self.known if profile.url == url), None)

    def entered(self, profile: Profile) -> "Profiles":
        """With it as the current one, in the place of one of its name."""
        others = tuple(one for one in self.known if one.name != profile.name)
        return replace(self, known=(*others, profile), current=profile.name)

    def without(self, name: str) -> "Profiles":
        others = tuple(one for one in self.known if one.name != name)
        return replace(self, known=others, current="" if self.current == name else self.current)

    def save(self) -> None:
        """Raises CommandError, and OSError."""
        self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        held = {"current": self.current, "profiles": [asdict(profile) for profile in self.known]}
        with written_whole(self.folder / FILE, private=True) as file:
            file.write(json.dumps(held, indent=2).encode())


def checked_address(asked: str) -> str:
    """An app's address out of what people paste: without `/api/console` and what follows a `#`.
    Raises CommandError for what is none, and for one to which a key would go in the clear."""
    try:
        parts = urlsplit(asked.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("https", "http") or not host:
        raise CommandError(f"{shown(asked)} is no web address.", "Give https://NAME….")
    if parts.username or parts.password:
        raise CommandError(f"the address of {host} has a name or a key in it.", "Give it without.")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise CommandError(
            f"{shown(asked)} is not encrypted: a key would be readable on its way.",
            f"Give https://{host}{f':{port}' if port else ''}.",
        )
    return trimmed(f"{parts.scheme}://{parts.netloc}{parts.path}")


def checked_key(asked: str) -> str:
    """Without what stands around it, as the end of a line in a secret of a CI. Raises CommandError,
    which does not show it, for what cannot be sent in a header."""
    key = asked.strip()
    if len(key) > MAX_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise CommandError(
            "that is no key: a key is one word.",
            "Give it as it was shown, with --key, in TUNEDROP_KEY or to `tunedrop login`.",
        )
    return key


def trimmed(url: str) -> str:
    """Without what the console's address has behind the app's."""
    return ENDINGS.sub("", url.partition("#")[0].strip()).rstrip("/")


def checked_name(name: str) -> str:
    """Raises CommandError."""
    if not NAME.fullmatch(name):
        raise CommandError(
            f"{shown(name)!r} cannot be the name of a profile.",
            "Take up to 64 letters, digits, dots and hyphens.",
        )
    return name


def name_for(url: str) -> str:
    """What a profile is called that nobody has named: the first part of the app's host."""
    host = urlsplit(url).hostname or ""
    return LAPTOP if host in LOOPBACK else host.partition(".")[0]


def chosen_in_environment() -> str:
    return os.environ.get("TUNEDROP_PROFILE", "")
