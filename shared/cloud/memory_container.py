"""A container within one process, for tests: the behaviour of blob storage without storage.

Each call lets other tasks run first, so that what races in Azure races here. A lease lasts as long
as its block, as if it were renewed; `break_leases` ends those of workers that have died. Knows no
outage.
"""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.cloud.container import BlobInfo, BlobKind, Container, Content, LogClosed, Upload
from shared.errors import Conflict, Refused, Replaced, Unavailable

CHUNK = 1 << 20
MAX_BLOCKS = (
    50_000  # of one append blob; https://learn.microsoft.com/rest/api/storageservices/append-block
)


@dataclass(frozen=True)
class _Blob:
    data: bytes
    etag: str
    modified: datetime
    lease: str | None = None
    blocks: int = 0  # that were appended
    created: datetime | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)  # of BlobInfo, beside the bytes


class MemoryContainer(Container):
    def __init__(self, name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.name = name
        self.id = f"{uuid.uuid4()}/{name}"
        self._now = now
        self._blobs: dict[str, _Blob] = {}
        self._writes = 0

    async def read(self, name: str) -> Content | None:
        blob = await self._get(name)
        if blob is None:
            return None
        self._check_size(name, len(blob.data))
        return Content(blob.data, blob.etag)

    async def create(self, name: str, data: bytes, content_type: str = "application/json") -> str:
        if await self._get(name):
            raise self._changed(name)
        self._note_change(name)
        return self._write(name, data)

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        blob = await self._get(name)
        if blob is None or blob.etag != etag:
            raise self._changed(name)
        self._check_lease(name, blob)
        self._note_change(name)
        return self._write(name, data)

    async def put(self, name: str, data: bytes, content_type: str) -> None:
        self._check_lease(name, await self._get(name))
        self._note_change(name)
        self._write(name, data)

    async def upload(self, name: str, chunks: AsyncIterator[bytes], content_type: str) -> Upload:
        blob = await self._get(name)
        data = b"".join([chunk async for chunk in chunks])
        return _Upload(self, name, data, blob)

    async def commit(self, name: str, data: bytes, before: _Blob | None) -> str:
        blob = await self._get(name)
        self._check_lease(name, blob)
        if blob and blob.traits.get("kind", BlobKind.BLOCK) is not BlobKind.BLOCK:
            raise Refused(f"{self.name}/{name} lies there as another kind of blob.", "Delete it.")
        if blob and data and (before is None or blob.etag != before.etag):
            raise self._changed(name)
        self._note_change(name)
        return self._write(name, data)

    async def _append(self, name: str, data: bytes) -> None:
        blob = await self._get(name)
        self._check_lease(name, blob)
        if blob and blob.blocks >= MAX_BLOCKS:
            raise LogClosed(name)
        self._write(name, (blob.data if blob else b"") + data, (blob.blocks if blob else 0) + 1)
        if blob is None:
            self.mark(name, kind=BlobKind.APPEND)

    async def time(self) -> datetime:
        await asyncio.sleep(0)
        return self._now().replace(microsecond=0)

    async def delete(self, name: str, lease: str | None = None) -> None:
        blob = await self._get(name)
        if blob:
            self._check_lease(name, blob, lease)
            del self._blobs[name]
            self._note_change(name)

    async def stream(self, name: str, etag: str) -> AsyncIterator[bytes]:
        blob = await self._get(name)
        if blob is None:
            raise Replaced(f"{name} was deleted.")
        if blob.etag != etag:
            raise Replaced(f"{name} was replaced.")
        if blob.traits.get("archived"):
            raise Unavailable(f"{self.name}/{name} is archived.", code="BlobArchived")
        for start in range(0, len(blob.data), CHUNK):
            yield blob.data[start : start + CHUNK]

    async def grown(self, name: str) -> AsyncIterator[bytes]:
        blob = await self._get(name)
        data = blob.data if blob else b""
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]

    async def info(self, name: str) -> BlobInfo | None:
        blob = await self._get(name)
        return _info(name, blob) if blob else None

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        await self._get(prefix)
        for name, blob in sorted(self._blobs.items()):
            if name.startswith(prefix):
                yield _info(name, blob)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[str | None]:
        blob = await self._get(name)
        if blob is None or blob.lease:
            yield None
            return
        lease = str(uuid.uuid4())
        self._blobs[name] = replace(blob, lease=lease)
        try:
            yield lease
        finally:
            held = self._blobs.get(name)
            if held and held.lease == lease:
                self._blobs[name] = replace(held, lease=None)

    def mark(self, name: str, **traits: Any) -> None:
        """What storage knows of a blob beside its bytes, by the names that BlobInfo has for it. Its
        etag and its time stay as they are, as with a changed tier; a put makes a plain blob."""
        blob = self._blobs[name]
        self._blobs[name] = replace(blob, traits={**blob.traits, **traits})

    def break_leases(self) -> None:
        """As time would: the leases of dead workers run out."""
        for name, blob in self._blobs.items():
            self._blobs[name] = replace(blob, lease=None)

    def saved(self) -> dict[str, _Blob]:
        return dict(self._blobs)

    def restore(self, saved: dict[str, _Blob]) -> None:
        """As after an outage that has lost the writes since then, acknowledged or not."""
        self._blobs = dict(saved)
        self.break_leases()

    async def _get(self, name: str) -> _Blob | None:
        self._check_name(name)
        await asyncio.sleep(0)
        return self._blobs.get(name)

    def _write(self, name: str, data: bytes, blocks: int = 0) -> str:
        self._writes += 1
        etag = hashlib.sha256(f"{self.name} {self._writes}".encode()).hexdigest()[:16]
        known = self._blobs.get(name)
        # Storage tells whole seconds.
        modified = self._now().replace(microsecond=0)
        lease, created = (known.lease, known.created) if known else (None, modified)
        traits = known.traits if known and blocks > 1 else {}
        self._blobs[name] = _Blob(data, etag, modified, lease, blocks, created, traits)
        return etag

    def _check_lease(self, name: str, blob: _Blob | None, lease: str | None = None) -> None:
        """A lease that is given must be the one that the blob has; a leased blob wants it given."""
        if blob and blob.lease != lease:
            raise Conflict(f"{self.name}/{name} is held by another worker.")

    def _changed(self, name: str) -> Conflict:
        return Conflict(f"{self.name}/{name} was changed by another worker.")


@dataclass(frozen=True)
class _Upload(Upload):
    container: MemoryContainer
    name: str
    data: bytes
    before: _Blob | None  # what lay there when the upload began

    async def commit(self) -> str:
        return await self.container.commit(self.name, self.data, self.before)


def _info(name: str, blob: _Blob) -> BlobInfo:
    return BlobInfo(
        name, blob.etag, len(blob.data), blob.modified, created=blob.created, **blob.traits
    )
