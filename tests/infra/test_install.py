"""`pip install .` gives the command and what it needs, and nothing of the laptop."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tunedrop import __version__
from tunedrop.errors import exit_on_error

from .conftest import ROOT
from .install import EXAMPLE, Run, installed, runner, try_out

VERSION = re.compile(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return runner(installed(), tmp_path_factory.mktemp("elsewhere"))


def test_the_command_works_elsewhere(run: Run) -> None:
    try_out(run)


def test_the_version_is_the_newest_of_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (first, *versions) = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    assert [title for title in versions if not VERSION.fullmatch(title)] == []
    to_be = re.search(r"^To be ([\d.]+),", text, re.MULTILINE)
    newest = VERSION.fullmatch(versions[0]) if versions else to_be
    assert newest
    assert newest[1] == __version__


def test_the_changelog_has_the_usual_groups() -> None:
    """https://keepachangelog.com/en/1.1.0/"""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    usual = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= usual
    for section in text.split("\n## ")[1:]:
        groups = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert len(groups) == len(set(groups))


def test_every_module_of_the_command_has_what_it_imports(run: Run) -> None:
    code = """
import importlib, pkgutil, sys, tunedrop
for module in pkgutil.iter_modules(tunedrop.__path__):
    importlib.import_module(f"tunedrop.{module.name}")
import shared.dataset, shared.doctor, shared.cloud.azure_container, shared.cloud.finetuning
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
    assert "not the app" in done.stdout
    assert "The examination itself failed" not in done.stdout


def test_the_shell_completes_commands(run: Run) -> None:
    words = {"COMP_WORDS": "tunedrop che", "COMP_CWORD": "1"}
    done = run("tunedrop", _TUNEDROP_COMPLETE="complete_bash", **words)
    assert done.stdout.split() == ["check"]
    shown = run(  # which shell it is, is looked for among the parents otherwise
        "tunedrop", "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )
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


def test_a_broken_pipe_is_not_taken_for_a_file_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(BrokenPipeError), exit_on_error():
        raise BrokenPipeError
    assert capsys.readouterr().err == ""
    with pytest.raises(typer.Exit), exit_on_error():
        raise FileNotFoundError(2, "No such file", "x.jsonl")
    assert "x.jsonl does not exist" in capsys.readouterr().err


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
