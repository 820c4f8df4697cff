"""The structure of the project, read from its own files: who imports whom, and what
docs/design.md says of it. Knows syntax, not meaning."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("function_app.py", "shared", "tunedrop", "local", "docs/generate", "bench", "tests")
ROOM = re.compile(r"^### (\d+) · `([\w./]+)`")
MEMBER = re.compile(r"^- `([\w./]+)`")


@dataclass(frozen=True)
class Import:
    """`source` imports `target`; both are dotted names of modules of this project."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for place in PLACES:
        path = ROOT / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.exists() else []
        for file in files:
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def imports() -> frozenset[Import]:
    return frozenset(found for name, path in modules().items() for found in imports_of(name, path))


def imports_of(name: str, path: Path) -> Iterator[Import]:
    """The imports of one module that lead to others of this project, wherever they stand in it."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for target in _targets(node, package):
            if (known := _module_of(target)) and known != name:
                yield Import(name, known)


def _targets(node: ast.AST, package: str) -> Iterable[str]:
    """What an import statement may mean: `from a import b` is a.b or, where there is none, a."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1]
        base = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def _module_of(target: str) -> str | None:
    while target:
        if target in modules():
            return target
        target = target.rpartition(".")[0]
    return None


def circles(arrows: Iterable[Import]) -> list[list[str]]:
    """Groups of modules that import each other, directly or by way of others (Tarjan)."""
    following: dict[str, list[str]] = {}
    for arrow in arrows:
        following.setdefault(arrow.source, []).append(arrow.target)
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = lowest[name] = len(index)
        stack.append(name)
        for target in following.get(name, []):
            if target not in index:
                visit(target)
            if target in stack:
                lowest[name] = min(lowest[name], lowest[target])
        if lowest[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in list(following):
        if name not in index:
            visit(name)
    return found


# ---- what the page says


@dataclass(frozen=True)
class Room:
    """A folder or a file on a floor; its members from the top to the bottom."""

    floor: int
    path: str
    members: tuple[str, ...]

    @property
    def module(self) -> str:
        return self.path.removesuffix("/").removesuffix(".py").replace("/", ".")


@cache
def rooms() -> tuple[Room, ...]:
    """The rooms of docs/design.md."""
    found: list[Room] = []
    for line in (ROOT / "docs/design.md").read_text(encoding="utf-8").splitlines():
        if heading := ROOM.match(line):
            found.append(Room(int(heading[1]), heading[2], ()))
        elif line.startswith("#"):
            found.append(Room(0, "", ()))
        elif found and (member := MEMBER.match(line)):
            last = found.pop()
            found.append(Room(last.floor, last.path, (*last.members, member[1])))
    return tuple(room for room in found if room.path)


def room_of(module: str) -> Room | None:
    """The smallest room that the module lies in."""
    around = [room for room in rooms() if f"{module}.".startswith(f"{room.module}.")]
    return max(around, key=lambda room: len(room.path), default=None)
