"""The package also starts on the other Pythons of this machine; Azure runs 3.13."""

import sys
from pathlib import Path

import pytest

from tests.environments import interpreter

from ..conftest import functions
from ..install import installed, runner, try_out
from ..package import indexed, shipped_environment

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize("version", [v for v in ("3.11", "3.12", "3.13", "3.14") if v != THIS])
def test_the_functions_are_found(version: str, shipped: Path) -> None:
    found = interpreter(version)
    if not found:
        pytest.skip(f"Python {version} is not on this machine")
    assert indexed(shipped_environment(found), shipped) == sorted(functions())


@pytest.mark.parametrize("version", [v for v in ("3.11", "3.12", "3.13", "3.14") if v != THIS])
def test_the_command_works(version: str, tmp_path: Path) -> None:
    found = interpreter(version)
    if not found:
        pytest.skip(f"Python {version} is not on this machine")
    try_out(runner(installed(found), tmp_path))
