"""Runs moved by hand, step by step, on the stack's real storage and service."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.cloud import AzureClients
from shared.settings import Settings
from tests.conftest import QUICK, Loop
from tests.support.faults import Faults
from tests.support.runs import RunHarness


@pytest.fixture
def faults(loop: Loop) -> Iterator[Faults]:
    faults = Faults(loop)
    yield faults
    faults.disarm()
    loop.emulator("settings", QUICK, "PATCH")


@pytest.fixture
async def harness(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunHarness]:
    model = f"m{uuid.uuid4().hex[:8]}"
    environ = loop.apart(model, TUNEDROP_QUIET_SECONDS="0.1", TUNEDROP_SWEEP_SECONDS="0")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    async with AzureClients(Settings.load(environ)) as clients:
        yield RunHarness.of(clients, model)
    loop.clear_deployments(f"{model}-")
