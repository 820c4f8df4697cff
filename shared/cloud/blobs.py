"""Blob storage: documents that change by compare-and-swap, logs that only grow, leases.

The only module that talks to storage. It knows containers and names, not what is in them.
Absence is a value (None), a lost race is `Conflict`, a replaced blob is
`Replaced`, an outage is `Unavailable`.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from pydantic import BaseModel, ValidationError

from shared.cloud.identity import Me, no_token
from shared.errors import (
    Conflict,
    Denied,
    NotFound,
    Refused,
    Replaced,
    SettingError,
    Unavailable,
)

if TYPE_CHECKING:
    from azure.storage.blob import ContentSettings
    from azure.storage.blob.aio import BlobServiceClient, ContainerClient

    from shared.settings import Settings

Record = TypeVar("Record", bound=BaseModel)

NEVER_A_NAME = {".", ".."}  # a client or a proxy may resolve these to another container's blob
LEASE_SECONDS = 30  # storage allows 15 to 60; short, so that a crashed worker's claim ends soon


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as a listing shows it: size in bytes, `modified` in UTC."""

    name: str
    etag: str
    size: int
    modified: datetime

    @property
    def version(self) -> tuple[str, str]:
        """Name and etag: exactly this content."""
        return self.name, self.etag


@dataclass(frozen=True, slots=True)
class Content:
    data: bytes
    etag: str


def connect(settings: "Settings", me: Me) -> "BlobServiceClient":
    from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry

    # The SDK's own first pause is 15 s; a function has better things to do with its time.
    retries = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)
    if settings.storage:
        return BlobServiceClient.from_connection_string(settings.storage, retry_policy=retries)
    if settings.storage_uri:
        return BlobServiceClient(settings.storage_uri, me(), retry_policy=retries)
    raise SettingError(
        "Neither TunedropStorage nor TunedropStorage__blobServiceUri is set.",
        "Set one of them: the app cannot find its storage account.",
    )


class Container:
    """One container. Every method raises Unavailable when storage cannot be reached."""

    def __init__(self, client: "ContainerClient") -> None:
        self.client = client
        self.name: str = client.container_name

    async def read(self, name: str) -> Content | None:
        with suppress(ResourceNotFoundError), self._translated(name):
            stream = await self.client.download_blob(name)
            return Content(await stream.readall(), _bare(stream.properties.etag))
        return None

    async def record(self, name: str, shape: type[Record]) -> tuple[Record, str] | None:
        """A JSON document in its shape, and its etag. Raises Refused for one of another shape."""
        found = await self.read(name)
        if found is None:
            return None
        try:
            return shape.model_validate_json(found.data), found.etag
        except ValidationError as error:
            raise Refused(
                f"The record {self.name}/{name} cannot be read: "
                f"{error.error_count()} of its values are not what they should be.",
                "Put back an earlier version of that blob; nothing is done with it meanwhile.",
            ) from None

    async def create(self, name: str, data: bytes, content_type: str = "application/json") -> str:
        """Write a blob that must not exist yet; its etag. Raises Conflict if it does."""
        return await self._upload(name, data, content_type)

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        """Write over the version `etag`; the new etag. Raises Conflict if it is not the newest."""
        return await self._upload(name, data, "application/json", etag)

    async def put(self, name: str, data: bytes, content_type: str) -> None:
        """Write a blob, whatever was there before."""
        with self._translated(name):
            await self.client.upload_blob(
                name, data, overwrite=True, content_settings=_content_type(content_type)
            )

    async def append(self, name: str, line: str) -> None:
        """Add a line to a log; the log is made if need be."""
        with self._translated(name):
            await self.client.upload_blob(name, line.encode() + b"\n", blob_type="AppendBlob")

    async def delete(self, name: str, lease: str | None = None) -> None:
        with suppress(ResourceNotFoundError), self._translated(name):
            await self.client.delete_blob(name, lease=lease)

    async def stream(self, name: str, etag: str) -> AsyncIterator[bytes]:
        """The blob's bytes in chunks. Raises Replaced if it is no longer the version `etag`."""
        try:
            with self._translated(name):
                download = await self.client.download_blob(name, **_only_if(etag))
                async for chunk in download.chunks():
                    yield chunk
        except ResourceNotFoundError:
            raise Replaced(f"{name} was deleted.") from None
        except Conflict:
            raise Replaced(f"{name} was replaced.") from None

    async def info(self, name: str) -> BlobInfo | None:
        with suppress(ResourceNotFoundError), self._translated(name):
            found = await self.client.get_blob_client(name).get_blob_properties()
            return BlobInfo(name, _bare(found.etag), found.size, found.last_modified)
        return None

    async def sha256(self, blob: BlobInfo) -> str:
        """Digest of exactly this version of the blob. Raises Replaced."""
        digest = hashlib.sha256()
        async for chunk in self.stream(*blob.version):
            digest.update(chunk)
        return digest.hexdigest()

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        with self._translated(prefix):
            async for item in self.client.list_blobs(name_starts_with=prefix):
                yield BlobInfo(item.name, _bare(item.etag), item.size, item.last_modified)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[str | None]:
        """Hold the blob for as long as the block runs: a lease id, or None if it cannot be had.

        It cannot be had while somebody else holds it, or when it does not exist.

        The lease is renewed in the background and ends by itself soon after a crash.
        """
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
            return _bare(written["etag"])

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Storage's exceptions in this project's words."""
        where = f"{self.name}/{name}"
        if not NEVER_A_NAME.isdisjoint(name.split("/")):
            raise NotFound(f"{where[:200]!r} is not the name of a blob.")
        try:
            yield
        except ResourceNotFoundError as error:
            if error.error_code == "ContainerNotFound":  # type: ignore[attr-defined]
                raise Refused(
                    f"The storage container {self.name} does not exist.",
                    "Create it, or correct the setting that names it.",
                ) from error
            raise
        except (ResourceExistsError, ResourceModifiedError) as error:
            raise Conflict(f"{where} was changed by somebody else.") from error
        except HttpResponseError as error:
            if error.status_code in (401, 403):
                raise Denied(
                    f"Storage refused access to {where}.",
                    "Give the app's identity the role Storage Blob Data Contributor on it.",
                ) from error
            if error.status_code == 412:  # a condition not met, or a lease that another holds
                raise Conflict(f"{where} is somebody else's now.") from error
            if not error.status_code:
                raise no_token(f"reach {where}", error) from error
            raise Unavailable(f"Storage answered {error.status_code} for {where}.") from error
        except AzureError as error:
            raise Unavailable(
                f"Storage could not be reached for {where}.",
                "Look whether the account is up and open to the app: `tunedrop doctor` does.",
            ) from error


async def _renew(lease: object) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        with suppress(AzureError):
            await lease.renew()  # type: ignore[attr-defined]


def _bare(etag: str) -> str:
    """Listings give etags without the quotes that headers have; here they are all without."""
    return etag.strip('"')


def _only_if(etag: str) -> dict[str, Any]:
    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}


def _content_type(content_type: str) -> "ContentSettings":
    from azure.storage.blob import ContentSettings

    return ContentSettings(content_type=content_type)
