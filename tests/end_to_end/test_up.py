"""`dev.py up` as people keep it running: it notices a part that dies, and starts again."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from azure.storage.blob import BlobServiceClient

from local import stack, supervised
from local.errors import StackError
from local.known import Stack
from local.processes import Pid
from tests.processes import ROOT
from tests.support import stack as support
from tests.support.stack import wait_for


class Up:
    said: str | None = None  # on its way out

    def __init__(self, state: Path, umask: int = -1) -> None:
        self.state, self.told = state, state.with_name(f"{state.name}.told")
        options = ["--port", "0", "--model", "tiny", "--state", str(state)]
        with self.told.open("wb") as told:
            self.process = supervised.start(
                supervised.module("local.up", *options),
                cwd=ROOT,
                stdout=told,
                stderr=subprocess.PIPE,
                umask=umask,
            )

    def stack(self) -> dict[str, Any] | None:
        """What it tells of itself once all of its parts run."""
        assert self.process.poll() is None, self.stop()
        if "the stack is up" not in self.told.read_text(encoding="utf-8"):
            return None
        return dict(json.loads((self.state / "stack.json").read_text(encoding="utf-8")))

    def stop(self) -> str:
        """What it said on its way out."""
        if self.process.poll() is None:
            self.process.terminate()
        if self.said is None:
            self.said = self.process.communicate()[1].decode()
        return self.said


@pytest.fixture
def ups(tmp_path: Path) -> Iterator[list[Up]]:
    started: list[Up] = []
    yield started
    for up in started:
        up.stop()


def test_a_part_that_dies_is_named_and_the_same_command_goes_on(
    ups: list[Up], tmp_path: Path
) -> None:
    state = tmp_path / "spaces and ünïcode 漢"
    ups.append(Up(state))
    known = wait_for(ups[0].stack)
    stuck(known["openai_url"])
    psutil.Process(known["pids"]["functions"]["pid"]).kill()
    assert ups[0].process.wait() == 1
    said = ups[0].stop()
    assert "The part 'functions' has ended" in said
    assert str(state / "logs/functions.log") in said
    assert not (state / "stack.json").exists()
    assert not any(psutil.pid_exists(pid["pid"]) for pid in known["pids"].values())

    ups.append(Up(state))
    assert wait_for(ups[1].stack)
    assert (state / "logs/functions.before.log").exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such rights")
def test_what_a_stack_keeps_is_for_its_user_only(ups: list[Up], tmp_path: Path) -> None:
    """With a umask that hides nothing, in a folder that was there and open to everybody."""
    state = tmp_path / "state"
    for folder in (state, state / "logs"):
        folder.mkdir()
        folder.chmod(0o777)
    (state / "app-key").write_text("td-of-before", encoding="utf-8")
    (state / "app-key").chmod(0o666)
    ups.append(Up(state, umask=0))
    known = wait_for(ups[0].stack)
    assert known["app_key"] == "td-of-before"
    with storage_of(known) as blobs:
        blobs.get_blob_client("datasets", "nothing.txt").upload_blob(b"")
    wait_for(lambda: (state / "events.json").exists())
    found = [state, *state.rglob("*")]
    assert {"app-key", "stack.json", "events.json", "functions.log", "emulator.sqlite3"} <= {
        path.name for path in found
    }
    open_ones = [
        f"{path.relative_to(state)} {path.stat().st_mode:o}"
        for path in found
        if path.stat().st_mode & 0o077
    ]
    assert open_ones == []


def storage_of(known: dict[str, Any]) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(known["storage"])


def test_without_a_port_the_usual_one_is_tried_and_then_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody else listens on this one, as somebody may on 7071."""
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        usual = taken.getsockname()[1]
        monkeypatch.setattr(stack, "HOST_PORT", usual)
        assert stack.chosen_port(None, said.append) != usual
        assert str(usual) in said[0]
        with pytest.raises(StackError, match=f"Port {usual} is in use"):
            stack.chosen_port(usual, said.append)
    assert stack.chosen_port(None, said.append) == usual
    assert len(said) == 1


def test_a_part_that_dies_while_it_starts_is_reported_at_once_with_its_words(
    tmp_path: Path,
) -> None:
    """Storage, whose own list of blobs is cut off."""
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage/__azurite_db_blob__.json").write_text('{"a": ', encoding="utf-8")
    told = r"The part 'storage' stopped while it was starting.*JSON"
    with pytest.raises(StackError, match=told), stack.running(tmp_path, port=0, model="tiny"):
        pass


def stuck(emulator: str) -> None:
    """A deployment that is being made for ever holds up every other write to the account."""
    for path, body in (
        ("faults", {"fault": "provisioning-stuck", "operation": "deployments.put"}),
        ("settings", {"creating_seconds": 1e6}),
    ):
        request = urllib.request.Request(
            f"{emulator}/_emulator/{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
            method="POST" if path == "faults" else "PATCH",
        )
        urllib.request.urlopen(request, timeout=30).close()
    # … and somebody asks for one
    token_url = f"{emulator}/_emulator/identity?resource=https://management.azure.com"
    identity = urllib.request.Request(
        f"{token_url}&api-version=2019-08-01", headers={"X-IDENTITY-HEADER": "local"}
    )
    with urllib.request.urlopen(identity, timeout=30) as answer:
        token = json.load(answer)["access_token"]
    account = (
        "subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/laptop/providers"
        "/Microsoft.CognitiveServices/accounts/emulator"
    )
    model = {"format": "OpenAI", "name": "gpt-4.1-nano", "version": "2025-04-14"}
    put = urllib.request.Request(
        f"{emulator}/{account}/deployments/stuck?api-version=2025-09-01",
        json.dumps(
            {"sku": {"name": "GlobalStandard", "capacity": 1}, "properties": {"model": model}}
        ).encode(),
        {"authorization": f"Bearer {token}", "content-type": "application/json"},
        method="PUT",
    )
    wait_for(lambda: _accepted(put))


def _accepted(put: urllib.request.Request) -> bool:
    """False while another write on the account is under way: the base model's deployment."""
    try:
        urllib.request.urlopen(put, timeout=30).close()
    except urllib.error.HTTPError as error:
        assert error.code == 409
        return False
    return True


def test_waiting_ends_when_a_part_of_the_stack_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not when some number of seconds is over."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    pid = Pid.of(gone.pid)
    gone.wait()
    half = Stack("", "", "", "", "", "", "", Pid.of(os.getpid()), pids={"openai": pid})
    monkeypatch.setattr(support, "STACKS", [half])
    with pytest.raises(AssertionError, match="openai"):
        wait_for(lambda: None)
