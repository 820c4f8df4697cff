"""The fast tests, on each of the other Pythons of this machine that the app supports."""

import re
import subprocess
from pathlib import Path

import pytest

from local import set_up
from tests.environments import OTHERS, environment, interpreter

from ..conftest import ROOT

# In memory, and none takes seconds: datasets, models, the catalog, settings, the pipeline's rules.
FAST = ("tests/catalog", "tests/dataset", "tests/model", "tests/month", "tests/simulation")
# What they import of the extra `test`.
NEEDED = r"(pytest|pytest-asyncio|hypothesis|httpx|jsonschema|packaging|scipy)\b"
SECONDS = 900  # so that a hang is reported


def fast_environment(version: str) -> Path:
    """Skips where that Python is not on this machine."""
    python = interpreter(version)
    if not python:
        pytest.skip(f"Python {version} is not on this machine")
    project = set_up.pyproject()["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["app"], *extras["laptop"], *extras["keyring"]]
    wanted += [line for line in extras["test"] if re.match(NEEDED + "(?!-)", line)]
    wanted = [line for line in wanted if not line.startswith("tunedrop[")]
    return environment(f"tests-{version}", *wanted, python=python)


@pytest.mark.parametrize("version", OTHERS)
def test_they_pass(version: str) -> None:
    command = [str(fast_environment(version)), "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *FAST], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
