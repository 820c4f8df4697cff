"""`tunedrop push`, `runs`, `watch` and the commands, against the app as it is shipped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.run.ids import short
from tests.support.datasets import dataset
from tests.support.stack import StackHarness, wait_for
from tunedrop.__main__ import cli

Tool = Callable[..., Any]  # the result of Typer's runner: output and exit code


@pytest.fixture
def tool(stack: StackHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    """The command, called where a stack runs: what it says of itself lies in the folder."""
    (tmp_path / ".local").mkdir()
    stack.addresses.write(tmp_path / ".local")
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


def folder(where: Path, model: str, training: bytes, run_yaml: str = "") -> Path:
    path = where / model
    path.mkdir()
    (path / "training_set.jsonl").write_bytes(training)
    (path / "notes.txt").write_text("not for the app")
    if run_yaml:
        (path / "run.yaml").write_text(run_yaml)
    return path


def test_a_folder_is_dropped_and_watched_until_it_serves(tool: Tool, tmp_path: Path) -> None:
    mine = folder(tmp_path, "tool-serves", dataset(10, "tool"), "hyperparameters: {n_epochs: 2}")
    planned = tool("plan", mine)
    assert planned.exit_code == 0, planned.output
    assert "The account offers gpt-4.1-nano" in planned.output
    first = tool("push", mine)
    assert first.exit_code == 0, first.output
    assert "dropped tool-serves/training_set.jsonl" in first.output
    assert "notes.txt" not in first.output
    (run_id,) = [line[4:] for line in first.output.splitlines() if line.startswith("run ")]
    assert "goes on by itself" in first.output
    assert f"tunedrop watch {run_id}`" in first.output

    watched = tool("watch", run_id)
    assert watched.exit_code == 0
    assert "tool-serves@1 serves" in watched.output
    assert f"tunedrop report {run_id}" in watched.output

    (line,) = tool("runs", "--model", "tool-serves").output.splitlines()
    assert line.split()[:2] == [short(run_id), "serving"]
    assert tool("watch", short(run_id)).exit_code == 0

    again = tool("push", mine, "--watch")
    assert again.exit_code == 0
    assert "dropped before" in again.output
    printed = json.loads(tool("push", mine, "--json").stdout)
    assert printed["dropped"][-1] == "tool-serves/training_set.jsonl"
    assert (printed["known"], printed["run"]["id"]) == (True, run_id)
    assert json.loads(tool("watch", run_id, "--json").stdout)["stage"] == "serving"


def test_a_champion_is_trained_again_on_another_base_for_a_price_that_is_told_first(
    tool: Tool, stack: StackHarness, tmp_path: Path
) -> None:
    mine, base = folder(tmp_path, "tool-again", dataset(10, "again")), "gpt-4.1-mini-2025-04-14"
    assert tool("push", mine, "--watch").exit_code == 0
    asked = tool("retrain", "tool-again", "--base", base)
    assert asked.exit_code == 2
    assert f"to train {base}" in asked.output
    assert "nobody is there: nothing was done. Give --yes" in asked.output
    assert len(stack.get("runs?model=tool-again")["runs"]) == 1, "nobody has said yes"
    again = tool("retrain", "tool-again", "--base", base, "--yes")
    assert again.exit_code == 0, again.output
    (run_id,) = [line[4:] for line in again.output.splitlines() if line.startswith("run ")]
    watched = tool("watch", run_id)
    assert "tool-again@2 serves" in watched.output
    assert " billed; " in watched.output
    assert f"tool-again@2  {base}  trained until 2027-04-14" in tool("models").output


def test_a_bad_dataset_is_told_with_its_report(tool: Tool, tmp_path: Path) -> None:
    done = tool("push", folder(tmp_path, "tool-bad", dataset(9)))
    assert done.exit_code == 1
    assert "too-few-examples" in done.output
    assert "    tool-bad/training_set.jsonl: The file has 9 examples" in done.output
    assert "tunedrop report tool-bad-" in done.output


def test_what_lies_there_already_is_told_with_what_is_wrong_with_it(
    tool: Tool, tmp_path: Path
) -> None:
    mine = folder(tmp_path, "tool-yaml", dataset(10), "base_modl: x")
    assert "did you mean base_model" in tool("push", mine).output
    (mine / "run.yaml").unlink()
    again = tool("push", mine)
    assert again.exit_code == 2
    assert "with tool-yaml/run.yaml, which was there already" in again.output
    assert "did you mean base_model" in again.output
    listed = tool("runs", "--model", "tool-yaml").output
    assert "not taken" in listed
    assert listed.count("did you mean base_model") == 1


def test_commands_are_given_with_who_and_why(
    tool: Tool, stack: StackHarness, tmp_path: Path
) -> None:
    mine = folder(tmp_path, "tool-commands", dataset(10, "orders"), "start: manual")
    pushed = tool("push", mine)
    (run_id,) = [line[4:] for line in pushed.output.splitlines() if line.startswith("run ")]
    assert f"tunedrop start {run_id}`" in pushed.output

    refused = tool("pause", run_id)
    assert refused.exit_code == 2
    assert "It takes: start, cancel, deploy." in refused.output

    by = ("--who", "Ada", "--key", stack.addresses.function_key)
    assert tool("cancel", run_id, "--why", "only a try", *by).exit_code == 0
    run = wait_for(
        lambda: stack.get(f"runs/{run_id}") if stack.ended_run("tool-commands") else None
    )
    assert run["stage"] == "cancelled"
    assert "Ada (with the app's key)" in run["failure"]["message"]  # a key of the host has no name
    assert "only a try" in run["failure"]["message"]
    ended = tool("watch", run_id)
    assert ended.exit_code == 1
    assert "The run ended cancelled" in ended.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("watch", "nobody"), "There is no run 'nobody'"),
        (("watch", "../models"), "is no name of a model, a run or a key"),
        (("runs", "--stage", "served"), "'served' is not a stage"),
        (("runs", "--model", "nobody"), "no such run"),
        (("runs", "--app", "http://127.0.0.1:1"), "could not be reached"),
        (("runs", "--app", "captain"), "is no web address"),
        (("push", "missing.jsonl"), "missing.jsonl does not exist"),
        (("push", ".local"), "holds no training"),
        (("push", "training.jsonl"), "With --model NAME"),
        (("push", "training.jsonl", "--model", "A b"), "'A b' cannot be the name"),
        (("push", "validation.jsonl", "--model", "x"), "a drop has one training file"),
        (("push", "captain.jsonl", "--storage", "garbage"), "neither https://"),
        (("push", "captain.jsonl", "--container", "nowhere"), "container does not exist"),
        (("push", "captain.jsonl", "--app", "https://captain"), "Give --storage"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    tool: Tool, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    for name in ("captain", "training", "validation"):
        (tmp_path / f"{name}.jsonl").write_bytes(dataset(10))
    done = tool(*words)
    assert says in done.output
    assert done.exit_code == {"no such run": 0, "could not be reached": 3}.get(says, 2)
    assert not done.exception or isinstance(done.exception, SystemExit)


def test_without_a_stack_the_cure_is_told(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / ".local/stack.json").unlink()
    done = tool("runs")
    assert done.exit_code == 2
    assert "dev.py up" in done.output
