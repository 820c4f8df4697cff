"""Texts that are bad for a pattern, made from its parse tree: what it repeats, many times, where it
is reached, and then something that it does not want. Knows nothing of who uses the pattern."""

import re
import string
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import product
from typing import Any

# By name, for only some readers of types know them.
ops: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

CHARACTERS = "aA0 -_.:@/+(=,é\n\t" + string.printable + "Ã😀"
ENDS = ("", "\x00", "!", " a", '"')
BETWEEN = ("", "-", " ")
MOST = 64  # repetitions of what has a limit
REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)


def attacks(pattern: str, flags: int, length: int) -> Iterator[str]:
    """Texts of about `length` characters."""
    tree = parser.parse(pattern, flags & ~re.DEBUG)
    whole = _example(tree, CHARACTERS)
    # Also with what the pattern begins with inside: then it may begin again at each repetition.
    pumps = [*_pumps(tree, "", CHARACTERS), *_pumps(tree, "", whole[:1] + CHARACTERS)]
    pumps += [
        (before, one + other)
        for (before, one), (_, other) in product(pumps[:6], pumps[:6])
        if one != other
    ]
    pieces = {whole: ("", whole)} | {before + one: (before, one) for before, one in pumps}
    for before, one in {*pieces.values(), *pumps}:
        for end in ENDS:
            yield (before + one * length)[:length] + end if one else before
        for between in BETWEEN:
            for piece in (before + one, before + one * 20):
                yield ((between + piece) * length)[:length] if between + piece else ""


def _pumps(tree: Any, before: str, characters: str) -> Iterator[tuple[str, str]]:
    """What may be repeated, each with a text that leads to it."""
    for op, value in tree:
        if op in REPEATS:
            _, high, body = value
            for one in _ways(body, characters):
                yield before, one * (min(high, MOST) if high != ops.MAXREPEAT else 1)
            yield from _pumps(body, before, characters)
        for part in _parts(op, value):
            yield from _pumps(part, before, characters)
        before += _example([(op, value)], CHARACTERS)


def _ways(body: Any, characters: str) -> list[str]:
    """An example of each alternative."""
    first: tuple[Any, Any] = body[0] if len(body) == 1 else (ops.ANY, None)
    op, value = first
    if op is ops.SUBPATTERN:
        return _ways(value[3], characters)
    if op is ops.BRANCH:
        return [_example(way, characters) for way in value[1]]
    return [_example(body, characters)]


def _parts(op: Any, value: Any) -> list[Any]:
    if op is ops.SUBPATTERN:
        return [value[3]]
    if op is ops.BRANCH:
        return list(value[1])
    if op is ops.ATOMIC_GROUP:
        return [value]
    return []


def _example(tree: Any, characters: str) -> str:
    """A short text that the tree matches, what it looks back and ahead at aside."""
    return "".join(_example_of(op, value, characters) for op, value in tree)


def _example_of(op: Any, value: Any, characters: str) -> str:
    if op is ops.LITERAL:
        return chr(value)
    if op in (ops.IN, ops.NOT_LITERAL, ops.ANY):
        return str(next((c for c in characters if _is_in(op, value, c)), "a"))
    if op in REPEATS:
        low, high, body = value
        return _example(body, characters) * int(max(low, min(high, 1)))
    if op is ops.BRANCH:
        return _example(value[1][0], characters)
    parts = _parts(op, value)
    return _example(parts[0], characters) if parts else ""


def _is_in(op: Any, value: Any, char: str) -> bool:
    if op is ops.ANY:
        return char != "\n"
    if op is ops.NOT_LITERAL:
        return bool(ord(char) != value)
    negated, found = False, False
    for kind, what in value:
        negated = negated or kind is ops.NEGATE
        if kind is ops.LITERAL:
            found = found or ord(char) == what
        elif kind is ops.RANGE:
            found = found or what[0] <= ord(char) <= what[1]
        elif kind is ops.CATEGORY:
            found = found or _CATEGORIES[what](char)
    return found != negated


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    ops.CATEGORY_DIGIT: str.isdigit,
    ops.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    ops.CATEGORY_SPACE: str.isspace,
    ops.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    ops.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    ops.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}
