"""`tunedrop plan`: what it says of a run.yaml without an app, and with one that says no."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tunedrop import plan as planning
from tunedrop.__main__ import cli

NO_DPO = "base_model: gpt-4o-mini-2024-07-18\nmethod: dpo\n"


def plan(*words: object) -> Any:
    """The result of Typer's runner: output and exit code."""
    return CliRunner().invoke(cli, ["plan", *map(str, words)])


def folder(where: Path, run_yaml: str) -> Path:
    (where / "run.yaml").write_text(run_yaml)
    return where


def test_a_no_is_exit_code_1(tmp_path: Path) -> None:
    said = plan(folder(tmp_path, NO_DPO), "--offline")
    assert said.exit_code == 1
    (line,) = [line for line in said.output.splitlines() if "method" in line and "no" in line[:8]]
    assert "By the table of" in line
    assert "Choose as method: supervised." in said.output


def test_what_is_not_known_is_no_no(tmp_path: Path) -> None:
    """A folder without a run.yaml asks for the app's defaults."""
    said = plan(tmp_path, "--offline")
    assert said.exit_code == 0, said.output
    assert "no account was asked (--offline)" in said.output


def test_the_region_is_an_option_of_an_offline_plan(tmp_path: Path) -> None:
    asked = folder(tmp_path, "training_type: standard")
    said = plan(asked, "--offline", "--region", "West Europe", "--json")
    assert said.exit_code == 1
    found = json.loads(said.output)
    assert found["region"] == "westeurope"
    assert [a["id"] for a in found["answers"] if a["says"] == "no"] == ["region"]


@pytest.mark.parametrize("run_yaml", ["deployment: {sku: Standrad}", "[]", "x: &a 1"])
def test_a_run_yaml_that_is_none_is_exit_code_2(tmp_path: Path, run_yaml: str) -> None:
    said = plan(folder(tmp_path, run_yaml), "--offline")
    assert said.exit_code == 2
    assert "tunedrop: " in said.output


def test_a_file_may_be_named_itself_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    folder(tmp_path, NO_DPO)
    assert plan(tmp_path / "run.yaml", "--offline").exit_code == 1
    assert plan(tmp_path / "gone", "--offline").exit_code == 2


def test_a_promptfoo_file_beside_a_run_yaml_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "promptfooconfig.yaml").write_text("tests: []\n")
    (tmp_path / "run.yaml").write_text("gate: off\n")
    files = {f"m/{name}": tmp_path / name for name in ("promptfooconfig.yaml", "run.yaml")}
    assert planning.run_yaml_among(files) == b"gate: off\n"
    del files["m/run.yaml"]
    assert planning.run_yaml_among(files) == b""


def test_a_folders_validation_set_is_counted(tmp_path: Path) -> None:
    assert planning.held_out(tmp_path / "run.yaml") is None
    assert planning.held_out(tmp_path) == (0, 0)
    (tmp_path / "validation_set.jsonl").write_bytes(b"{}\n\n{ }\n")
    assert planning.held_out(tmp_path) == (2, 5)
