"""This checkout installed by pip into an environment of its own, and its command run there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local import set_up
from tests.environments import environment
from tunedrop import __version__

from .conftest import ROOT

Run = Callable[..., "subprocess.CompletedProcess[str]"]
EXAMPLE = ROOT / "examples/captain/training_set.jsonl"


def installed(python: str = sys.executable) -> Path:
    """The folder of commands of an environment into which this checkout is installed.

    Its packages are those of pyproject.toml and are kept; the checkout itself is installed anew.
    """
    listed = set_up.pyproject()
    wanted = [*listed["project"]["dependencies"], *listed["build-system"]["requires"]]
    version = "" if python == sys.executable else f"-{Path(python).name}"
    inside = environment(f"installed{version}", *wanted, python=python)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--force-reinstall"]
    command = [str(inside), "-m", "pip", "install", *options, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return inside.parent


def runner(commands: Path, folder: Path) -> Run:
    """Runs a command of the environment in a folder of its own, as after its activation."""
    bare = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
    bare |= {"PATH": os.pathsep.join([str(commands), os.environ["PATH"]]), "HOME": str(folder)}

    def run(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        program = commands / f"{words[0]}{'.exe' if os.name == 'nt' else ''}"
        return subprocess.run(
            [str(program), *words[1:]],
            cwd=folder,
            env=bare | environ,
            capture_output=True,
            encoding="utf-8",
        )

    return run


def try_out(run: Run) -> None:
    """What everybody does first."""
    shown = run("tunedrop", "--version")
    packaged = run("python", "-c", "import importlib.metadata as m; print(m.version('tunedrop'))")
    assert shown.stdout.split() == ["tunedrop", packaged.stdout.strip()], shown.stderr
    assert packaged.stdout.strip() == __version__
    checked = run("tunedrop", "check", str(EXAMPLE))
    assert checked.returncode == 0, checked.stderr
    assert "accepted" in checked.stdout
    assert run("python", "-m", "pip", "check").returncode == 0
