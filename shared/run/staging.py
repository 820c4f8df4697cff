"""Files that are staged: sent to the app before they are dropped, so that they can be tried first.

    staged/<id>/<name>         a file, under a name that it has in a drop's folder
    staged/<id>/check.json     what they were when they were tried, and whether they may be dropped
    staged/<id>/report.html    the report of that; also report.json
    staged/<id>/drop.json      what was made of them

in the runs container. The id is whoever's who stages them: 128 bits that nobody guesses. They are
forgotten after a day. Knows names and sizes, not what is in the files.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from shared.cloud.container import BlobInfo, Container
from shared.errors import CallerError, DropError, NotFound
from shared.model import assertions
from shared.printable import shown
from shared.run import folder, run_yaml
from shared.run.folder import DropRole

PREFIX = "staged/"
ID = re.compile(r"[0-9a-f]{32}")
WHOLE = "dataset.jsonl"  # is dropped as <model>.jsonl: a part of it is held out
KEPT = timedelta(days=1)
MOST_FILES = 8
LONGEST_NAME = 200  # characters
# Of one request, as the Functions host takes it unless FUNCTIONS_REQUEST_BODY_SIZE_LIMIT says more:
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
LARGEST = 100 * 2**20  # bytes
LARGEST_OF = {
    DropRole.TRAINING: LARGEST,
    DropRole.VALIDATION: LARGEST,
    DropRole.SPEC: run_yaml.LARGEST,
    DropRole.ASSERTIONS: assertions.LARGEST,
}
NAMES = (
    "Name it training….jsonl, validation….jsonl, run.yaml or promptfooconfig.yaml; or "
    f"{WHOLE}, for a whole dataset of which a part is to be held out."
)


@dataclass(frozen=True)
class StagedFile:
    """`size` in bytes; `sha256` of them."""

    name: str
    role: DropRole
    size: int
    sha256: str
    etag: str


class Staging:
    """What was staged under one id. Raises CallerError for what is no id."""

    def __init__(self, runs: Container, id: str) -> None:
        if not ID.fullmatch(id):
            raise CallerError(
                f"{shown(id, 40)!r} is no id of staged files.",
                "Choose 32 hexadecimal digits at random, in small letters.",
            )
        self.runs, self.id = runs, id

    def path(self, name: str) -> str:
        return f"{PREFIX}{self.id}/{name}"

    async def put(
        self, name: str, chunks: AsyncIterator[bytes], told: int | None = None
    ) -> StagedFile:
        """Take a file, in the place of one of the same name. `told`: how many bytes it was said to
        have. Raises CallerError for a name that no drop has, and for a size that cannot be."""
        role = role_of(name)
        others = [file for file in await self._names() if file != name]
        if len(others) >= MOST_FILES:
            raise CallerError(
                f"{len(others)} files are staged already.", "Begin anew, with another id."
            )
        received = _Received(name, LARGEST_OF[role], chunks)
        upload = await self.runs.upload(self.path(name), received.bytes(), "application/x-ndjson")
        received.check(told)
        etag = await upload.commit()
        return StagedFile(name, role, received.size, received.digest.hexdigest(), etag)

    async def files(self) -> dict[str, BlobInfo]:
        """The files by their names. Raises NotFound where there is none."""
        found = {
            blob.name.removeprefix(self.path("")): blob
            async for blob in self.runs.list(self.path(""))
        }
        files = {name: blob for name, blob in found.items() if is_name(name)}
        if not files:
            raise NotFound(
                f"Nothing is staged as {self.id}.",
                "Stage the files again: they are forgotten after a day.",
            )
        return files

    async def _names(self) -> list[str]:
        try:
            return [*await self.files()]
        except NotFound:
            return []

    async def document(self, name: str) -> bytes | None:
        found = await self.runs.read(self.path(name))
        return found.data if found else None

    async def keep(self, name: str, data: bytes, content_type: str = "application/json") -> None:
        await self.runs.put(self.path(name), data, content_type)

    async def discard(self, *names: str) -> None:
        for name in names:
            await self.runs.delete(self.path(name))


class _Received:
    """Bytes as they come, counted."""

    def __init__(self, name: str, most: int, chunks: AsyncIterator[bytes]) -> None:
        self._name, self._most, self._chunks = name, most, chunks
        self.size, self.digest = 0, hashlib.sha256()

    async def bytes(self) -> AsyncIterator[bytes]:
        """Raises CallerError at the first byte that is too many."""
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._most:
                raise too_large(self._name, self._most)
            self.digest.update(chunk)
            yield chunk

    def check(self, told: int | None) -> None:
        """Raises CallerError for a file that is empty, or that has not come whole."""
        if told is not None and told != self.size:
            raise CallerError(
                f"Of {shown(self._name)} {self.size:,} bytes have come, and {told:,} were told.",
                "Send it again.",
            )
        if not self.size:
            raise CallerError(f"{shown(self._name)} is empty.", "Send a file with content.")


def too_large(name: str, most: int) -> CallerError:
    push = "With `tunedrop push` a dataset goes straight into storage, up to what the service takes"
    return CallerError(
        f"{shown(name)} has more than {most:,} bytes, the most that is taken this way.",
        f"{push}." if most == LARGEST else "Make it smaller.",
    )


def role_of(name: str) -> DropRole:
    """What a file of that name is in a drop. Raises CallerError for a name that has no place."""
    if name == WHOLE:
        return DropRole.TRAINING
    try:
        if "/" in name or len(name) > LONGEST_NAME:
            raise DropError("It is no name of a file.")
        return folder.parse(f"model/{name}")[1]
    except DropError:
        raise CallerError(f"{shown(name)!r} has no place in a drop.", NAMES) from None


def is_name(name: str) -> bool:
    try:
        role_of(name)
    except CallerError:
        return False
    return True


def dropped_as(name: str, model: str) -> str:
    """The blob's name in the datasets container."""
    return f"{model}.jsonl" if name == WHOLE else f"{model}/{name}"


async def forget(runs: Container) -> None:
    """Delete what was staged more than a day ago, by storage's clock."""
    oldest = await runs.time() - KEPT
    old = [blob.name async for blob in runs.list(PREFIX) if blob.modified < oldest]
    for name in old:
        await runs.delete(name)
