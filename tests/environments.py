"""Environments for what cannot live beside the project: made once each, kept under .local."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[1] / ".local" / "environments"
SET_UP_SECONDS = 1800  # only so that a hang is reported


def environment(
    name: str, *requirements: str, made_from: str = "", python: str = sys.executable
) -> Path:
    """The Python of an environment with what `pip install *requirements` gives.

    Made again when the requirements change, or `made_from`, the content of the files that they
    name. The mark is written last. Skips, with pip's own words, where nothing can be installed.
    """
    folder = PLACE / name
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark, content = folder / "made-from.txt", "\n".join([*requirements, made_from])
    if mark.exists() and mark.read_text(encoding="utf-8") == content:
        return inside
    if python == sys.executable:
        venv.create(folder, with_pip=True, clear=True)
    else:
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    quiet = ["--quiet", "--disable-pip-version-check", "--retries", "1"]
    done = subprocess.run(
        [str(inside), "-m", "pip", "install", *quiet, *requirements],
        capture_output=True,
        text=True,
        timeout=SET_UP_SECONDS,
    )
    if done.returncode:
        pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-300:]}")
    mark.write_text(content, encoding="utf-8")
    return inside


def interpreter(version: str) -> str | None:
    """The command of another Python on this machine: on the PATH, or installed by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in [
        f"python{version}",
        *map(str, sorted(pyenv.glob(f"{version}.*/bin/python{version}"))),
    ]:
        try:
            subprocess.run([name, "-c", "import venv"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return name
    return None
