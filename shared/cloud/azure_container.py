"""Blob storage in Azure, or in Azurite: the only module that talks to it.

Reports as `container` promises; knows how the SDK is asked and what its exceptions mean.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from shared.cloud.block_upload import BlockUpload
from shared.cloud.container import LEASE_SECONDS, BlobInfo, Container, Content, LogClosed, Upload
from shared.cloud.identity import Credential
from shared.cloud.storage_answers import as_it_is, bare, blob_info, code, lost_race
from shared.cloud.translate import STORAGE, service_error, unreachable
from shared.errors import Conflict, Refused, Replaced, SettingError, Unavailable

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse
    from azure.storage.blob import ContentSettings
    from azure.storage.blob.aio import BlobServiceClient, ContainerClient

    from shared.settings import Settings

ROLE = "Give the app's identity the role Storage Blob Data Contributor on it."
CHUNK = 1 << 21  # bytes of a stream that are held at once, and are one request
# Of a log: it has its 50,000 blocks, or somebody has put back a version that is no append blob.
# https://learn.microsoft.com/rest/api/storageservices/append-block
CLOSED = {"BlockCountExceedsLimit", "InvalidBlobType"}
MAX_CREATED = 5  # tries to make a log that others delete meanwhile
TOLD = ["metadata", "copy"]  # that a listing leaves out unless it is asked
EMPTY = 416  # no such range: an empty blob has none


def connect(settings: "Settings", credential: Credential) -> "BlobServiceClient":
    from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

    # The SDK's own first pause is 15 s: too long for a function, which is billed while it waits.
    retries = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)
    if settings.storage:
        try:
            return BlobServiceClient.from_connection_string(settings.storage, retry_policy=retries)
        except ValueError:  # which does not say what is wrong; the string holds the account's key
            raise SettingError(
                "The app setting TunedropStorage is not a connection string of a storage account.",
                "Set it to the account's connection string, whole, as the portal shows it "
                "(DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…).",
            ) from None
    if settings.storage_uri:
        return BlobServiceClient(settings.storage_uri, credential(), retry_policy=retries)
    raise SettingError(
        "Neither TunedropStorage nor TunedropStorage__blobServiceUri is set.",
        "Set one of them: the app cannot find its storage account.",
    )


class AzureContainer(Container):
    def __init__(self, client: "ContainerClient") -> None:
        self.client = client
        self.name: str = client.container_name
        self.id = f"{client.account_name}/{client.container_name}"

    async def read(self, name: str) -> Content | None:
        with suppress(ResourceNotFoundError), self._translated(name):
            stream = await self.client.download_blob(name, decompress=False)
            self._check_size(name, stream.size)
            return Content(await stream.readall(), bare(stream.properties.etag))
        return None

    async def create(self, name: str, data: bytes, content_type: str = "application/json") -> str:
        return await self._upload(name, data, content_type)

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        return await self._upload(name, data, "application/json", etag)

    async def put(self, name: str, data: bytes, content_type: str) -> None:
        with self._translated(name):
            await self.client.upload_blob(
                name, data, overwrite=True, content_settings=_content_type(content_type)
            )
        self._note_change(name)

    async def upload(self, name: str, chunks: AsyncIterator[bytes], content_type: str) -> Upload:
        upload = BlockUpload(
            self.client.get_blob_client(name),
            f"{self.name}/{name}",
            _content_type(content_type),
            lambda: self._translated(name),
            lambda: self._note_change(name),
        )
        await upload.send(chunks)
        return upload

    async def _append(self, name: str, data: bytes) -> None:
        """Created only where it is absent: without that condition, making a blob empties the one
        that another worker has made and written to meanwhile."""
        blob = self.client.get_blob_client(name)
        for _ in range(MAX_CREATED):
            with suppress(ResourceNotFoundError), self._translated(name), _told_apart(name):
                await blob.append_block(data)
                return
            with suppress(Conflict), self._translated(name):  # another worker was quicker
                await blob.create_append_blob(match_condition=MatchConditions.IfMissing)
        raise Unavailable(f"The log {self.name}/{name} is deleted as often as it is made.")

    async def time(self) -> datetime:
        """As the service tells it in the Date of its answers."""
        dates: list[str] = []

        def note(response: "PipelineResponse[Any, Any]") -> None:
            dates.append(response.http_response.headers["Date"])

        try:
            with self._translated(""):
                await self.client.get_container_properties(raw_response_hook=note)
        except ResourceNotFoundError as error:
            raise Refused(f"The storage container {self.name} does not exist.") from error
        return parsedate_to_datetime(dates[-1])

    async def delete(self, name: str, lease: str | None = None) -> None:
        with suppress(ResourceNotFoundError), self._translated(name):
            await self.client.delete_blob(name, lease=lease)
        self._note_change(name)

    async def grown(self, name: str) -> AsyncIterator[bytes]:
        with suppress(ResourceNotFoundError):
            async for chunk in self._ranges(name, {}):
                yield chunk

    async def stream(self, name: str, etag: str) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._ranges(name, _only_if(etag)):
                yield chunk
        except ResourceNotFoundError:
            raise Replaced(f"{name} was deleted.") from None
        except Conflict:
            raise Replaced(f"{name} was replaced.") from None

    async def _ranges(self, name: str, condition: dict[str, Any]) -> AsyncIterator[bytes]:
        """Range by range: the SDK would begin with 32 MB at once."""
        begin, size = 0, 1
        while begin < size:
            with self._translated(name):
                chunk, size = await self._range(name, condition, begin)
            begin += len(chunk)
            yield chunk

    async def _range(self, name: str, condition: dict[str, Any], begin: int) -> tuple[bytes, int]:
        """Some bytes as they are stored, whatever encoding the blob claims, and how many it has."""
        try:
            download = await self.client.download_blob(
                name, offset=begin, length=CHUNK, decompress=False, **condition
            )
        except HttpResponseError as error:
            if error.status_code == EMPTY:
                return b"", 0
            raise
        whole = int(download.properties.content_range.rpartition("/")[2])
        return await download.readall(), whole

    async def info(self, name: str) -> BlobInfo | None:
        with suppress(ResourceNotFoundError), self._translated(name):
            found = await self.client.get_blob_client(name).get_blob_properties()
            return blob_info(name, found)
        return None

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        with self._translated(prefix):
            async for item in self.client.list_blobs(prefix, include=TOLD):
                yield blob_info(item.name, item)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[str | None]:
        blob = self.client.get_blob_client(name)
        try:
            with self._translated(name):
                lease = await blob.acquire_lease(LEASE_SECONDS)
        except (Conflict, ResourceNotFoundError):
            yield None
            return
        renewing = asyncio.create_task(_renew(lease))
        try:
            yield str(lease.id)
        finally:
            renewing.cancel()
            with suppress(AzureError):  # gone with its blob, or it ends by itself
                await lease.release()

    async def _upload(
        self, name: str, data: bytes, content_type: str, etag: str | None = None
    ) -> str:
        condition = _only_if(etag) if etag else {}
        with self._translated(name):
            written = await self.client.get_blob_client(name).upload_blob(
                data,
                overwrite=etag is not None,
                content_settings=_content_type(content_type),
                **condition,
            )
        self._note_change(name)
        return bare(written["etag"])

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Storage's exceptions as this project's errors; ResourceNotFoundError passes."""
        self._check_name(name)
        blob = f"{self.name}/{name}"
        try:
            yield
        except ResourceNotFoundError as error:
            if error.error_code == "ContainerNotFound":  # type: ignore[attr-defined]
                raise Refused(
                    f"The storage container {self.name} does not exist.",
                    "Create it, or correct the setting that names it.",
                ) from error
            raise
        except HttpResponseError as error:
            if lost_race(error):
                raise Conflict(f"{blob} is held or was changed by another worker.") from error
            if unreadable := as_it_is(blob, error):
                raise unreadable from error
            raise service_error(STORAGE, f"reach {blob}", error, fix=ROLE) from error
        except AzureError as error:
            raise unreachable(STORAGE, f"reach {blob}", error) from error


@contextmanager
def _told_apart(name: str) -> Iterator[None]:
    """A log that takes no more lines is another thing than a lost race."""
    try:
        yield
    except HttpResponseError as error:
        if code(error) in CLOSED:
            raise LogClosed(name) from error
        raise


async def _renew(lease: object) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        with suppress(AzureError):
            await lease.renew()  # type: ignore[attr-defined]


def _only_if(etag: str) -> dict[str, Any]:
    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}


def _content_type(content_type: str) -> "ContentSettings":
    from azure.storage.blob import ContentSettings

    return ContentSettings(content_type=content_type)
