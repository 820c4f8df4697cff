"""The house keeps its shape: who may import whom. docs/design.md is the plan that is held here."""

import pytest

from tests.support.house import ROOT, Import, Room, circles, imports, modules, room_of, rooms

FORBIDDEN = [
    ("shared", ("local", "tunedrop", "tests", "bench", "docs")),
    ("function_app", ("local", "tunedrop", "tests", "bench", "docs")),
    ("local.emulator", ("shared", "tunedrop", "tests", "bench", "docs", "local")),
    ("local.host", ("shared", "tunedrop", "tests", "bench", "docs", "local")),
    ("tunedrop", ("local", "tests", "bench", "docs")),
]
MAX_LINES = 300
OPEN_PLAN = {"shared", "local"}  # their rooms stand in the plan one by one


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


def test_the_plan_has_every_room() -> None:
    packages = {
        module
        for module, path in modules().items()
        if path.name == "__init__.py" and module.split(".")[0] in ("shared", "local", "tunedrop")
    }
    assert packages - OPEN_PLAN == {room.module for room in rooms() if room.path.endswith("/")}


def test_files_are_short_enough_to_read() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules().values()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long


# ---- and the tests themselves would see it


def test_a_relative_import_that_leaves_its_room_is_seen(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from tests.support.house import imports_of

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
