"""The fixture of runs moved by hand: in memory, unless a test says otherwise with `on_stack` or
`on_both`. Whoever wants it imports it."""

import uuid
from collections.abc import AsyncIterator

import pytest

from shared.cloud import AzureClients
from shared.settings import Settings
from tests.support.control import StackControl
from tests.support.runs import RunHarness
from tests.support.settings import BY_HAND, IN_MEMORY
from tests.support.stack import StackHarness

on_stack = pytest.mark.parametrize("harness", ["stack"], indirect=True)
on_both = pytest.mark.parametrize("harness", ["memory", "stack"], indirect=True)


@pytest.fixture
async def harness(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunHarness]:
    model = f"m{uuid.uuid4().hex[:8]}"
    if getattr(request, "param", "memory") == "memory":
        yield RunHarness.in_memory(IN_MEMORY, model)
        return
    stack: StackHarness = request.getfixturevalue("stack")
    environ = stack.apart(model, **BY_HAND)
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    service = StackControl(stack)
    async with AzureClients(Settings.load(environ)) as clients:
        yield RunHarness.on_stack(clients, model, service)
    service.clear(f"{model}-")
