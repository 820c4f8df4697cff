"""A container within one process, for tests: the behaviour of blob storage without storage.

Leases run out by the clock that is given, like those of a worker that has died. Knows no outage.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.cloud.container import LEASE_SECONDS, BlobInfo, Container, Content
from shared.errors import Conflict, Replaced

CHUNK = 1 << 20
LEASE = timedelta(seconds=LEASE_SECONDS)


@dataclass(frozen=True)
class _Blob:
    data: bytes
    etag: str
    modified: datetime
    lease: str | None = None
    leased_until: datetime | None = None


class MemoryContainer(Container):
    def __init__(self, name: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.name = name
        self._now = now
        self._blobs: dict[str, _Blob] = {}
        self._writes = 0

    async def read(self, name: str) -> Content | None:
        blob = self._get(name)
        return Content(blob.data, blob.etag) if blob else None

    async def create(self, name: str, data: bytes, content_type: str = "application/json") -> str:
        if self._get(name):
            raise Conflict(f"{self.name}/{name} was changed by another worker.")
        return self._write(name, data)

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        blob = self._get(name)
        if blob is None or blob.etag != etag:
            raise Conflict(f"{self.name}/{name} was changed by another worker.")
        self._check_lease(name)
        return self._write(name, data)

    async def put(self, name: str, data: bytes, content_type: str) -> None:
        self._check_lease(name)
        self._write(name, data)

    async def append(self, name: str, line: str) -> None:
        blob = self._get(name)
        self._write(name, (blob.data if blob else b"") + line.encode() + b"\n")

    async def delete(self, name: str, lease: str | None = None) -> None:
        if self._get(name):
            self._check_lease(name, lease)
            del self._blobs[name]

    async def stream(self, name: str, etag: str) -> AsyncIterator[bytes]:
        blob = self._get(name)
        if blob is None:
            raise Replaced(f"{name} was deleted.")
        if blob.etag != etag:
            raise Replaced(f"{name} was replaced.")
        for start in range(0, len(blob.data), CHUNK):
            yield blob.data[start : start + CHUNK]

    async def info(self, name: str) -> BlobInfo | None:
        blob = self._get(name)
        return _info(name, blob) if blob else None

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        self._check_name(prefix)
        for name, blob in sorted(self._blobs.items()):
            if name.startswith(prefix):
                yield _info(name, blob)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[str | None]:
        blob = self._get(name)
        if blob is None or self._leased(blob):
            yield None
            return
        lease = str(uuid.uuid4())
        self._blobs[name] = _with_lease(blob, lease, self._now() + LEASE)
        try:
            yield lease
        finally:
            held = self._blobs.get(name)
            if held and held.lease == lease:
                self._blobs[name] = _with_lease(held, None, None)

    def break_leases(self) -> None:
        """As time would: the leases of dead workers run out."""
        for name, blob in self._blobs.items():
            self._blobs[name] = _with_lease(blob, None, None)

    def _get(self, name: str) -> _Blob | None:
        self._check_name(name)
        return self._blobs.get(name)

    def _write(self, name: str, data: bytes) -> str:
        self._writes += 1
        etag = hashlib.sha256(f"{self.name} {self._writes}".encode()).hexdigest()[:16]
        known = self._blobs.get(name)
        lease, until = (known.lease, known.leased_until) if known else (None, None)
        # Storage tells whole seconds.
        self._blobs[name] = _Blob(data, etag, self._now().replace(microsecond=0), lease, until)
        return etag

    def _leased(self, blob: _Blob) -> bool:
        return blob.leased_until is not None and self._now() < blob.leased_until

    def _check_lease(self, name: str, lease: str | None = None) -> None:
        blob = self._get(name)
        if blob and self._leased(blob) and blob.lease != lease:
            raise Conflict(f"{self.name}/{name} is held by another worker.")


def _info(name: str, blob: _Blob) -> BlobInfo:
    return BlobInfo(name, blob.etag, len(blob.data), blob.modified)


def _with_lease(blob: _Blob, lease: str | None, until: datetime | None) -> _Blob:
    return _Blob(blob.data, blob.etag, blob.modified, lease, until)
