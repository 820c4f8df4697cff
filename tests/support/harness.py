"""Fixtures of runs moved by hand. A conftest that wants them imports `backend` and `harness`.

`harness` is in memory unless a test says otherwise, with `on_stack`, `on_both`, or with pairs of a
backend and other arguments.
"""

import uuid
from collections.abc import AsyncIterator

import pytest

from shared.cloud import AzureClients
from shared.settings import Settings
from tests.support.control import StackControl
from tests.support.runs import RunHarness
from tests.support.stack import StackHarness

on_stack = pytest.mark.parametrize("backend", ["stack"], indirect=True)
on_both = pytest.mark.parametrize("backend", ["memory", "stack"], indirect=True)

IN_MEMORY = {
    "AZURE_OPENAI_ENDPOINT": "https://example.openai.azure.com",
    "AZURE_SUBSCRIPTION_ID": "s",
    "AZURE_RESOURCE_GROUP": "g",
    "AZURE_OPENAI_ACCOUNT": "a",
    "TUNEDROP_BACKOFF_SECONDS": "0.05",
}
RUNS = {"TUNEDROP_QUIET_SECONDS": "0.1", "TUNEDROP_SWEEP_SECONDS": "0"}


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> StackHarness | None:
    """The stack, or None for memory."""
    if getattr(request, "param", "memory") == "memory":
        return None
    stack: StackHarness = request.getfixturevalue("stack")
    return stack


@pytest.fixture
async def harness(
    backend: StackHarness | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunHarness]:
    model = f"m{uuid.uuid4().hex[:8]}"
    if backend is None:
        yield RunHarness.in_memory(Settings.load({**IN_MEMORY, **RUNS}), model)
        return
    environ = backend.apart(model, **RUNS)
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    service = StackControl(backend)
    async with AzureClients(Settings.load(environ)) as clients:
        yield RunHarness.on_stack(clients, model, service)
    service.clear(f"{model}-")
