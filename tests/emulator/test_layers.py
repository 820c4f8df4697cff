"""The emulator's folders keep their order: imports go down, in no circle, and are relative."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import local.emulator

from .declared import DECLARED, FOLDER

# From the top, as the package's docstring lists them, and what each may import.
MAY_IMPORT = {
    "__main__": {"app", "language"},
    "app": {"data_plane", "control_plane", "middleware", "controls", "core", "language"},
    "data_plane": {"control_plane", "core", "language"},
    "control_plane": {"core"},
    "middleware": {"core"},
    "controls": {"core"},
    "core": set(),
    "language": set(),
}


# Name within the package ("core.store"), and what is in it.
MODULES = {
    ".".join(path.relative_to(FOLDER).with_suffix("").parts): ast.parse(
        path.read_text(encoding="utf-8")
    )
    for path in FOLDER.rglob("*.py")
    if path.relative_to(FOLDER).parts[0] != "build"
}


def own_imports(name: str) -> Iterator[str]:
    """The package's own modules that a module imports, wherever in it the import stands."""
    package = name.split(".")[:-1]
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            stem = [*base, *(node.module or "").split(".")] if node.module else base
            for alias in node.names:
                inner = ".".join([*stem, alias.name])
                yield inner if inner in MODULES else ".".join(stem)


def part(name: str) -> str:
    return name.split(".")[0]


def test_the_docstring_lists_the_parts_in_their_order() -> None:
    listed = re.findall(r"^    (\w+)  ", str(local.emulator.__doc__), re.MULTILINE)
    assert listed == list(MAY_IMPORT)
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert folders | files == set(MAY_IMPORT)


def test_imports_between_the_parts_go_down() -> None:
    wrong = {
        f"{name} imports {imported}"
        for name in MODULES
        for imported in own_imports(name)
        if imported  # the package itself: its version and its default key
        and part(imported) != part(name)
        and part(imported) not in MAY_IMPORT.get(part(name), set())
    }
    assert not wrong


def test_no_module_is_in_a_circle() -> None:
    graph = {name: set(own_imports(name)) for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for imported in graph.get(name, set()):
                visit(imported, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_all_other_imports_are_of_the_library_or_of_a_declared_package() -> None:
    """So nothing of the project around it, and nothing that only another package brings along."""
    distributions = packages_distributions()
    wrong = set()
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            absolute: list[str] = []
            if isinstance(node, ast.Import):
                absolute = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                absolute = [str(node.module)]
            for imported in absolute:
                top = imported.split(".")[0]
                brought_by = {one.lower() for one in distributions.get(top, [])}
                if top not in sys.stdlib_module_names and not brought_by & set(DECLARED):
                    wrong.add(f"{name} imports {imported}")
    assert not wrong


def test_no_file_has_more_than_300_lines() -> None:
    paths: list[Path] = [*FOLDER.rglob("*.py"), *Path(__file__).parent.glob("*.py")]
    long = {path.name: n for path in paths if (n := len(path.read_text().splitlines())) > 300}
    assert not long
