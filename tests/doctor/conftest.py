"""A whole app to check: the running stack's storage, host and events, and an emulator of its own,
in which a test may break things without harm to the others."""

import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.stack import ACCOUNT, GROUP, SUBSCRIPTION
from shared.doctor import CheckResult, run_checks
from tests.emulator.harness import Running, answer_once_ready, deploy, running_emulator
from tests.support.stack import StackHarness

ACCOUNT_SCOPE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    f"/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT}"
)
WAIT_SECONDS = 20.0  # for a canary that is expected to be taken


@dataclass
class Results:
    """`failed` are the warnings and problems by id, `unknown` the ids of what was not checked."""

    all: list[CheckResult]
    failed: dict[str, CheckResult] = field(init=False)
    unknown: set[str] = field(init=False)

    def __post_init__(self) -> None:
        failed = [r for r in self.all if r.state in ("warning", "problem")]
        # When the base model's end is near depends on the calendar and has a test of its own.
        self.failed = {r.id: r for r in failed if (r.id, r.state) != ("base-model", "warning")}
        self.unknown = {r.id for r in self.all if r.state == "unknown"}


@dataclass
class CheckedApp:
    service: Running
    environ: dict[str, str]
    check: Callable[..., Awaitable[Results]]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_emulator(tmp_path_factory.mktemp("doctor")) as running:
        with running.arm() as arm, running.v1() as client:
            deploy(arm, "base", "gpt-4.1-nano", "2025-04-14", "GlobalStandard", 50)
            answer_once_ready(client, "base")
        yield running


@pytest.fixture
def app(
    stack: StackHarness, service: Running, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CheckedApp]:
    environ = {
        "PYTHON_ENABLE_INIT_INDEXING": "1",
        "AzureWebJobsStorage": stack.addresses.storage,
        "TunedropStorage": stack.addresses.storage,
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

    async def check(
        wait: float = WAIT_SECONDS, ahead: timedelta = timedelta(0), **changes: str | None
    ) -> Results:
        """`changes` to the settings; None takes one away. `ahead`: how wrong our clock is."""
        given = {name: value for name, value in {**environ, **changes}.items() if value is not None}
        for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
            monkeypatch.setenv(name, given[name])
        clock = lambda: datetime.now(UTC) + ahead  # noqa: E731
        return Results(await run_checks(given, canary_seconds=wait, now=clock))

    yield CheckedApp(service, environ, check)
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
