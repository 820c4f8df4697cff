"""Every regular expression of the product, so that none escapes a test: those that its modules hold
and those that stand in a call. Knows nothing of what they are for."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

from tests.support.house import modules

PLACES = ("shared", "tunedrop", "function_app")
CALLS = {
    "compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer",
}  # fmt: skip


def patterns() -> dict[str, re.Pattern[Any]]:
    """By their place, e.g. `shared.api:91`."""
    found: dict[str, re.Pattern[Any]] = {}
    for name in modules():
        if name.split(".")[0] in PLACES and not name.endswith("__main__"):
            found |= _of_module(name)
    return found


def _of_module(name: str) -> dict[str, re.Pattern[Any]]:
    calls = [*calls_in(modules()[name].read_text(encoding="utf-8"))]
    if not calls:
        return {}
    module = importlib.import_module(name)
    held = list(_held(vars(module), module, 0))
    unseen = [line for line, pattern in calls if pattern is None]
    if unseen and not held:
        raise AssertionError(f"{name}:{unseen[0]} has a pattern that is made where none can see it")
    written = {f"{name}:{line}": re.compile(p) for line, p in calls if p is not None}
    return written | {f"{name} {number}": pattern for number, pattern in enumerate(held)}


def calls_in(source: str) -> Iterator[tuple[int, str | bytes | None]]:
    """The line of every call of `re` with its pattern; None for one that is put together."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of = node.func.value
        if isinstance(of, ast.Name) and of.id == "re" and node.func.attr in CALLS:
            first = node.args[0]
            known = isinstance(first, ast.Constant) and isinstance(first.value, str | bytes)
            yield node.lineno, first.value if known else None  # type: ignore[attr-defined]


def _held(value: Any, module: ModuleType, depth: int) -> Iterator[re.Pattern[Any]]:
    """Patterns in the values of a module, and in those of its own that hold others."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 5:
        for part in _parts(value, module):
            yield from _held(part, module, depth + 1)


def _parts(value: Any, module: ModuleType) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if is_dataclass(value) and type(value).__module__ == module.__name__:
        return [getattr(value, field.name, None) for field in fields(value)]
    return []
