"""A whole app to examine: the running stack's storage, host and events, and an emulator of its own
that may be spoilt without harm to the others' tests."""

import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.stack import ACCOUNT, GROUP, SUBSCRIPTION
from shared.doctor import Case, examine
from tests.conftest import Loop
from tests.emulator.harness import Running, answer_once_ready, deploy, running_emulator

ACCOUNT_SCOPE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT}"
)
WAIT_SECONDS = 20.0  # for a canary that is expected to be taken


@dataclass
class Found:
    """What an examination found, without what is well."""

    cases: list[Case]
    ill: dict[str, Case] = field(init=False)
    unseen: set[str] = field(init=False)

    def __post_init__(self) -> None:
        # That the base models near their end is told by the calendar, in a test of its own.
        ill = [c for c in self.cases if c.state in ("warning", "problem")]
        self.ill = {c.id: c for c in ill if (c.id, c.state) != ("base-model", "warning")}
        self.unseen = {c.id for c in self.cases if c.state == "unknown"}


@dataclass
class Patient:
    service: Running
    environ: dict[str, str]
    examine: Callable[..., Awaitable[Found]]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_emulator(tmp_path_factory.mktemp("doctor")) as running:
        with running.arm() as arm, running.v1() as client:
            deploy(arm, "base", "gpt-4.1-nano", "2025-04-14", "GlobalStandard", 50)
            answer_once_ready(client, "base")
        yield running


@pytest.fixture
def patient(loop: Loop, service: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    environ = {
        "PYTHON_ENABLE_INIT_INDEXING": "1",
        "AzureWebJobsStorage": loop.stack.storage,
        "TunedropStorage": loop.stack.storage,
        "AZURE_OPENAI_ENDPOINT": service.url,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": service.url,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_RESOURCE_GROUP": GROUP,
        "AZURE_OPENAI_ACCOUNT": ACCOUNT,
        "IDENTITY_ENDPOINT": f"{service.url}/_emulator/identity",
        "IDENTITY_HEADER": "local",
        "TUNEDROP_APP_KEYS": f"somebody:{hashlib.sha256(b'key').hexdigest()}",
        "TUNEDROP_BASE_DEPLOYMENTS": "base",
    }

    async def examined(
        wait: float = WAIT_SECONDS, ahead: timedelta = timedelta(0), **changes: str | None
    ) -> Found:
        """`changes` to the settings; None takes one away. `ahead`: how wrong our clock is."""
        given = {name: value for name, value in {**environ, **changes}.items() if value is not None}
        for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
            monkeypatch.setenv(name, given[name])
        return Found(await examine(given, wait=wait, now=lambda: datetime.now(UTC) + ahead))

    yield Patient(service, environ, examined)
    service.control("rights", "DELETE")
    service.control("reset", "POST", {"parts": ["faults", "settings"]})


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def node() -> str:
    found = os.environ.get("TUNEDROP_NODE") or shutil.which("node")
    assert found, "Node.js is missing: `python3 dev.py test` installs it."
    return found
