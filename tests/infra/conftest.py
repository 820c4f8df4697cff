"""What the tests of infra/ and of the package share."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"


def load(name: str) -> Any:
    """One of the data files in infra/."""
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


def functions() -> dict[str, Any]:
    """The app's functions by name, each with its trigger.

    Not through get_functions(): it may be called once in a process, and others call it too.
    """
    from function_app import app

    built = (builder._function for builder in app._function_builders)
    return {str(f.get_function_name()): f.get_trigger() for f in built}


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exactly the files that a deployment ships."""
    from .package import pack, unpack

    folder = tmp_path_factory.mktemp("shipped")
    archive = folder / "app.zip"
    pack(ROOT, archive)
    return unpack(archive, folder / "app")
