"""What Azurite tells of blobs in their several states is what the app goes by."""

import uuid
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.storage.blob import StandardBlobTier
from azure.storage.blob.aio import BlobClient, ContainerClient

from shared.cloud.azure_container import AzureContainer
from shared.cloud.container import BlobInfo, BlobKind
from shared.errors import Conflict, Unavailable


@pytest.fixture
def blob(azure: AzureContainer) -> BlobClient:
    return azure.client.get_blob_client(f"{uuid.uuid4().hex}/training.jsonl")


async def told(azure: AzureContainer, name: str) -> BlobInfo:
    """By the listing, and by the blob itself, which say the same."""
    (listed,) = [found async for found in azure.list(name)]
    assert await azure.info(name) == listed
    return listed


async def chunks(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def test_a_plain_blob_has_nothing_strange(azure: AzureContainer, blob: BlobClient) -> None:
    await blob.upload_blob(b"content")
    found = await told(azure, blob.blob_name)
    assert found.created == found.modified
    assert (found.kind, found.copy) == (BlobKind.BLOCK, "")
    assert found.tier_changed in (None, found.modified)
    assert not (found.sealed or found.archived or found.rehydrating or found.is_folder)


@pytest.mark.parametrize("name", ["hdi_isfolder", "hdi_isFolder", "HDI_ISFOLDER"])
@pytest.mark.parametrize("value", ["true", "True"])
async def test_the_stub_of_a_folder_is_one(
    azure: AzureContainer, blob: BlobClient, name: str, value: str
) -> None:
    await blob.upload_blob(b"", metadata={name: value, "owner": "Ada"})
    assert (await told(azure, blob.blob_name)).is_folder
    await blob.set_blob_metadata({name: "false"})
    assert not (await told(azure, blob.blob_name)).is_folder


async def test_an_append_blob_grows_until_it_is_sealed(
    azure: AzureContainer, blob: BlobClient
) -> None:
    await blob.create_append_blob()
    await blob.append_block(b"one\n")
    before = await told(azure, blob.blob_name)
    assert (before.kind, before.sealed, before.size) == (BlobKind.APPEND, False, 4)
    await blob.append_block(b"two\n")
    grown = await told(azure, blob.blob_name)
    assert grown.etag != before.etag
    assert grown.created == before.created
    await blob.seal_append_blob()
    assert (await told(azure, blob.blob_name)).sealed


async def test_a_page_blob_ends_in_zeros(azure: AzureContainer, blob: BlobClient) -> None:
    await blob.create_page_blob(1024)
    await blob.upload_page(b"{}\n".ljust(512, b"\0"), 0, 512)
    found = await told(azure, blob.blob_name)
    assert (found.kind, found.size) == (BlobKind.PAGE, 1024)
    assert (await chunks(azure.stream(*found.version))).rstrip(b"\0") == b"{}\n"


async def test_an_archived_blob_says_so_and_is_the_same_when_it_is_rehydrated(
    azure: AzureContainer, blob: BlobClient
) -> None:
    await blob.upload_blob(b"content")
    before = await told(azure, blob.blob_name)
    await blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    found = await told(azure, blob.blob_name)
    assert found.archived
    assert found.version == before.version
    for reading in (chunks(azure.stream(*found.version)), azure.read(found.name)):
        with pytest.raises(Unavailable) as refused:
            await reading
        assert refused.value.code == "BlobArchived"
        assert "in the archive tier" in refused.value.message
        assert "Rehydrate it" in refused.value.fix
    await blob.set_standard_blob_tier(StandardBlobTier.HOT)
    thawed = await told(azure, blob.blob_name)
    assert not thawed.archived
    assert thawed.tier_changed
    assert thawed.tier_changed >= thawed.modified
    assert (thawed.version, thawed.modified) == (before.version, before.modified)
    assert await chunks(azure.stream(*thawed.version)) == b"content"


async def test_a_cool_blob_is_read_as_any_other(azure: AzureContainer, blob: BlobClient) -> None:
    await blob.upload_blob(b"content", standard_blob_tier=StandardBlobTier.COOL)
    found = await told(azure, blob.blob_name)
    assert not found.archived
    assert await chunks(azure.stream(*found.version)) == b"content"


async def test_a_copy_tells_its_status(azure: AzureContainer, blob: BlobClient) -> None:
    await blob.upload_blob(b"content")
    copy = azure.client.get_blob_client(f"{uuid.uuid4().hex}/training.jsonl")
    await copy.start_copy_from_url(blob.url)
    found = await told(azure, copy.blob_name)
    assert (found.copy, found.size) == ("success", 7)


async def test_a_listing_asks_for_copy_and_metadata(azure: AzureContainer) -> None:
    """Azure leaves them out otherwise; Azurite tells of copies in any case."""
    asked: list[str] = []
    client = ContainerClient.from_container_url(
        azure.client.url,
        azure.client.credential,
        raw_request_hook=lambda request: asked.append(request.http_request.url),
    )
    async with client:
        assert [found async for found in AzureContainer(client).list(uuid.uuid4().hex)] == []
    (included,) = parse_qs(urlsplit(asked[0]).query)["include"]
    assert set(included.split(",")) == {"metadata", "copy"}


async def test_snapshots_are_not_listed(azure: AzureContainer, blob: BlobClient) -> None:
    await blob.upload_blob(b"one")
    await blob.create_snapshot()
    await blob.upload_blob(b"two!", overwrite=True)
    assert (await told(azure, blob.blob_name)).size == 4
    with pytest.raises(Unavailable, match="SnapshotsPresent"):  # and no lost race
        await azure.delete(blob.blob_name)


async def test_a_lease_that_another_holds_is_a_lost_race(
    azure: AzureContainer, blob: BlobClient
) -> None:
    await blob.upload_blob(b"one")
    lease = await blob.acquire_lease(15)
    with pytest.raises(Conflict):
        await azure.delete(blob.blob_name)
    async with azure.lease(blob.blob_name) as held:
        assert held is None
    await lease.release()
