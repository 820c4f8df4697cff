"""Storage for keys that tests take away, and stores of several processes on it."""

import asyncio
from datetime import UTC, datetime

from shared.chat.key_store import KeyStore
from shared.cloud.container import Content
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable

AT = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Storage(MemoryContainer):
    """It does not answer while `away`, and not before `answers` is set while it `hangs`."""

    def __init__(self) -> None:
        super().__init__("models")
        self.away = self.hangs = self.forgets_to_say = False
        self.answers, self.asked = asyncio.Event(), asyncio.Event()
        self.reads = 0

    async def read(self, name: str) -> Content | None:
        self.reads += 1
        found = await super().read(name)
        if self.hangs:
            self.asked.set()
            await self.answers.wait()
        self._check()
        return found

    async def create(self, name: str, data: bytes, content_type: str = "") -> str:
        self._check()
        etag = await super().create(name, data)
        if self.forgets_to_say:
            raise Unavailable("The connection was reset.")
        return etag

    async def replace(self, name: str, data: bytes, etag: str) -> str:
        self._check()
        return await super().replace(name, data, etag)

    def _check(self) -> None:
        if self.away:
            raise Unavailable("Storage does not answer.")


def store(storage: MemoryContainer, clock: Clock | None = None) -> KeyStore:
    return KeyStore(storage, clock or Clock(), lambda: AT)


async def valid(store: KeyStore) -> list[str]:
    return [key.name for key in (await store.current()).valid]
