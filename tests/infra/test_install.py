"""`pip install .` gives the command and what it needs, and nothing of the laptop."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runner(installed(), tmp_path_factory.mktemp("elsewhere"))


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


def test_the_command_works_elsewhere(run: Run) -> None:
    try_out(run)


def test_the_version_is_the_newest_of_the_changelog() -> None:
    titles = [
        line.split()[1]
        for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert titles[0] == __version__


def test_every_module_of_the_command_has_what_it_imports(run: Run) -> None:
    code = """
import importlib, pkgutil, sys, tunedrop
for module in pkgutil.iter_modules(tunedrop.__path__):
    importlib.import_module(f"tunedrop.{module.name}")
import shared.dataset, shared.doctor, shared.cloud.blobs, shared.cloud.finetuning
print(tunedrop.__file__)
"""
    done = run("python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert str(ROOT / "tunedrop") not in done.stdout
    for name in ("torch", "azure.functions", "local", "tests"):
        assert run("python", "-c", f"import {name}").returncode, name


def test_the_doctor_can_ask_azure(run: Run) -> None:
    """It examines from here: its clients are installed, although nobody answers."""
    nowhere = "http://127.0.0.1:1/devstoreaccount1"
    done = run(
        "tunedrop",
        *("doctor", "--json", "--wait", "0"),
        AZURE_OPENAI_ENDPOINT="http://127.0.0.1:1",
        AZURE_OPENAI_API_KEY="none",
        AZURE_SUBSCRIPTION_ID="none",
        AZURE_RESOURCE_GROUP="none",
        AZURE_OPENAI_ACCOUNT="none",
        AZURE_RESOURCE_MANAGER_ENDPOINT="http://127.0.0.1:1",
        TunedropStorage__blobServiceUri=nowhere,
    )
    assert done.returncode == 1, done.stderr
    assert "not installed here" in done.stdout
    assert "The examination itself failed" not in done.stdout


def test_the_shell_completes_commands(run: Run) -> None:
    words = {"COMP_WORDS": "tunedrop ch", "COMP_CWORD": "1"}
    done = run("tunedrop", _TUNEDROP_COMPLETE="complete_bash", **words)
    assert done.stdout.split() == ["check"]
    shown = run("tunedrop", "--show-completion", "bash", SHELL="/bin/bash")
    assert "_TUNEDROP_COMPLETE" in shown.stdout, shown.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("options", [(), ("--json",), ("--github",), ("--help",)])
def test_a_reader_that_has_seen_enough_is_no_error(options: tuple[str, ...]) -> None:
    """`tunedrop check … | head`; reports of other tools have a traceback there."""
    command = [sys.executable, "-m", "tunedrop", "check", str(EXAMPLE), *options]
    reading, writing = os.pipe()
    with subprocess.Popen(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        os.close(reading)
        assert process.communicate()[1] == b""


def test_the_checkout_is_installed_in_place() -> None:
    """dev.py has installed it: the command is beside this Python."""
    commands = Path(sys.executable).parent
    assert list(commands.glob("tunedrop*"))


def test_tests_run_with_the_code_of_their_own_checkout() -> None:
    """Also where the environment belongs to another one, as between work trees."""
    import shared
    import tunedrop

    for package in (shared, tunedrop):
        assert package.__file__
        assert Path(package.__file__).is_relative_to(ROOT)
    code = "import shared; print(shared.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert Path(done.stdout.strip()).is_relative_to(ROOT)
