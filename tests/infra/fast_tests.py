"""Tests that need neither a process nor the network, run with another Python of this machine.

What they import of the extra `test` is listed here; the rest of it is for other tests.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from local import set_up
from tests.environments import environment, interpreter

from .conftest import ROOT

NEEDED = r"(azure-genai-prices|pytest|pytest-asyncio|hypothesis|httpx|jsonschema|packaging|scipy)=="
SECONDS = 900  # so that a hang is reported


def run(version: str, tests: Sequence[str], *, make: bool) -> None:
    """Skips where that Python is not on this machine, and where its environment is not there and
    not to be made."""
    command = [str(_environment(version, make)), "-m", "pytest", "--quiet"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def _environment(version: str, make: bool) -> Path:
    python = interpreter(version)
    if not python:
        pytest.skip(f"Python {version} is not on this machine")
    project = set_up.pyproject()["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["app"], *extras["laptop"], *extras["keyring"]]
    wanted += [line for line in extras["test"] if re.match(NEEDED, line)]
    wanted = [line for line in wanted if not line.startswith("tunedrop[")]
    return environment(f"tests-{version}", *wanted, python=python, make=make)
