"""What is to be told to others, kept until they have it: the outbox in the runs container.

    outbox/<event id>            a notification that some receiver does not have yet
    notified/<event id>          an empty blob: everybody has it, or it was given up
    reconciler/receivers.json    what is in the way of each receiver, and until when it rests
    reconciler/outbox            its lease is the claim on delivering: one worker at a time

What was told is kept in mind for a week, so whoever adds the same event again, having died after
the first time, tells nothing twice. Knows documents, neither who receives them nor when.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from pydantic import Field

from shared.cloud.container import BlobInfo, Container
from shared.cloud.documents import Count, Document, Frozen, Moment, as_json
from shared.errors import Conflict, Unreadable
from shared.run.notifications import Notification, rests

WAITING = "outbox/"
TOLD = "notified/"
RECEIVERS = "reconciler/receivers.json"
CLAIM = "reconciler/outbox"
KEPT_IN_MIND = timedelta(days=7)


class Trouble(Frozen):
    """What is in the way of a receiver: `failures` in a row, the last one's words, `since` the
    first. `given_up`: notifications that it never had, the last one `given_up_at`."""

    failures: Count = 0
    problem: str = ""
    fix: str = ""
    since: Moment | None = None
    not_before: Moment | None = None
    given_up: Count = 0
    given_up_at: Moment | None = None
    given_up_why: str = ""

    def resting(self, now: datetime) -> bool:
        return rests(self.not_before, now)


class Troubles(Document):
    receivers: dict[str, Trouble] = Field({})

    def of(self, receiver: str) -> Trouble:
        return self.receivers.get(receiver, Trouble())

    def with_trouble(self, receiver: str, trouble: Trouble) -> "Troubles":
        return self.replace(receivers={**self.receivers, receiver: trouble})


class Outbox:
    def __init__(self, runs: Container) -> None:
        self.runs = runs

    async def add(self, one: Notification) -> None:
        """Nothing happens where it waits already or was told before."""
        if await self.runs.info(f"{TOLD}{one.id}") is None:
            with suppress(Conflict):
                await self.runs.create(f"{WAITING}{one.id}", as_json(one))

    async def waiting(self) -> list[BlobInfo]:
        """Those that nobody has looked at for longest come first."""
        found = [blob async for blob in self.runs.list(WAITING)]
        return sorted(found, key=lambda blob: (blob.modified, blob.name))

    async def read(self, name: str) -> tuple[Notification, str] | None:
        """With its etag. Raises Unreadable."""
        return await self.runs.record(name, Notification)

    async def keep(self, one: Notification, etag: str) -> str:
        """Its new etag. Raises Conflict."""
        return await self.runs.replace(f"{WAITING}{one.id}", as_json(one), etag)

    async def told(self, id: str) -> None:
        """The marker comes first: a crash in between has it told once more, and never forgotten."""
        await self.runs.put(f"{TOLD}{id}", b"", "text/plain")
        await self.remove(id)

    async def remove(self, id: str) -> None:
        await self.runs.delete(f"{WAITING}{id}")

    async def forget(self, now: datetime) -> None:
        """What was told long ago."""
        old = [blob async for blob in self.runs.list(TOLD) if now - blob.modified > KEPT_IN_MIND]
        for blob in old:
            await self.runs.delete(blob.name)

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[bool]:
        """Whether this worker is the one that delivers, for as long as the block runs."""
        with suppress(Conflict):
            await self.runs.create(CLAIM, b"", "text/plain")
        async with self.runs.lease(CLAIM) as lease:
            yield lease is not None

    async def troubles(self) -> Troubles:
        """None are known where they cannot be read: the next ones replace them."""
        try:
            found = await self.runs.record(RECEIVERS, Troubles)
        except Unreadable:
            return Troubles()
        return found[0] if found else Troubles()

    async def note(self, troubles: Troubles) -> None:
        await self.runs.put(RECEIVERS, as_json(troubles), "application/json")
