"""One app setting: how it is declared, read from the environment, and bounded.

Knows none of the settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from math import isfinite
from typing import Any

from shared.errors import SettingError

REQUIRED = object()
HOUR, DAY = 3_600, 86_400  # seconds
MOST_USD = 10_000_000


def setting(
    name: str,
    doc: str,
    default: Any = REQUIRED,
    *,
    least: float = 0,
    most: float = 0,
    known: Mapping[str, str] | None = None,
    form: Callable[[str, str], str] | None = None,
) -> Any:
    """`least` and `most` bound a number; `known` has the right spelling of each name in small
    letters, where only these may be set. `form` gives the one form of a text, or of each in a list,
    by the setting's name and the text; it raises SettingError."""
    about = {"name": name, "doc": doc, "default": default}
    return field(metadata={**about, "least": least, "most": most, "known": known, "form": form})


def read(environ: Mapping[str, str], about: Mapping[str, Any], kind: Any) -> Any:
    """The value of the setting that `setting` has declared so. Raises SettingError."""
    name, default = about["name"], about["default"]
    text = _unquoted(environ.get(name, "").strip())
    if not text:
        if default is REQUIRED:
            raise SettingError(f"The app setting {name} is missing.", f"Set it: {about['doc']}")
        return default
    try:
        value = _PARSERS[kind](text)
    except ValueError:
        raise SettingError(
            f"The app setting {name} is {text[:60]!r}, which is not {kind.__name__}.",
            f"Set a number from {about['least']:,} to {about['most']:,}.",
        ) from None
    if kind in (int, float):
        _check_bounds(name, text, value, about)
    if form := about["form"]:
        listed = isinstance(value, tuple)
        return tuple(form(name, each) for each in value) if listed else form(name, value)
    return _spelt(name, text, about["known"]) if about["known"] else value


def _unquoted(text: str) -> str:
    """Without the pair of quotes that a .env file leaves around a value in some tools."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if quoted else text


def _check_bounds(name: str, text: str, value: float, about: Mapping[str, Any]) -> None:
    """Raises SettingError; a number that is none is out of all bounds."""
    if not (isfinite(value) and about["least"] <= value <= about["most"]):
        raise SettingError(
            f"The app setting {name} is {text[:60]!r}.",
            f"Set a number from {about['least']:,} to {about['most']:,}.",
        )


def _spelt(name: str, text: str, known: Mapping[str, str]) -> str:
    spelt = known.get(text.lower())
    if spelt is None:
        names = ", ".join(dict.fromkeys(known.values()))
        raise SettingError(f"The app setting {name} is {text[:60]!r}.", f"Known are {names}.")
    return spelt


_PARSERS: dict[Any, Any] = {
    str: str,
    int: int,
    float: float,
    tuple[str, ...]: lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}
