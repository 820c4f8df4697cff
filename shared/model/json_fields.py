"""JSON as machines read it: strictly, as values at paths, so that two documents can be compared.

No key twice, no NaN, no infinity, a bounded depth: another parser might read something else there.
The order of keys and how a number is written (1, 1.0) make no difference; true is no number.
"""

import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Any, NoReturn

MAX_CHARS = 1_000_000  # of a text that is parsed
MAX_DEPTH = 64

Path = tuple[str | int, ...]
Leaf = tuple[str, Any]  # its type, as JSON has it, and its value
Fields = dict[Path, Leaf]

FENCE = "```"  # of Markdown; the first one may name a language


class NotJson(ValueError):
    pass


def parse(text: str) -> Any:
    """Raises NotJson."""
    if len(text) > MAX_CHARS:
        raise NotJson(f"more than {MAX_CHARS:,} characters")
    try:
        return json.loads(
            text,
            object_pairs_hook=_no_key_twice,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def fields(value: Any) -> Fields:
    """Every simple value by its path; an empty list or object is one. Raises NotJson for what is
    nested deeper than MAX_DEPTH."""
    found: Fields = {}
    rest: list[tuple[Path, Any]] = [((), value)]
    while rest:
        path, value = rest.pop()
        if len(path) > MAX_DEPTH:
            raise NotJson("nested too deeply")
        if isinstance(value, dict) and value:
            rest += (((*path, _same_text(key)), inner) for key, inner in value.items())
        elif isinstance(value, list) and value:
            rest += (((*path, at), inner) for at, inner in enumerate(value))
        else:
            found[path] = _leaf(value)
    return found


def document(text: str) -> Fields | None:
    """The fields of an object or a list; None for any other text, a lone number or word too."""
    try:
        value = parse(text)
        return fields(value) if isinstance(value, dict | list) else None
    except NotJson:
        return None


def agreement(expected: Fields, given: Fields) -> float:
    """The share of the fields of both that are the same, from 0 to 1: one that is missing and one
    that was not asked for both count."""
    same = sum(1 for path, leaf in expected.items() if given.get(path) == leaf)
    return same / len(expected.keys() | given.keys())


def unfenced(text: str) -> str:
    """The inside of a text that is one fenced block of Markdown; any other text as it is."""
    first, _, rest = text.strip().partition("\n")
    inside, _, last = rest.rpartition("\n")
    language = first.removeprefix(FENCE).rstrip()
    opened = first.startswith(FENCE) and (not language or language.isalpha())
    return inside if opened and last.strip() == FENCE else text


def _no_key_twice(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise NotJson("a key is there twice")
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson("a number is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is no value of JSON")


def _leaf(value: Any) -> Leaf:
    if isinstance(value, str):
        return "string", _same_text(value)
    if isinstance(value, bool) or value is None:
        return "literal", value
    return ("number", value) if isinstance(value, int | float) else ("empty", value)


def _same_text(text: str) -> str:
    return unicodedata.normalize("NFC", text)
