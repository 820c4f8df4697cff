"""Names as people type them: of models (MODEL or MODEL@N), of runs, and their own. Asks no app."""

import getpass
from contextlib import suppress
from urllib.parse import quote

from shared.printable import shown
from tunedrop.errors import CommandError


def split(asked: str) -> tuple[str, int | None]:
    """MODEL or MODEL@N. Raises CommandError."""
    model, at, number = asked.partition("@")
    if not at:
        return model, None
    if not (number.isascii() and number.isdigit() and len(number) < 7 and int(number)):
        raise CommandError(
            f"{shown(asked)} names no version.", f"Write {shown(model)}@2, for example."
        )
    return model, int(number)


def in_path(name: str) -> str:
    """As one part of an address. Raises CommandError for what would be none, or several: another
    route would be asked."""
    if name in ("", ".", "..") or "/" in name:
        message = f"{shown(name)!r} is no name of a model, a run or a key, and no id."
        fix = "`tunedrop models`, `tunedrop runs` and `tunedrop keys list` list them."
        raise CommandError(message, fix)
    return quote(name, safe="")


def person(who: str) -> str:
    """Who gives an order: as named, or else whoever is signed in here. Empty where the system has
    no name for them, as in a container: the app then says so in its own words."""
    with suppress(KeyError, ImportError, OSError):
        return who or getpass.getuser()
    return ""
