"""Environments for what cannot live beside the project: made once each, kept under .local."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PLACE = Path(__file__).resolve().parents[1] / ".local" / "environments"
MARK = "made-from.txt"
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")  # Pythons, as pyproject.toml has them
OTHERS = [v for v in SUPPORTED if v != f"{sys.version_info.major}.{sys.version_info.minor}"]
SET_UP_SECONDS = 1800  # only so that a hang is reported


def environment(
    name: str,
    *requirements: str,
    made_from: str = "",
    python: str = sys.executable,
    make: bool = True,
) -> Path:
    """The Python of an environment with what `pip install *requirements` gives.

    Made again when the requirements change, or `made_from`, the content of the files that they
    name. The mark is written last. Skips, with pip's own words, where nothing can be installed, and
    where it is not there and not to be made.
    """
    folder = PLACE / name
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark, content = folder / MARK, "\n".join([*requirements, made_from])
    if mark.exists() and mark.read_text(encoding="utf-8") == content:
        return inside
    if not make:
        pytest.skip(f"the environment {name} is made by `dev.py check`, which takes a minute")
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


def node_environment(name: str, lock: Path) -> dict[str, str]:
    """The environment variables by which a CommonJS script finds what `npm ci` gives for the
    package.json and package-lock.json in the folder `lock`; no package's own scripts are run.

    Made again when these change. Skips, with npm's own words, where nothing can be installed.
    """
    folder, npm = PLACE / name, shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js is not here")
    files = [lock / "package.json", lock / "package-lock.json"]
    mark = folder / "made-from.txt"
    content = "\n".join(path.read_text(encoding="utf-8") for path in files)
    found = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
    if mark.exists() and mark.read_text(encoding="utf-8") == content:
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in files:
        shutil.copy(path, folder)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SET_UP_SECONDS,
    )
    if done.returncode:
        pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-300:]}")
    mark.write_text(content, encoding="utf-8")
    return found


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


def engine_python() -> str | None:
    """A Python that Microsoft's engine of Functions runs in, 3.13 or newer; Azure runs 3.13."""
    if sys.version_info >= (3, 13):
        return sys.executable
    return next(filter(None, map(interpreter, ("3.13", "3.14"))), None)


if __name__ == "__main__":
    for version in SUPPORTED:
        print(f"Python {version}: {interpreter(version) or 'not on this machine'}")
    engine = engine_python() or "nothing: it needs Python 3.13 or newer, so its tests are skipped"
    print(f"Microsoft's engine of Functions runs in {engine}")
