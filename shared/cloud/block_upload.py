"""A blob sent block by block, to be seen at once and whole, or not at all.

Knows blocks and what storage says of them, not what the bytes are.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from azure.core.exceptions import HttpResponseError

from shared.cloud.container import Upload
from shared.cloud.storage_answers import bare, code
from shared.errors import Conflict, Refused

if TYPE_CHECKING:
    from azure.storage.blob import ContentSettings
    from azure.storage.blob.aio import BlobClient

BLOCK = 1 << 20  # bytes of one request; aiohttp warns of more


class BlockUpload(Upload):
    """`name` is told in errors; `translated` makes them of storage's exceptions;
    `committed` is called once the blob is there. Blocks that are
    never committed are forgotten by storage after a week.
    https://learn.microsoft.com/rest/api/storageservices/put-block"""

    def __init__(
        self,
        blob: "BlobClient",
        name: str,
        content: "ContentSettings",
        translated: Callable[[], AbstractContextManager[None]],
        committed: Callable[[], None],
    ) -> None:
        self._blob, self._name, self._content = blob, name, content
        self._translated, self._committed = translated, committed
        self._stem = uuid.uuid4().hex  # two uploads of the same blob do not mix their blocks
        self._sent: list[str] = []

    async def send(self, chunks: AsyncIterator[bytes]) -> None:
        async for block in _blocks(chunks):
            id = f"{self._stem}-{len(self._sent):05}"
            with self._told():
                await self._blob.stage_block(id, block, len(block))
            self._sent.append(id)

    async def commit(self) -> str:
        from azure.storage.blob import BlobBlock

        blocks = [BlobBlock(id) for id in self._sent]
        with self._told():
            written = await self._blob.commit_block_list(blocks, content_settings=self._content)
        self._committed()
        return bare(str(written["etag"]))

    @contextmanager
    def _told(self) -> Iterator[None]:
        with self._translated():
            try:
                yield
            except HttpResponseError as error:
                # Whoever commits a blob throws away the blocks that others have sent for it.
                if code(error) == "InvalidBlockList":
                    message = f"{self._name} was written by somebody else meanwhile."
                    raise Conflict(message, "Try again.") from error
                if code(error) == "InvalidBlobType":
                    raise Refused(
                        f"{self._name} lies there as a blob of another kind, which cannot be "
                        "written over.",
                        "Delete it, and try again.",
                    ) from error
                raise


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in blocks of one size; only the last is smaller."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= BLOCK:
            yield bytes(held[:BLOCK])
            del held[:BLOCK]
    if held:
        yield bytes(held)
