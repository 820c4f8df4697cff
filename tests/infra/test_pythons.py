"""Each Python that the app supports and this machine has: tests/infra/long does more."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.environments import OTHERS, SUPPORTED, engine_python, interpreter

from .conftest import ROOT, functions
from .package import indexed, shipped_environment

CODE = ("function_app.py", "dev.py", "shared", "tunedrop", "local")
READ = """
import ast, pathlib, sys
for place in map(pathlib.Path, sys.argv[1:]):
    for source in [place] if place.is_file() else place.rglob("*.py"):
        ast.parse(source.read_text(encoding="utf-8"), str(source))
"""


def other(version: str) -> str:
    """Its command."""
    found = interpreter(version)
    if not found:
        pytest.skip(f"Python {version} is not on this machine")
    return found


@pytest.mark.parametrize("version", OTHERS)
def test_it_reads_the_code(version: str) -> None:
    places = [str(ROOT / place) for place in CODE]
    done = subprocess.run([other(version), "-c", READ, *places], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", OTHERS)
def test_it_finds_the_functions(version: str, shipped: Path) -> None:
    inside = shipped_environment(other(version), make=False)
    assert indexed(inside, shipped) == sorted(functions())


def test_the_supported_ones_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = "Programming Language :: Python :: "
    assert [f"{named}{version}" for version in SUPPORTED] == [
        line for line in project["classifiers"] if line.startswith(named)
    ]
    first, last = SUPPORTED[0], int(SUPPORTED[-1].partition(".")[2])
    assert project["requires-python"] == f">={first},<3.{last + 1}"


def test_the_engine_has_a_python_that_it_is_for() -> None:
    python = engine_python()
    if python is None:
        assert not any(map(interpreter, ("3.13", "3.14")))
        pytest.skip("Microsoft's engine needs Python 3.13 or newer, and there is none here")
    asked = [python, "-c", "import sys; print(sys.version_info >= (3, 13))"]
    assert subprocess.run(asked, capture_output=True, text=True).stdout.strip() == "True"
