"""One storage account for all hosts: containers by the rules of MemoryContainer, and leases that
end by storage's clock unless they are renewed.

Each host sees it through a view of its own: there every call goes over the network, where it may be
lost, late or refused, and a lease is renewed in the background as AzureContainer does it.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from shared.cloud.container import LEASE_SECONDS, Container
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Conflict, Unavailable
from tests.simulation.network import Caller, Network, driven
from tests.support.clock import Clock


class Storage(MemoryContainer):
    """What is there. Calls of the views take effect here, one after the other."""

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock.now)
        self.id = f"simulated/{name}"
        self.clock = clock
        self._leases: dict[str, tuple[str, float]] = {}  # the last of each blob, and when it ends
        self._granted = 0

    def bytes_of(self, name: str) -> bytes | None:
        blob = self._blobs.get(name)
        return blob.data if blob else None

    def names(self, prefix: str = "") -> list[str]:
        return sorted(name for name in self._blobs if name.startswith(prefix))

    def holder(self, name: str) -> str | None:
        """The lease that holds the blob now."""
        self._expire(name)
        blob = self._blobs.get(name)
        return blob.lease if blob else None

    def acquire(self, name: str) -> str | None:
        self._expire(name)
        blob = self._blobs.get(name)
        if blob is None or blob.lease:
            return None
        self._granted += 1
        return self._hold(name, f"lease-{self._granted}")

    def renew(self, name: str, lease: str) -> None:
        """Also one that has ended, as long as nobody else has held the blob since."""
        self._expire(name)
        blob = self._blobs.get(name)
        if blob is None or self._leases[name][0] != lease or blob.lease not in (lease, None):
            raise Conflict(f"{name} is held by another worker.")
        self._hold(name, lease)

    def release(self, name: str, lease: str) -> None:
        blob = self._blobs.get(name)
        if blob and blob.lease == lease:
            self._blobs[name] = replace(blob, lease=None)

    def _hold(self, name: str, lease: str) -> str:
        self._blobs[name] = replace(self._blobs[name], lease=lease)
        self._leases[name] = (lease, self._seconds() + LEASE_SECONDS)
        return lease

    def _expire(self, name: str) -> None:
        blob = self._blobs.get(name)
        if blob and blob.lease and self._leases[name][1] <= self._seconds():
            self._blobs[name] = replace(blob, lease=None)

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time()

    async def _get(self, name: str) -> Any:
        self._expire(name)
        return await super()._get(name)


def view_of(there: Storage, network: Network, caller: Caller) -> Container:
    """A host's own way to the container: the same methods, each over the network."""
    own = {
        name: _streamed(name) if _is_stream(name) else _called(name)
        for name in Container.__abstractmethods__ - {"lease"}
    }
    kind = type("View", (_View,), own)
    view: Container = kind(there, network, caller)
    return view


def _is_stream(name: str) -> bool:
    return inspect.isasyncgenfunction(getattr(MemoryContainer, name))


def _called(operation: str) -> Callable[..., Any]:
    async def method(self: "_View", *args: Any, **options: Any) -> Any:
        method, subject = getattr(self.there, operation), str(args[0]) if args else ""
        return await self.ask(operation, subject, lambda: driven(method(*args, **options)))

    return method


def _streamed(operation: str) -> Callable[..., Any]:
    """A listing, or the pieces of a blob: all of it as it was at one moment."""

    async def method(self: "_View", *args: Any, **options: Any) -> AsyncIterator[Any]:
        async def gather() -> list[Any]:
            return [item async for item in getattr(self.there, operation)(*args, **options)]

        for item in await self.ask(operation, str(args[:1]), lambda: driven(gather())):
            yield item

    return method


class _View(Container):
    def __init__(self, there: Storage, network: Network, caller: Caller) -> None:
        self.there, self.network, self.caller = there, network, caller
        self.name, self.id = there.name, there.id

    async def ask(self, operation: str, subject: str, effect: Callable[[], Any]) -> Any:
        where = f"{self.name}/{subject}"
        return await self.network.call(self.caller, "storage", operation, where, effect)

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[str | None]:
        try:
            lease = await self.ask("acquire", name, lambda: self.there.acquire(name))
        except Conflict:
            lease = None
        if lease is None:
            yield None
            return
        renewing = asyncio.create_task(self._renew(name, lease))
        self.caller.leases.add(lease)
        try:
            yield lease
        finally:
            renewing.cancel()
            self.caller.leases.discard(lease)
            with suppress(Unavailable, Conflict):
                await self.ask("release", name, lambda: self.there.release(name, lease))

    async def _renew(self, name: str, lease: str) -> None:
        while True:
            await self.caller.sleep(LEASE_SECONDS / 3)
            with suppress(Unavailable, Conflict):
                await self.ask("renew", name, lambda: self.there.renew(name, lease))
