"""What ships: its packages, their lock, the archive, and that the app starts from it alone."""

import ast
import importlib.metadata as metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from . import package
from .conftest import ROOT, environment, functions

LARGEST_ARCHIVE = 600_000  # bytes; today about a third of it, most of it the lock's hashes
LOCK = ROOT / "requirements.txt"
HERE = {"extra": ""}


def listed() -> list[Requirement]:
    """requirements.in: what the project asks for by itself."""
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@cache
def locked() -> list[tuple[Requirement, int]]:
    """requirements.txt: every package with the number of its hashes."""
    text = LOCK.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in (line for line in text.splitlines() if line and not line.startswith("#")):
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        found.append((Requirement(requirement), len(hashes)))
    return found


def applies(marker: Marker | None) -> bool:
    return marker is None or marker.evaluate(HERE)


# ---- the list is what the code imports


def test_the_list_is_what_the_shipped_code_imports() -> None:
    asked = {canonicalize_name(requirement.name) for requirement in listed()}
    assert asked == {canonicalize_name(name) for name in imported()}


def imported() -> set[str]:
    """Distributions whose modules function_app.py and shared/ import, anywhere in them."""
    owners = module_owners()
    found = set()
    for source in [ROOT / "function_app.py", *(ROOT / "shared").rglob("*.py")]:
        for name in imports(source):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top == "shared":
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
        elif isinstance(node, ast.ImportFrom) and node.module:
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
    inside = shipped_environment(sys.executable)
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


def test_only_the_app_ships() -> None:
    names = package.files(ROOT)
    loose = {name for name in names if "/" not in name}
    assert loose == {".funcignore", "LICENSE", "function_app.py", "host.json", "requirements.txt"}
    assert {name.partition("/")[0] for name in names if "/" in name} == {"console", "shared"}


def test_the_archive_is_small(tmp_path: Path) -> None:
    archive = tmp_path / "app.zip"
    package.pack(ROOT, archive)
    assert 50_000 < archive.stat().st_size < LARGEST_ARCHIVE


# ---- the app starts from what ships


def python(version: str) -> str | None:
    """An interpreter of that version on this machine, or None."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in [f"python{version}", *map(str, pyenv.glob(f"{version}.*/bin/python"))]:
        try:
            subprocess.run([name, "-c", "import venv"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return name
    return None


def shipped_environment(interpreter: str) -> Path:
    """An environment with the lock and nothing else, its hashes checked by pip."""
    content = LOCK.read_text(encoding="utf-8")
    version = Path(interpreter).name if interpreter != sys.executable else "this"
    arguments = ["--require-hashes", "--no-deps", "-r", str(LOCK)]
    return environment(f"shipped-{version}", content, *arguments, python=interpreter)


INDEX = """
import json, sys, function_app
print(json.dumps(sorted(f.get_function_name() for f in function_app.app.get_functions())))
"""


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_functions_are_found_in_an_empty_environment(version: str, shipped: Path) -> None:
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version not in (this, "3.13"):
        pytest.skip(f"tested where Python {version} runs the tests")
    interpreter = python(version)
    if not interpreter:
        pytest.skip(f"Python {version} is not on this machine")
    inside = shipped_environment(interpreter)
    bare = {"PYTHON_ENABLE_INIT_INDEXING": "1", "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}
    if "SYSTEMROOT" in os.environ:
        bare["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    done = subprocess.run(
        [str(inside), "-c", INDEX],
        cwd=shipped,
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == sorted(functions())
