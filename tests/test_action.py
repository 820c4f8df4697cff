"""The GitHub Action, as a runner runs its steps: with a shell, and inputs in the environment."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dataset.builders import good

ROOT = Path(__file__).resolve().parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
BASH = shutil.which("bash")
COMMANDS = Path(sys.executable).parent
EXPRESSION = re.compile(r"\$\{\{ *inputs\.([\w-]+) *\}\}")

pytestmark = pytest.mark.skipif(
    not BASH or not (COMMANDS / "tunedrop").exists(), reason="no bash, or tunedrop not installed"
)


@dataclass(frozen=True)
class Done:
    code: int
    log: str
    outputs: dict[str, str]


def run(step: dict[str, Any], folder: Path, environ: dict[str, str]) -> Done:
    """As GitHub does it: https://docs.github.com/actions/reference/workflow-syntax, `shell`."""
    output, summary = folder / ".output", folder / ".summary"
    output.touch()
    command = [BASH or "", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    known = {
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(folder / ".temp"),
        "PYTHONPATH": str(ROOT),  # this checkout's command, and not that of the environment's
    }
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **known, **environ}, capture_output=True, text=True
    )
    pairs = [line.partition("=") for line in output.read_text(encoding="utf-8").splitlines()]
    outputs = {name: value for name, _, value in pairs}
    return Done(done.returncode, done.stdout + done.stderr, outputs)


def check(folder: Path, **given: str) -> Done:
    """The step that checks, with the action's defaults for inputs that are not given."""
    inputs = {name: about.get("default", "") for name, about in ACTION["inputs"].items()}
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    (step,) = (step for step in STEPS if step.get("id") == "check")
    environ = {
        name: EXPRESSION.sub(lambda found: inputs[found[1]], text)
        for name, text in step["env"].items()
    }
    return run(step, folder, {**environ, "COMMANDS": str(COMMANDS)})


def drop(folder: Path, content: bytes, run_yaml: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "training_set.jsonl").write_bytes(content)
    if run_yaml:
        (folder / "run.yaml").write_text(run_yaml, encoding="utf-8")


def test_good_datasets_pass_and_notices_stand_beside_them(tmp_path: Path) -> None:
    drop(tmp_path / "captain", good(12) + good(1))  # one line twice
    done = check(tmp_path, datasets="captain", options="--epochs\n2")
    assert (done.code, done.outputs["verdict"]) == (0, "accepted")
    assert "::notice file=captain/training_set.jsonl,title=few-examples::" in done.log
    assert "::warning file=captain/training_set.jsonl,line=13" in done.log
    assert "accepted (1 checked)" in (tmp_path / ".summary").read_text(encoding="utf-8")


def test_warnings_are_refused_where_that_is_asked_for(tmp_path: Path) -> None:
    drop(tmp_path / "captain", good(12) + good(1))
    done = check(tmp_path, datasets="captain", fail_on="warning")
    assert (done.code, done.outputs["verdict"]) == (1, "rejected")


def test_a_bad_line_fails_the_check_and_is_annotated_and_all_others_are_checked(
    tmp_path: Path,
) -> None:
    """Names with blanks, found by a pattern; one that looks like an option is a name."""
    drop(tmp_path / "data sets/a", good(12) + b'{"messages": [}\n')
    drop(tmp_path / "data sets/b", good(12))
    drop(tmp_path / "--help", good(9))
    done = check(tmp_path, datasets="\n  data sets/*  \n\n--help")
    assert (done.code, done.outputs["verdict"]) == (1, "rejected")
    assert "::error file=data sets/a/training_set.jsonl,line=13,title=not-json::" in done.log
    assert "file=data sets/b/training_set.jsonl" in done.log
    assert "::error file=--help/training_set.jsonl,title=too-few-examples::" in done.log


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"datasets": "captain\nnothing*"}, "nothing* matches nothing"),
        ({"datasets": "gone"}, "gone does not exist"),
        ({"datasets": "  \n"}, "there is nothing to check"),
        ({"datasets": "none*", "fail_on": "warnings"}, "fail-on is 'warnings'"),
        ({"datasets": "captain", "options": "--metod\ndpo"}, "--metod"),
    ],
)
def test_a_check_of_nothing_or_with_a_wrong_call_does_not_pass(
    given: dict[str, str], said: str, tmp_path: Path
) -> None:
    """A gate that a misspelt path opens is none."""
    drop(tmp_path / "captain", good(12))
    done = check(tmp_path, **given)
    assert (done.code, done.outputs["verdict"]) == (2, "not checked")
    assert any(
        said in line for line in done.log.splitlines() if line.startswith("::error title=")
    ), done.log


def test_what_stands_in_no_line_is_annotated_too(tmp_path: Path) -> None:
    drop(tmp_path / "captain", good(12), run_yaml="base_modle: gpt-4.1-2025-04-14\n")
    done = check(tmp_path, datasets="captain")
    assert (done.code, done.outputs["verdict"]) == (1, "rejected")
    assert re.search("::error title=tunedrop check::captain: .*base_modle", done.log)


def test_inputs_are_never_code(tmp_path: Path) -> None:
    hostile = '"; touch owned; echo "$(touch owned)`touch owned`'
    done = check(tmp_path, datasets=hostile, options=hostile)
    assert done.code == 2
    assert not (tmp_path / "owned").exists()
    assert [step for step in STEPS if "${{" in step.get("run", "")] == []


def test_no_name_is_a_command_to_the_runner(tmp_path: Path) -> None:
    """A folder's name comes with a pull request, and may have any character."""
    hostile = "a\n::stop-commands::pause\n::error title=forged::no"
    (tmp_path / "sets" / hostile).mkdir(parents=True)
    done = check(tmp_path, datasets="sets/*")
    assert done.code != 0
    commands = [line for line in done.log.splitlines() if line.strip().startswith("::")]
    kinds = {line.strip()[2:].partition("::")[0].partition(" ")[0] for line in commands}
    assert kinds == {"group", "endgroup", "error"}


def test_it_installs_itself_and_tells_where(tmp_path: Path) -> None:
    """With a Python that only says what it was asked for; that pip can do it is shown elsewhere."""
    (step,) = (step for step in STEPS if step.get("id") == "install")
    asked, bin_folder = tmp_path / "asked", tmp_path / ".temp/tunedrop-check/bin"
    python = tmp_path / "bin/python"
    for program in (python, bin_folder / "python"):
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{asked}"\n', encoding="utf-8")
        program.chmod(0o700)
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    done = run(step, tmp_path, {"PATH": path})
    assert done.code == 0, done.log
    made, installed = asked.read_text(encoding="utf-8").splitlines()
    assert made == f"-m venv {tmp_path}/.temp/tunedrop-check"
    assert installed.endswith(str(ROOT))
    assert done.outputs["commands"] == str(bin_folder)


def test_what_it_uses_of_others_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", use) for use in used)


def test_every_input_says_what_it_is_for_and_is_used() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, about in ACTION["inputs"].items():
        assert about["description"]
        assert f"inputs.{name} }}}}" in text
