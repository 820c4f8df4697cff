"""What the doctor finds in storage: signatures, roles, the queue, events, the timer."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ResourceTypes, Services, generate_account_sas
from azure.storage.queue import QueueClient

from local import storage, supervised
from local.stack import AZURITE
from shared.doctor.context import open_context
from shared.doctor.storage import container_failure
from tests.doctor.conftest import CheckedApp
from tests.doctor.ids import CONTAINERS, STORES
from tests.support.stack import StackHarness


def signed(stack: StackHarness, permissions: str, services: Services) -> str:
    """A connection string with no more than these permissions."""
    sas = generate_account_sas(
        storage.ACCOUNT,
        storage.KEY,
        ResourceTypes(service=True, container=True, object=True),
        permissions,
        datetime.now(UTC) + timedelta(hours=1),
        services=services,
    )
    parts = dict(part.split("=", 1) for part in stack.addresses.storage.split(";"))
    kept = [f"{name}={parts[name]}" for name in ("BlobEndpoint", "QueueEndpoint")]
    return ";".join([*kept, f"SharedAccessSignature={sas}"])


BOTH = Services(blob=True, queue=True)


@pytest.mark.parametrize(
    ("permissions", "cannot", "unknown"),
    [
        ("rwdlacup", "", set()),
        ("rdlaup", "write", {"delivery"}),
        ("rdlacup", "lease", set()),
        ("wdlacup", "read", set()),
        ("rwlacup", "delete", set()),
        ("rwdacup", "list", set()),
    ],
)
async def test_a_signature_that_allows_too_little(
    app: CheckedApp, stack: StackHarness, permissions: str, cannot: str, unknown: set[str]
) -> None:
    results = await app.check(TunedropStorage=signed(stack, permissions, BOTH))
    failed = {id: result for id, result in results.failed.items() if id in CONTAINERS}
    for name in STORES if cannot == "delete" else ():
        for blob in stack.container(name).list_blobs("tunedrop-doctor/"):
            stack.container(name).delete_blob(blob.name)
    whose = CONTAINERS - {"container:datasets"} if cannot == "lease" else CONTAINERS
    assert set(failed) == (whose if cannot else set())
    for result in failed.values():
        assert f"The app cannot {cannot} blobs" in result.message
        assert "rwdlacup" in result.fix
    assert unknown <= results.unknown
    assert "sig=" not in "".join(f"{result.message}{result.fix}" for result in results.all)


async def test_a_signature_without_the_queue(app: CheckedApp, stack: StackHarness) -> None:
    results = await app.check(TunedropStorage=signed(stack, "rwdlacup", Services(blob=True)))
    assert set(results.failed) == {"queue"}
    assert "services b and q" in results.failed["queue"].fix


async def test_a_drop_that_failed_five_times(app: CheckedApp, stack: StackHarness) -> None:
    name = "webjobs-blobtrigger-poison"
    with QueueClient.from_connection_string(stack.addresses.storage, name) as queue:
        queue.create_queue()
        try:
            queue.send_message("a drop")
            results = await app.check()
        finally:
            queue.delete_queue()
    assert set(results.failed) == {"queue"}
    assert "az storage message peek" in results.failed["queue"].fix


@pytest.fixture
def strict_azurite(tmp_path: Path, node: str) -> Iterator[str]:
    """One that insists on knowing the API version, as it does unless told otherwise."""
    ports = storage.free_ports()
    command = storage.azurite_command(node, AZURITE, tmp_path, ports)
    command.remove("--skipApiVersionCheck")
    with supervised.start(command, stdout=subprocess.DEVNULL) as azurite:
        try:
            storage.wait_ready(ports)
            yield storage.connection_string(ports)
        finally:
            azurite.terminate()


async def test_an_azurite_that_is_older_than_the_sdk(app: CheckedApp, strict_azurite: str) -> None:
    results = await app.check(TunedropStorage=strict_azurite)
    assert set(results.failed) == {"storage"}
    assert "azurite --skipApiVersionCheck" in results.failed["storage"].fix


async def test_events_that_do_not_arrive(app: CheckedApp) -> None:
    # The canary is dropped where nobody has subscribed.
    results = await app.check(wait=1, TUNEDROP_DATASETS_CONTAINER="feedback")
    assert set(results.failed) == {"delivery"}
    assert "event-subscription list" in results.failed["delivery"].fix


async def test_no_canary_is_left_behind(app: CheckedApp, stack: StackHarness) -> None:
    await app.check()
    left = [
        blob.name
        for container in STORES
        for blob in stack.container(container).list_blobs()
        if "tunedrop-doctor" in blob.name
    ]
    assert not left


async def test_a_timer_that_stands_still(app: CheckedApp) -> None:
    result = (await app.check(ahead=timedelta(minutes=20))).failed["timer"]
    assert "az functionapp restart" in result.fix


@pytest.mark.parametrize(
    ("store", "role"),
    [("datasets", "Storage Blob Data Owner"), ("runs", "Storage Blob Data Contributor")],
)
async def test_the_role_for_storage_by_identity(
    app: CheckedApp, monkeypatch: pytest.MonkeyPatch, store: str, role: str
) -> None:
    """The text of the fix alone: Azurite has no roles that could be missing."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, app.environ[name])
    environ = {
        **app.environ,
        "TunedropStorage__blobServiceUri": "https://data.blob.core.windows.net",
    }
    del environ["TunedropStorage"]
    error = HttpResponseError("no")
    error.status_code, error.error_code = 403, "AuthorizationPermissionMismatch"  # type: ignore[attr-defined]
    async with open_context(environ, lambda: datetime.now(UTC), 0) as context:
        result = await container_failure(context, store, "write", error)
    assert result.fix == (
        "az role assignment create --assignee-object-id local --assignee-principal-type "
        f'ServicePrincipal --role "{role}" --scope "$(az storage account show --name data '
        f'--query id --output tsv)/blobServices/default/containers/{store}"'
    )
