"""`dev.py up` as people keep it running: it notices a part that dies, and starts again."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import wait_for

ROOT = Path(__file__).resolve().parents[2]


class Up:
    def __init__(self, state: Path) -> None:
        self.state = state
        command = [sys.executable, "-m", "local.up", "--model", "tiny", "--state", str(state)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def stack(self) -> dict[str, Any] | None:
        """What it tells of itself once all of its parts run."""
        assert self.process.poll() is None, self.process.communicate()[1]
        try:
            known = json.loads((self.state / "stack.json").read_text())
        except (OSError, ValueError):
            return None
        return dict(known) if "events" in known["pids"] else None

    def stop(self) -> str:
        """What it said on its way out."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.communicate(timeout=60)[1]


@pytest.fixture
def ups(tmp_path: Path) -> Iterator[list[Up]]:
    started: list[Up] = []
    yield started
    for up in started:
        up.stop()


def test_a_part_that_dies_is_named_and_the_same_command_goes_on(
    ups: list[Up], tmp_path: Path
) -> None:
    ups.append(Up(tmp_path))
    known = wait_for(ups[0].stack)
    stuck(known["openai_url"])
    psutil.Process(known["pids"]["functions"]["pid"]).kill()
    assert ups[0].process.wait(60) == 1
    said = ups[0].stop()
    assert "The part 'functions' has ended" in said
    assert "functions.log" in said
    assert not (tmp_path / "stack.json").exists()
    assert not any(psutil.pid_exists(pid["pid"]) for pid in known["pids"].values())

    ups.append(Up(tmp_path))
    assert wait_for(ups[1].stack)
    assert (tmp_path / "logs/functions.before.log").exists()


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
    urllib.request.urlopen(put, timeout=30).close()
