"""What ships: its packages, their lock, the archive, and that the app starts from it alone."""

import ast
import importlib.metadata as metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local import set_up

from . import package
from .conftest import ROOT, functions
from .package import LOCK, applies, indexed, listed, locked, shipped_environment

LARGEST_ARCHIVE = 900_000  # bytes; today about two thirds of it, an eighth the lock's hashes
# Of clients that run in environments of their own.
ELSEWHERE = {"agents", "instructor", "pydantic_ai", "requests"}


# ---- the list is what the code imports


def test_the_list_is_what_the_shipped_code_imports() -> None:
    asked = {canonicalize_name(requirement.name) for requirement in listed()}
    assert asked == names_of(imported("function_app.py", "shared"))


@pytest.mark.parametrize(
    ("places", "extras"),
    [
        (["tunedrop"], ["keyring"]),
        (["local", "dev.py"], ["app", "laptop"]),
        (["docs"], ["app", "laptop", "test"]),
        (["tests"], ["app", "laptop", "keyring", "test"]),
    ],
)
def test_what_is_imported_is_listed(places: list[str], extras: list[str]) -> None:
    project = set_up.pyproject()["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    asked = {canonicalize_name(Requirement(line).name) for lines in lists for line in lines}
    others = [*set_up.pyproject()["dependency-groups"]["weights"], *emulated()]
    asked |= {canonicalize_name(Requirement(line).name) for line in others}
    assert names_of(imported(*places)) <= asked


def emulated() -> list[str]:
    """What the emulator, a package of its own beside this one, lists for itself."""
    project = tomllib.loads(set_up.emulator())["project"]
    return list(project["dependencies"])


def test_what_both_packages_need_they_need_in_the_same_version() -> None:
    project = set_up.pyproject()["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    pinned = dict(line.split("==") for listed in lists for line in listed if "==" in line)
    ours = {name: v for name, v in (line.split("==") for line in emulated()) if name in pinned}
    assert ours == {name: pinned[name] for name in ours}
    assert set(ours) == {"numpy", "starlette", "uvicorn"}


def test_nothing_is_listed_twice() -> None:
    project = set_up.pyproject()["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    lines = [Requirement(line) for listed in lists for line in listed]
    names = [(canonicalize_name(line.name), str(line.marker)) for line in lines]
    assert len(names) == len(set(names))
    kept = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/requirements*")]
    assert kept == []


def names_of(distributions: set[str]) -> set[str]:
    return {str(canonicalize_name(name)) for name in distributions}


def imported(*places: str) -> set[str]:
    """Distributions whose modules these files and folders import, anywhere in them."""
    owners = module_owners()
    found = set()
    paths = [ROOT / place for place in places]
    for source in [f for path in paths for f in ([path] if path.is_file() else path.rglob("*.py"))]:
        for name in imports(source):
            top = name.partition(".")[0]
            ours = (ROOT / top).exists() or (ROOT / f"{top}.py").exists()
            if top in (*sys.stdlib_module_names, *ELSEWHERE) or ours:
                continue
            module = name
            while module and module not in owners:
                module = module.rpartition(".")[0]
            assert module, f"{source.relative_to(ROOT)} imports {name}, which nothing here has"
            found.add(owners[module])
    return found


def imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def module_owners() -> dict[str, str]:
    """Dotted module names to the distribution that has the file: `azure` is shared by many."""
    owners = {}
    for distribution in metadata.distributions():
        for file in distribution.files or []:
            parts = Path(file).with_suffix("").parts
            if file.suffix in (".py", ".so", ".pyd"):
                name = ".".join([*parts[:-1], parts[-1].partition(".")[0]])
                owners[name.removesuffix(".__init__")] = distribution.name
    return owners


# ---- the lock


def test_every_listed_version_is_in_the_lock() -> None:
    pins = {(canonicalize_name(r.name), str(r.specifier)) for r, _ in locked()}
    assert {(canonicalize_name(r.name), str(r.specifier)) for r in listed()} <= pins


def test_the_lock_pins_everything_with_hashes_and_names_no_place() -> None:
    for requirement, hashes in locked():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement
    assert "://" not in LOCK.read_text(encoding="utf-8")
    options = re.findall(r"(?m)^\s*--(\w+)", LOCK.read_text(encoding="utf-8"))
    assert set(options) == {"hash"}


def test_the_lock_holds_what_its_packages_need_and_nothing_else() -> None:
    """Read from the packages' own metadata in the locked environment, for this platform."""
    inside = shipped_environment()
    script = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({d.name: d.requires or [] for d in m.distributions()}))"
    )
    run = subprocess.run([str(inside), "-c", script], capture_output=True, text=True, check=True)
    needs = {canonicalize_name(k): v for k, v in json.loads(run.stdout).items()}
    wanted: set[str] = set()
    waiting = [r for r in listed() if applies(r.marker)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = [{"extra": extra} for extra in ["", *requirement.extras]]
        first = name not in wanted
        wanted.add(name)
        if first or requirement.extras:
            below = map(Requirement, needs.get(name, []))
            waiting += [r for r in below if not r.marker or any(map(r.marker.evaluate, extras))]
    here = {canonicalize_name(r.name) for r, _ in locked() if applies(r.marker)}
    assert here == wanted


# ---- the archive


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What ships, copied to where anything may be put beside it."""
    for name in [*package.files(ROOT), ".funcignore", ".dockerignore"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_only_the_app_ships() -> None:
    names = package.files(ROOT)
    loose = {name for name in names if "/" not in name}
    assert loose == {"LICENSE", "function_app.py", "host.json", "requirements.txt"}
    assert {name.partition("/")[0] for name in names if "/" in name} == {"console", "shared"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout
    app = {name for name in tracked.splitlines() if name.startswith(("console/", "shared/"))}
    assert app <= set(names)


def test_what_nobody_has_listed_does_not_ship(copy: Path) -> None:
    before = package.files(copy)
    for name in (*package.STRAYS, *package.BY_GIT_ONLY):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("secret", encoding="utf-8")
    assert package.files(copy) == before


def test_core_tools_reads_the_same_list() -> None:
    rules = package.CoreTools((ROOT / ".funcignore").read_text(encoding="utf-8"))
    assert all(rules.ships(name) for name in package.files(ROOT))
    known = {"LICENSE-of-another"}  # it looks at the beginning of a name only
    assert {name for name in package.STRAYS if rules.ships(name)} == known
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout
    ships = {name for name in listed.splitlines() if rules.ships(name)}
    assert ships <= set(package.files(ROOT))


def test_the_archive_is_small(tmp_path: Path) -> None:
    archive = tmp_path / "app.zip"
    package.pack(ROOT, archive)
    assert 50_000 < archive.stat().st_size < LARGEST_ARCHIVE


# ---- the app starts from what ships


def test_the_functions_are_found_in_an_empty_environment(shipped: Path) -> None:
    assert indexed(shipped_environment(), shipped) == sorted(functions())
