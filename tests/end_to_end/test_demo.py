"""`dev.py demo` as scripts use it: one JSON object at the end, and trained only once."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.processes import run_module


def demo(state: Path, *more: str) -> CompletedProcess[str]:
    options = ["--json", "--port", "0", "--emulated", "tiny", "--state", str(state)]
    return run_module("local.demo", *options, *more)


def result(done: CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_the_demo_ends_serving_and_trains_once(tmp_path: Path) -> None:
    first = result(demo(tmp_path))
    assert first["stage"] == "serving"
    assert first["trained_now"] is True
    assert first["base_answer"] != first["tuned_answer"]
    assert first["verdict"] in ("win", "tie", "loss")
    assert {"run_id", "chat_url", "console_url", "seconds"} <= set(first)

    second = result(demo(tmp_path))
    assert second["run_id"] == first["run_id"]
    assert second["trained_now"] is False
    assert second["tuned_answer"] == first["tuned_answer"]
    assert not (tmp_path / "stack.json").exists()


def test_an_unknown_example_is_named_with_the_known_ones(tmp_path: Path) -> None:
    done = demo(tmp_path, "--model", "captian")
    assert done.returncode == 1
    assert "captian" in done.stderr
    assert "butler, captain, desks, direct, parrot, signs, tickets" in done.stderr
