"""The rows of tests/host/contract.toml, and the tests that show each of them, by host.

A test says so itself, with the mark `contract`; this reads the marks without importing the test.
Knows no host.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
LOCAL, ENGINE, CORE_TOOLS = "local host", "Microsoft's worker engine", "Core Tools"
# By the beginning of a test's path; what fits none is a test of the local host.
PLACES = {"engine/": ENGINE, "end_to_end/test_core_tools.py": CORE_TOOLS}


@dataclass(frozen=True)
class Row:
    """One thing that the host does in Azure, with the addresses that say so."""

    name: str
    group: str
    does: str
    source: tuple[str, ...]
    worker: bool = False
    not_imitated: str = ""


@dataclass(frozen=True)
class Shown:
    """A test, by its path below tests/ and its name, that shows a row on a host."""

    row: str
    host: str
    path: str
    test: str


@cache
def contract() -> tuple[Row, ...]:
    """Raises KeyError for a source that has no address."""
    listed = tomllib.loads((TESTS / "host/contract.toml").read_text(encoding="utf-8"))
    address = listed["sources"]
    return tuple(
        Row(**{**row, "source": tuple(address[name] for name in row["source"])})
        for row in listed["row"]
    )


@cache
def shown() -> tuple[Shown, ...]:
    """Every mark in every test, in the order of paths and lines."""
    found: list[Shown] = []
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.contract(" in text:
            found += _marked(ast.parse(text), path.relative_to(TESTS).as_posix())
    return tuple(found)


def _marked(tree: ast.Module, path: str) -> Iterator[Shown]:
    host = next((host for place, host in PLACES.items() if path.startswith(place)), LOCAL)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for row in _rows(function):
                yield Shown(row, host, path, function.name)


def _rows(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.contract":
            yield from (ast.literal_eval(argument) for argument in mark.args)
