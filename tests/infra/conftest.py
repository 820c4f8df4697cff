"""Environments of their own for tools and for what ships: made once, kept under .local."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
SET_UP_SECONDS = 400


def load(name: str) -> Any:
    """One of the data files in infra/."""
    return json.loads((INFRA / name).read_text(encoding="utf-8"))


def environment(name: str, made_from: str, *arguments: str, python: str = sys.executable) -> Path:
    """The Python of an environment with what `pip install *arguments` gives; the mark is last."""
    folder = ROOT / ".local" / "tools" / name
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / "made-from.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == made_from:
        return inside
    if python == sys.executable:
        venv.create(folder, with_pip=True, clear=True)
    else:
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True, timeout=120)
    done = subprocess.run(
        [str(inside), "-m", "pip", "install", "--quiet", "--retries", "1", *arguments],
        capture_output=True,
        text=True,
        timeout=SET_UP_SECONDS,
    )
    if done.returncode:
        pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-300:]}")
    mark.write_text(made_from, encoding="utf-8")
    return inside


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
