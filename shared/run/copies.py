"""Local copies of lone datasets, each downloaded and split once, removed when the work is done.

Knows bytes and paths, not runs.
"""

import asyncio
import hashlib
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from shared.cloud.container import Container
from shared.errors import Replaced
from shared.printable import shown

# The file, where its two sides go, the share that is held out, the seed. It writes neither where
# nothing can be held out.
Split = Callable[[Path, Path, Path, float, int], Awaitable[None]]

HELD_OUT = 0.1  # the share of a lone dataset that becomes its validation set
SEED = 0  # the same split for everybody and for ever


@dataclass(frozen=True)
class Copy:
    """A blob's content as a local file; `lines` counts its line ends."""

    path: Path
    sha256: str
    lines: int


@dataclass(frozen=True)
class Sides:
    """`validation` is None where nothing could be held out: `training` is then the whole file."""

    training: Path
    validation: Path | None


class Copies:
    """Used as a context manager; one caller at a time. `split` makes two files out of one."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._copies: dict[tuple[str, str], Copy] = {}
        self._sides: dict[tuple[str, str], Sides] = {}
        self._numbers = itertools.count()

    async def __aenter__(self) -> "Copies":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._folder:
            await asyncio.to_thread(self._folder.cleanup)

    async def whole(self, container: Container, name: str, etag: str) -> Copy:
        """Raises Replaced if the blob is no longer the version `etag`."""
        version = (name, etag)
        if version not in self._copies:
            path = await self._new_path("whole")
            self._copies[version] = await _download(container, name, etag, path)
        return self._copies[version]

    async def sides(self, container: Container, name: str, etag: str, sha256: str) -> Sides:
        """Its two sides, split by the same seed each time. Raises Replaced as `whole` does, and
        where the bytes are not those of that digest."""
        copy = await self.whole(container, name, etag)
        check_bytes(name, copy.sha256, sha256)
        version = (name, etag)
        if version not in self._sides:
            training, held = await self._new_path("training"), await self._new_path("validation")
            await self._split(copy.path, training, held, HELD_OUT, SEED)
            split = await asyncio.to_thread(held.exists)
            self._sides[version] = Sides(training, held) if split else Sides(copy.path, None)
        return self._sides[version]

    async def _new_path(self, name: str) -> Path:
        if self._folder is None:
            self._folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="tunedrop-")
        return Path(self._folder.name) / f"{next(self._numbers)}-{name}.jsonl"


def check_bytes(name: str, sha256: str, expected: str) -> None:
    """Raises Replaced where bytes that were read are not those that a run is made of."""
    if sha256 != expected:
        raise Replaced(f"{shown(name)} has the SHA-256 {sha256}, not {expected}.")


async def _download(container: Container, name: str, etag: str, path: Path) -> Copy:
    digest, lines = hashlib.sha256(), 0
    file: IO[bytes] = await asyncio.to_thread(path.open, "wb")
    try:
        async for chunk in container.stream(name, etag):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
    return Copy(path, digest.hexdigest(), lines)
