"""What the app needs of a storage container: documents that change by compare-and-swap, logs that
only grow, leases.

    AzureContainer    (azure_container)   the real one
    MemoryContainer   (memory_container)  the same behaviour within one process, for tests

Absence is a value (None), a lost race is Conflict, a replaced blob is Replaced, an outage is
Unavailable. tests/shared/test_containers.py holds both to one contract. Knows names, not what is in
the blobs.
"""

import asyncio
import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shared.cloud.documents import Document, as_json, newer
from shared.errors import Conflict, NotFound, Refused, Unavailable, Unreadable

RESERVED_NAMES = {".", ".."}  # a client or a proxy may resolve these to another container's blob
LONGEST_NAME = 1024  # of a blob, in UTF-16 units: a character outside of the first plane has two
LEASE_SECONDS = 30  # storage allows 15 to 60; short, so that a crashed worker's claim ends soon
LARGEST_DOCUMENT = 64 << 20  # bytes; what is read whole is held in memory
LARGEST_RECORD = 4 << 20  # bytes of JSON that are parsed on the event loop, in 50 ms
LONGEST_LINE = 4 << 20  # bytes of one "Append Block" that every service version takes
MAX_UPDATES = 20  # of one document in a row; each lost race means that somebody else has won one
UNSEEN = ("reconciler/", "staged/")  # nobody's list shows the heartbeat, nor what is only tried
UPDATE_PAUSE = 0.1  # seconds, at most, between them


Record = TypeVar("Record", bound=Document)


def is_blob_name(name: str) -> bool:
    """Whether a blob of that name can be asked for."""
    units = len(name.encode("utf-16-le", "surrogatepass")) // 2
    return units <= LONGEST_NAME and RESERVED_NAMES.isdisjoint(name.split("/"))


class _Versioned(BaseModel):
    schema_version: int = 0


def _schema_of(data: bytes) -> int:
    """The schema version that a document names, whatever else is in it; 0 where it names none."""
    try:
        return _Versioned.model_validate_json(data).schema_version
    except ValidationError:
        return 0


class LogClosed(Exception):
    """A log takes no more lines: it has as many blocks as it may have, or is no log."""


def continued(name: str, part: int) -> str:
    """Where a log goes on: events.jsonl, events.2.jsonl, events.3.jsonl."""
    stem, dot, ending = name.rpartition(".")
    return name if part == 1 else f"{stem}.{part}{dot}{ending}"


