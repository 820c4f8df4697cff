"""The house keeps its shape: who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "shared.errors": 1,
    "shared.settings": 1,
    "shared.telemetry": 1,
    "shared.exporters": 1,
    "shared.dataset": 1,
    "shared.cloud": 2,
    "shared.model": 3,
    "shared.run": 4,
    "shared.chat": 4,
    "shared.doctor": 5,
    "shared.api": 5,
}
FORBIDDEN = [
    ("shared", ("local", "tunedrop", "tests", "bench", "docs")),
    ("function_app.py", ("local", "tunedrop", "tests", "bench", "docs")),
    ("local/emulator", ("shared", "tunedrop", "tests", "local.host", "local.stack")),
    ("local/host", ("shared", "tunedrop", "tests", "local.emulator", "local.stack")),
    ("tunedrop", ("local", "tests", "docs")),
]


def sources(place: str) -> list[Path]:
    path = ROOT / place
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(module: str) -> int | None:
    return next((n for room, n in FLOORS.items() if f"{module}.".startswith(f"{room}.")), None)


@pytest.mark.parametrize(("place", "forbidden"), FORBIDDEN)
def test_no_room_imports_what_it_must_not_know(place: str, forbidden: tuple[str, ...]) -> None:
    found = {
        f"{source.relative_to(ROOT)} imports {name}"
        for source in sources(place)
        for name in imports(source)
        if any(f"{name}.".startswith(f"{top}.") for top in forbidden)
    }
    assert not found


def test_every_arrow_in_shared_points_down() -> None:
    found = set()
    for source in sources("shared"):
        module = ".".join(source.relative_to(ROOT).with_suffix("").parts)
        here = floor(module)
        found |= {
            f"{module} imports {name}"
            for name in imports(source)
            if here and (there := floor(name)) and there > here
        }
    assert not found
