"""The datasets as they would be with staged files in them: to be read, and never written.

Knows names, not what the files are.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

from shared.cloud.container import BlobInfo, Container, Content, Upload
from shared.run.staging import Staging, dropped_as

LATER = timedelta(seconds=1)  # storage tells whole seconds: newer than all that lies there


class Overlay(Container):
    """`staged`: by the names that they would have. `alone`: as if nothing else lay there."""

    def __init__(
        self,
        datasets: Container,
        staging: Staging,
        staged: Mapping[str, tuple[str, BlobInfo]],
        *,
        alone: bool = False,
    ) -> None:
        self.name, self.id = datasets.name, datasets.id
        self._datasets, self._staging, self._staged = datasets, staging, staged
        self._alone = alone

    @classmethod
    async def of(
        cls, staging: Staging, model: str, datasets: Container, *, alone: bool = False
    ) -> "Overlay":
        """As if they were dropped for the model right now. Raises NotFound where nothing is
        staged."""
        now = await datasets.time() + LATER
        files = await staging.files()
        return cls(
            datasets,
            staging,
            {
                dropped_as(name, model): (name, replace(blob, name=path, modified=now))
                for name, blob in files.items()
                for path in (dropped_as(name, model),)
            },
            alone=alone,
        )

    def staged_name(self, path: str) -> str | None:
        """The name under which a blob is staged; None for one that lies in the datasets."""
        return self._staged[path][0] if path in self._staged else None

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        found: dict[str, BlobInfo] = {}
        if not self._alone:
            found = {blob.name: blob async for blob in self._datasets.list(prefix)}
        found |= {path: blob for path, (_, blob) in self._staged.items() if path.startswith(prefix)}
        for _, blob in sorted(found.items()):
            yield blob

    async def info(self, name: str) -> BlobInfo | None:
        if name in self._staged:
            return self._staged[name][1]
        return None if self._alone else await self._datasets.info(name)

    async def stream(self, name: str, etag: str) -> AsyncIterator[bytes]:
        if name in self._staged:
            chunks = self._staging.runs.stream(self._staging.path(self._staged[name][0]), etag)
        else:
            chunks = self._datasets.stream(name, etag)
        async for chunk in chunks:
            yield chunk

    async def time(self) -> datetime:
        return await self._datasets.time()

    # ---- what nobody may do here

    async def read(self, name: str) -> Content | None:
        self._refuse()

    async def create(self, name: str, data: bytes, content_type: str = "application/json") -> str:
        self._refuse()

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        self._refuse()

    async def put(self, name: str, data: bytes, content_type: str) -> None:
        self._refuse()

    async def upload(self, name: str, chunks: AsyncIterator[bytes], content_type: str) -> Upload:
        self._refuse()

    async def _append(self, name: str, data: bytes) -> None:
        self._refuse()

    async def delete(self, name: str, lease: str | None = None) -> None:
        self._refuse()

    def grown(self, name: str) -> AsyncIterator[bytes]:
        self._refuse()

    def lease(self, name: str) -> AbstractAsyncContextManager[str | None]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise AssertionError("a drop that is only tried changes nothing")