class BlobKind(StrEnum):
    BLOCK = "BlockBlob"
    APPEND = "AppendBlob"
    PAGE = "PageBlob"


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as a listing shows it: size in bytes, `modified` and `created` in UTC, by storage's
    clock and in whole seconds. Snapshots, earlier versions and what is soft-deleted are not listed.

    `sealed` is of append blobs, which take nothing more then. What is `archived` cannot be read;
    `rehydrating` is so for hours and is archived still. `copy` is the status of the last copy to
    it: pending, success, failed, aborted, or empty. A folder is a blob that stands for one.
    """

    name: str
    etag: str
    size: int
    modified: datetime
    created: datetime | None = None
    kind: BlobKind = BlobKind.BLOCK
    sealed: bool = False
    archived: bool = False
    rehydrating: bool = False
    tier_changed: datetime | None = None
    copy: str = ""
    is_folder: bool = False

    @property
    def version(self) -> tuple[str, str]:
        """Name and etag: exactly this content."""
        return self.name, self.etag


@dataclass(frozen=True, slots=True)
class Content:
    data: bytes
    etag: str


class Upload(ABC):
    """A blob whose bytes are at the storage, to become visible at once."""

    @abstractmethod
    async def commit(self) -> str:
        """Write the blob, whatever was there before; its etag. Raises Conflict where it is leased,
        or somebody else has written it meanwhile, and Refused where an append blob lies there."""


class Container(ABC):
    """One container. Every method raises Unavailable when storage cannot be reached, and NotFound
    for a name that no blob can have."""

    name: str
    id: str  # account and name: no other container has it
    changes = 0  # that this process has made here, but for those of logs and of its own UNSEEN

    def _note_change(self, name: str) -> None:
        if not name.startswith(UNSEEN):
            self.changes += 1

    @abstractmethod
    async def read(self, name: str) -> Content | None:
        """A document, whole. Raises Unreadable for one over LARGEST_DOCUMENT."""

    @abstractmethod
    async def create(self, name: str, data: bytes, content_type: str = "application/json") -> str:
        """Write a blob that must not exist yet; its etag. Raises Conflict if it does."""

    @abstractmethod
    async def replace(self, name: str, data: bytes, etag: str) -> str:
        """Write over the version `etag`; the new etag. Raises Conflict if it is not the newest."""

    @abstractmethod
    async def put(self, name: str, data: bytes, content_type: str) -> None:
        """Write a blob, whatever was there before. Raises Conflict if it is leased."""

    @abstractmethod
    async def upload(self, name: str, chunks: AsyncIterator[bytes], content_type: str) -> "Upload":
        """Send a blob's bytes as they come, few of them held at once; nothing is there before the
        upload's `commit`. Whatever `chunks` raises is raised, and nothing is left to be seen."""

    async def append(self, name: str, line: str) -> None:
        """Add a line to a log; the log is made if need be, and goes on in a next part, named by
        `continued`, where it takes no more. Raises Refused for a line over LONGEST_LINE."""
        data = line.encode() + b"\n"
        if len(data) > LONGEST_LINE:
            raise Refused(
                f"A line for {self.name}/{name} has {len(data):,} bytes; a log takes at most "
                f"{LONGEST_LINE:,}.",
                "It is left out.",
            )
        self._check_name(name)
        while True:
            part = self._parts.get(name, 1)
            try:
                return await self._append(continued(name, part), data)
            except LogClosed:
                self._parts[name] = max(self._parts.get(name, 1), part + 1)

    @cached_property
    def _parts(self) -> dict[str, int]:
        """The part of each long log that is written to, as far as it is known here."""
        return {}

    @abstractmethod
    async def _append(self, name: str, data: bytes) -> None:
        """Raises LogClosed."""

    @abstractmethod
    async def time(self) -> datetime:
        """The time by storage's clock, which is the one that `modified` is of; in whole seconds."""

    @abstractmethod
    async def delete(self, name: str, lease: str | None = None) -> None:
        """One that is not there is deleted already. Raises Conflict if it is leased by another."""

    @abstractmethod
    def stream(self, name: str, etag: str) -> AsyncIterator[bytes]:
        """The blob's bytes in chunks, as they are stored: a `Content-Encoding` is not undone.

        Raises Replaced if it is no longer the version `etag`, and Unavailable for one that is
        archived.
        """

    @abstractmethod
    def grown(self, name: str) -> AsyncIterator[bytes]:
        """A log's bytes in chunks, whatever is added meanwhile; none where it is gone."""

    async def lines(self, name: str) -> AsyncIterator[list[bytes]]:
        """A log's lines, some at a time. In the place of one over LONGEST_LINE, which no append has
        made, is an empty one."""
        rest, too_long = b"", False
        async for chunk in self.grown(name):
            *lines, rest = (rest + chunk).split(b"\n")
            if too_long and lines:
                lines[0], too_long = b"", False
            if len(rest) > LONGEST_LINE:
                rest, too_long = b"", True
            if lines:
                yield lines
        if rest:
            yield [rest]

    @abstractmethod
    async def info(self, name: str) -> BlobInfo | None: ...

    @abstractmethod
    def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """In the order of the names."""

    @abstractmethod
    def lease(self, name: str) -> AbstractAsyncContextManager[str | None]:
        """Hold the blob for as long as the block runs: a lease id, or None if it cannot be had.

        It cannot be had while somebody else holds it, or when it does not exist.
        The lease is renewed in the background and ends by itself soon after a crash.
        """

    async def record(self, name: str, shape: type[Record]) -> tuple[Record, str] | None:
        """A JSON document in its shape, and its etag. Raises Unreadable."""
        found = await self.read(name)
        if found is None:
            return None
        self._check_size(name, len(found.data), LARGEST_RECORD)
        try:
            record = shape.model_validate_json(found.data)
        except ValidationError as error:
            if (schema := _schema_of(found.data)) > shape.newest_schema:
                raise newer(f"{self.name}/{name}", schema, shape.newest_schema) from None
            count = error.error_count()
            wrong = f"{count} of its values are not what they should be"
        else:
            wrong = record.misfit(name) or ""
            if not wrong:
                return record, found.etag
        raise Unreadable(
            f"The record {self.name}/{name} cannot be read: {wrong}.",
            "Put back an earlier version of that blob; nothing is done with it meanwhile.",
        )

    async def sha256(self, blob: BlobInfo) -> str:
        """Digest of exactly this version of the blob. Raises Replaced."""
        digest = hashlib.sha256()
        async for chunk in self.stream(*blob.version):
            digest.update(chunk)
        return digest.hexdigest()

    async def update(
        self, name: str, shape: type[Record], change: Callable[[Record | None], Record | None]
    ) -> Record | None:
        """Change a document by compare-and-swap, as often as it takes; the document as it is then.

        `change` is given the newest version (None if there is none) and returns the next one, or
        None to leave it as it is. Raises Unavailable if others always write first, Newer for one of
        a newer version of the app, and whatever `change` raises.
        """
        for _ in range(MAX_UPDATES):
            found = await self.record(name, shape)
            known, etag = found or (None, "")
            changed = change(known)
            if changed is None or changed == known:
                return known
            if known:
                known.must_be_known(f"{self.name}/{name}")
            with suppress(Conflict):
                if known:
                    await self.replace(name, as_json(changed), etag)
                else:
                    await self.create(name, as_json(changed))
                return changed
            await asyncio.sleep(random.uniform(0, UPDATE_PAUSE))
        raise Unavailable(
            f"The record {self.name}/{name} cannot be written: "
            f"others have written it {MAX_UPDATES} times meanwhile.",
            "It is tried again.",
        )

    def _check_size(self, name: str, size: int, most: int = LARGEST_DOCUMENT) -> None:
        if size > most:
            raise Unreadable(
                f"{self.name}/{name} has {size:,} bytes; at most {most:,} are read.",
                "Put back an earlier version of that blob, or move it away.",
            )

    def _check_name(self, name: str) -> None:
        if not is_blob_name(name):
            raise NotFound(f"{f'{self.name}/{name}'[:200]!r} is not the name of a blob.")
