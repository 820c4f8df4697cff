"""The package also starts on the other Pythons of this machine; Azure runs 3.13."""

from pathlib import Path

import pytest

from tests.environments import OTHERS, interpreter

from ..conftest import functions
from ..install import installed, runner, try_out
from ..package import indexed, shipped_environment


@pytest.mark.parametrize("version", OTHERS)
def test_the_functions_are_found(version: str, shipped: Path) -> None:
    found = interpreter(version)
    if not found:
        pytest.skip(f"Python {version} is not on this machine")
    assert indexed(shipped_environment(found), shipped) == sorted(functions())


@pytest.mark.parametrize("version", OTHERS)
def test_the_command_works(version: str, tmp_path: Path) -> None:
    found = interpreter(version)
    if not found:
        pytest.skip(f"Python {version} is not on this machine")
    try_out(runner(installed(found), tmp_path))
