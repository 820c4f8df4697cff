"""The whole loop by the command line, on the app as it is shipped: typed into a terminal, and by
pipes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import keyring.core
import pytest
from typer.testing import CliRunner

from tests.support.datasets import dataset
from tests.support.stack import StackHarness
from tests.support.terminal import ROOT, TOOL, terminal
from tunedrop.__main__ import cli

MODEL = "tickets"  # one of those whose conversations are remembered on a laptop


@pytest.fixture
def here(stack: StackHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which the stack runs, of somebody who has signed in to nothing."""
    (tmp_path / ".local").mkdir()
    stack.addresses.write(tmp_path / ".local")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    (tmp_path / MODEL).mkdir()
    (tmp_path / MODEL / "training_set.jsonl").write_bytes(dataset(10, "ticket"))
    return tmp_path


def tool(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def told(*words: str) -> Any:
    return json.loads(tool(*words, "--json"))


def test_from_a_drop_to_the_next_version_and_back(here: Path, stack: StackHarness) -> None:
    first = told("push", MODEL, "--watch")["run"]["id"]
    tool("report", first, "-o", "report.html", "--no-browser")
    assert "<html" in (here / "report.html").read_text(encoding="utf-8")
    assert "serving" in tool("events", first, "--follow")

    talk_in_a_terminal(here, stack.addresses.base_deployment)
    answer = ask_by_a_pipe("What is 44?")
    assert answer["served_by"] == f"{MODEL}@1"
    tool("feedback", MODEL, answer["id"], "--correction", "A ticket, too.")
    assert told("feedback", MODEL)["examples"] == 2

    tool("export", MODEL, "--out", "rated.jsonl")
    (here / "next").mkdir()
    merged = "next/training_set.jsonl"
    tool("merge", f"{MODEL}/training_set.jsonl", "rated.jsonl", "-o", merged)
    tool("push", "next", "--model", MODEL, "--watch")
    assert told("model", MODEL)["model"]["champion"] == 2
    assert f"go back to {MODEL}@1" in tool("model", MODEL)
    tool("rollback", MODEL, "--why", "to try it")
    assert f"{MODEL}@1 is the champion" in tool("model", MODEL)
    tool("delete", MODEL, "--yes", MODEL, "--datasets")


def talk_in_a_terminal(here: Path, base: str) -> None:
    with terminal("chat", MODEL, "--max-tokens", "8", folder=here) as talk:
        talk.until(f"{MODEL}> ")
        talk.type("What is 33?\n")
        talk.until(f"{MODEL}@1 · ")
        talk.until(f"{MODEL}> ")
        talk.type("/fix A ticket.\n")
        talk.until("Corrected; the conversation with tickets goes on with that.")
        talk.type("/save mine.jsonl\n")
        talk.until("Saved as line 1 of mine.jsonl")
        talk.type(f"/compare {base}\n")
        talk.until(f"{MODEL} | {base}> ")
        talk.type("And 5?\n")
        talk.until(f"{MODEL} | {base}> ")
        talk.type("\x04")
        assert talk.ended() == 0
    (line,) = (here / "mine.jsonl").read_text(encoding="utf-8").splitlines()
    said = [message["content"] for message in json.loads(line)["messages"]]
    assert said == ["What is 33?", "A ticket."]


def ask_by_a_pipe(question: str) -> Any:
    """As a script does it: nothing but the object comes out."""
    words = [*TOOL, "chat", MODEL, "--max-tokens", "4", "--json"]
    ours = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, input=question, capture_output=True, text=True, timeout=120, env=ours, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_login_is_typed_unseen_and_serves_other_folders(here: Path, stack: StackHarness) -> None:
    url, key = stack.addresses.app_url, stack.addresses.app_key
    link = tool("open")
    assert link == f"{url}/api/console#key={key}\n"
    made = tool("keys", "create", "seer", "--role", "reader").strip()
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    with terminal("login", url, "--profile", "mine", folder=here) as login:
        login.until(f"Key of {url}: ")
        login.type(f"{made}\n")
        login.until("as seer, role reader")
        assert login.ended() == 0
        assert made not in login.shown
    os.chdir(elsewhere)
    (here / ".local/stack.json").unlink()
    assert "runs" in told("runs", "--limit", "1")
    refused = CliRunner().invoke(cli, ["keys"])
    assert "it needs the role operator" in refused.output
    assert CliRunner().invoke(cli, ["logout"]).exit_code == 0
