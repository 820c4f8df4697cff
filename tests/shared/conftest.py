"""Both sides of each contract: in memory, and at Azurite or the emulator of the stack."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from azure.storage.blob.aio import ContainerClient

from shared.cloud import AzureClients
from shared.cloud.azure_container import AzureContainer
from shared.cloud.container import Container
from shared.cloud.memory_container import MemoryContainer
from shared.settings import Settings
from tests.support.clock import Clock
from tests.support.contract import Service
from tests.support.control import StackControl
from tests.support.service import MemoryDeployments, MemoryFineTuning
from tests.support.service_state import MemoryService
from tests.support.stack import StackHarness

AT = datetime(2026, 11, 2, 12, 0, 0, 900_000, UTC)  # of the container in memory


@pytest.fixture(scope="session")
def azurite(stack: StackHarness) -> str:
    """The name of a container; the tests' blobs have names of their own."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    stack.blobs.create_container(name)
    return name


@pytest.fixture(params=["memory", "azurite"])
def kind(request: pytest.FixtureRequest) -> str:
    """Where the container is: a connection string and a name, or nothing for memory."""
    if request.param == "memory":
        return ""
    stack = request.getfixturevalue("stack").addresses
    return f"{stack.storage}\n{request.getfixturevalue('azurite')}"


@pytest.fixture
async def container(kind: str) -> AsyncIterator[Container]:
    if not kind:
        yield MemoryContainer("contract", lambda: AT)
        return
    storage, name = kind.split("\n")
    async with ContainerClient.from_connection_string(storage, name) as client:
        yield AzureContainer(client)


@pytest.fixture
def memory() -> MemoryContainer:
    return MemoryContainer("contract", lambda: AT)


@pytest.fixture
async def azure(stack: StackHarness, azurite: str) -> AsyncIterator[AzureContainer]:
    storage = stack.addresses.storage
    async with ContainerClient.from_connection_string(storage, azurite) as client:
        yield AzureContainer(client)


@pytest.fixture
def name() -> str:
    return f"{uuid.uuid4().hex}.json"


@pytest.fixture(params=["memory", "emulator"])
def emulator(request: pytest.FixtureRequest) -> StackHarness | None:
    if request.param == "memory":
        return None
    stack: StackHarness = request.getfixturevalue("stack")
    return stack


@pytest.fixture
async def service(
    emulator: StackHarness | None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    if emulator is None:
        memory = MemoryService(Clock())
        yield Service(MemoryFineTuning(memory), MemoryDeployments(memory), memory)
        return
    environ = emulator.apart(f"c{uuid.uuid4().hex[:8]}")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    control = StackControl(emulator)
    async with AzureClients(Settings.load(environ)) as clients:
        service = Service(clients.finetuning, clients.deployments, control)
        yield service
    control.clear(service.name)
