"""The stack with Azure Functions Core Tools in the local host's place, and without the stack."""

import json
import os
import shutil
import sys
from pathlib import Path

import psutil
import pytest

from local import core_tools
from local.errors import StackError
from local.provision import app_settings
from local.stack import running
from tests.processes import ROOT
from tests.support.loop import drop_to_chat, streams
from tests.support.stack import running_stack

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script of a POSIX shell")
FUNC = shutil.which("func")
HERE = ROOT / "local.settings.json"


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only `func` on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "func"
    script.write_text('#!/bin/sh\nexec python -m tests.support.standin_func "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return script


@posix
@pytest.mark.skipif(HERE.exists(), reason="this checkout has a local.settings.json of its own")
def test_the_stack_starts_func_and_ends_it(standin: Path, tmp_path: Path) -> None:
    """With a script in its place: how `func` is started is what this shows."""
    with running_stack(tmp_path / "state", func=True) as stack:
        assert stack.addresses.core_tools == str(standin)
        assert stack.addresses.function_key == ""
        written = json.loads(HERE.read_text(encoding="utf-8"))["Values"]
        assert set(written) == {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
        assert HERE.stat().st_mode & 0o077 == 0
        drop_to_chat(stack, "crow")
        streams(stack)
        host = psutil.Process(stack.addresses.pids["functions"].pid)
        family = [host, *host.children(recursive=True)]
        assert len(family) > 1
        with pytest.raises(StackError, match="runs here with --func"), running(tmp_path / "state"):
            pass
    assert not psutil.wait_procs(family, timeout=60)[1]
    assert not HERE.exists()


@pytest.mark.contract("blob-event", "blob-event-handshake", "blob-sdk-type", "streams")
@pytest.mark.contract("keys-of-core-tools", "timer-schedule", "route-parameters")
@pytest.mark.skipif(not FUNC, reason="Azure Functions Core Tools (func) is not on the PATH")
def test_a_dropped_dataset_becomes_a_model_that_chats_under_core_tools(tmp_path: Path) -> None:
    with running_stack(tmp_path / "state", func=True) as stack:
        drop_to_chat(stack, "heron")
        streams(stack)


def test_without_func_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(StackError, match="azure-functions-core-tools@4"),
        running(tmp_path / "state", func=True),
    ):
        pass
    assert not (tmp_path / "state").exists(), "nothing is started first"


def test_a_settings_file_of_the_user_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    environ = {"FUNCTIONS_WORKER_RUNTIME": "python", "AZURE_OPENAI_API_KEY": "secret"}
    with core_tools.settings_file(path, environ):
        assert json.loads(path.read_text())["Values"] == {"FUNCTIONS_WORKER_RUNTIME": "python"}
        path.write_text("{}")  # by an editor, meanwhile
    assert path.read_text() == "{}"
    with core_tools.settings_file(path, environ):
        assert path.read_text() == "{}"
    assert path.read_text() == "{}"
    path.unlink()
    with core_tools.settings_file(path, environ):
        assert path.exists()
    assert not path.exists()


def test_the_app_is_run_by_the_python_that_has_its_packages() -> None:
    """`func` takes the first python3 of the PATH, and the worker for its version."""
    made = core_tools.environment({"PATH": "/usr/bin", "TUNEDROP_TICK": "x"})
    assert made["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
    assert made["TUNEDROP_TICK"] == "x"


def test_the_stack_hears_of_drops_by_events_whatever_the_users_file_says() -> None:
    """Its settings go before those of a local.settings.json, which may be the sample's."""
    assert app_settings("", "", "key", "")["TUNEDROP_BLOB_SOURCE"] == "EventGrid"
