"""The house keeps its shape: who may import whom. docs/design.md is the plan that is held here."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import home_of
from tests.support.house import (
    ROOT,
    Import,
    Room,
    circles,
    imports,
    imports_of,
    modules,
    room_of,
    rooms,
)

FORBIDDEN = [
    ("shared", ("local", "tunedrop", "tests", "bench", "docs")),
    ("function_app", ("local", "tunedrop", "tests", "bench", "docs")),
    ("local.emulator", ("shared", "tunedrop", "tests", "bench", "docs", "local")),
    ("local.host", ("shared", "tunedrop", "tests", "bench", "docs", "local")),
    ("local", ("tests", "bench", "docs")),
    ("tunedrop", ("local", "tests", "bench", "docs")),
]
MAX_LINES = 300
OPEN_PLAN = {"shared", "local"}  # their rooms are in the plan one by one
PRODUCT = {"function_app", "shared", "tunedrop", "local"}
FRONTS = {"shared.cloud", "shared.doctor"}  # packages that are imported by their own name


def lies_in(module: str, place: str) -> bool:
    return f"{module}.".startswith(f"{place}.")


@pytest.mark.parametrize(("place", "forbidden"), FORBIDDEN)
def test_no_room_imports_what_it_must_not_know(place: str, forbidden: tuple[str, ...]) -> None:
    found = {
        str(arrow)
        for arrow in imports()
        if lies_in(arrow.source, place)
        and not lies_in(arrow.target, place)
        and any(lies_in(arrow.target, other) for other in forbidden)
    }
    assert not found


def test_nothing_imports_in_a_circle() -> None:
    assert circles(imports()) == []


def test_test_modules_import_no_test_modules() -> None:
    found = {
        str(arrow)
        for arrow in imports()
        if arrow.target.startswith("tests.") and ".test_" in arrow.target
    }
    assert not found


def test_no_arrow_points_up_between_rooms() -> None:
    found = set()
    for arrow in imports():
        here, there = room_of(arrow.source), room_of(arrow.target)
        if here and there and there.floor > here.floor:
            found.add(f"{arrow}: floor {here.floor} to {there.floor}")
    assert not found


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.path)
def test_no_arrow_points_up_inside_a_room(room: Room) -> None:
    """Members of a room use only those that stand after them in the plan."""
    found = {
        f"{arrow}: {here} stands below {there}"
        for arrow in imports()
        if (here := _member(room, arrow.source)) and (there := _member(room, arrow.target))
        if room.members.index(there) < room.members.index(here)
    }
    assert not found


def _member(room: Room, module: str) -> str | None:
    """The member of the room that the module is, or lies in."""
    if not lies_in(module, room.module):
        return None
    name = module.removeprefix(f"{room.module}").lstrip(".").split(".")[0]
    return next((m for m in room.members if m.rstrip("/") == name), None)


@pytest.mark.parametrize("room", rooms(), ids=lambda room: room.path)
def test_the_plan_names_what_is_there(room: Room) -> None:
    path = ROOT / room.path
    assert path.exists()
    if path.is_file():
        return
    there = {f"{p.name}/" for p in path.iterdir() if (p / "__init__.py").exists()}
    there |= {p.stem for p in path.glob("*.py") if not p.stem.startswith("__")}
    assert set(room.members) == there


def test_the_plan_has_every_module() -> None:
    """A module without a room would be a way around all rules: also one in a folder that is no
    package, or at the top."""
    shipped = [name for name in modules() if name.split(".")[0] in PRODUCT]
    homeless = [name for name in shipped if name not in OPEN_PLAN and room_of(name) is None]
    assert homeless == []
    known = {path.name for path in ROOT.glob("*.py")}
    assert known == {"dev.py", "function_app.py"}


def test_every_folder_with_modules_is_a_package_and_a_room() -> None:
    folders = {path.parent for name, path in modules().items() if name.split(".")[0] in PRODUCT}
    assert [str(folder) for folder in folders if not _is_package(folder)] == []
    packages = {folder.relative_to(ROOT).as_posix() + "/" for folder in folders - {ROOT}}
    packages -= {f"{name}/" for name in OPEN_PLAN}
    assert packages == {room.path for room in rooms() if room.path.endswith("/")}


def _is_package(folder: Path) -> bool:
    return folder == ROOT or (folder / "__init__.py").exists()


def test_a_package_imports_none_of_its_own_modules_but_where_it_is_their_front() -> None:
    found = {
        arrow.source
        for arrow in imports()
        if modules()[arrow.source].name == "__init__.py"
        and arrow.source.split(".")[0] in PRODUCT
        and lies_in(arrow.target, arrow.source)
    }
    assert found == FRONTS


def test_only_the_emulator_imports_relatively() -> None:
    found = {
        name
        for name, path in modules().items()
        if name.split(".")[0] in PRODUCT and not lies_in(name, "local.emulator")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert not found


def test_files_are_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules().values()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long


def test_whoever_asks_for_the_stack_shares_it_with_a_home() -> None:
    """Elsewhere a third one is started, or one is found with other tests' deployments in it."""
    asks = re.compile(r"stack: Stack[H]arness|@on_[bs]")
    files = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if "long" not in path.parts and asks.search(path.read_text(encoding="utf-8"))
    ]
    assert files
    assert [file for file in files if not home_of(file).startswith("a stack")] == []


# ---- and the tests themselves would see it


def test_a_relative_import_that_leaves_its_room_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "chat.py"
    file.write_text("from ..stack import running\nfrom . import host\n")
    found = set(imports_of("local.emulator.chat", file))
    assert found == {
        Import("local.emulator.chat", "local.stack"),
        Import("local.emulator.chat", "local.emulator"),
    }


def test_a_circle_by_way_of_a_third_is_seen() -> None:
    arrows = [Import("a", "b"), Import("b", "c"), Import("c", "a"), Import("c", "d")]
    assert circles(arrows) == [["a", "b", "c"]]
