"""Delivers what lies in the outbox, beside the ticks: no run waits for a receiver.

One worker delivers at a time, for a bounded time and with a bounded time for each call. A receiver
that does not answer is left alone for a while, longer each time; what it refuses by itself is asked
of it again apart from the others. What it has not had for three days is given up, and that is told:
in the app's log, and by the doctor. Knows when to try, not what is told.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import telemetry
from shared.cloud.container import BlobInfo
from shared.cloud.receivers import GONE
from shared.errors import Newer, Refused, TunedropError, Unavailable, Unreadable
from shared.model.history import Change
from shared.printable import shown
from shared.run.context import Context
from shared.run.notifications import Notification, Try, as_event, of_change
from shared.run.outbox import Outbox, Troubles

log = logging.getLogger(__name__)

MOST = 100  # that one delivery sends to a receiver; those left over come first in the next
MOST_READ = 1_000  # that it looks at: some wait for another receiver, or for their time


def begin(ctx: Context) -> None:
    """Deliver beside whatever else is done, unless a delivery of this process is under way."""
    if ctx.delivering or not ctx.clients.receivers.names:
        return
    task = asyncio.create_task(_isolated(ctx))
    ctx.delivering.add(task)
    task.add_done_callback(ctx.delivering.discard)


async def _isolated(ctx: Context) -> None:
    try:
        await deliver(ctx)
    except TunedropError as error:
        log.warning("notifications were not delivered: %s", error)
    except Exception:
        log.exception("the delivery of notifications went wrong")


async def deliver(ctx: Context) -> None:
    """Tell each receiver what it does not have yet, as far as that goes now."""
    outbox = Outbox(ctx.clients.runs)
    waiting = await outbox.waiting()
    if not waiting:
        return
    async with outbox.claim() as claimed:
        if claimed:
            await _Delivery(ctx, outbox, await outbox.troubles()).deliver(waiting)


@dataclass
class _Kept:
    """A notification as it lies in the outbox."""

    one: Notification
    etag: str


@dataclass
class _Delivery:
    ctx: Context
    outbox: Outbox
    troubles: Troubles
    changes: dict[str, Mapping[str, Change]] = field(default_factory=dict)

    async def deliver(self, waiting: list[BlobInfo]) -> None:
        known, until = self.troubles, self.ctx.uptime() + self.ctx.policy.delivery_time
        names = self.ctx.clients.receivers.names
        awake = [name for name in names if not known.of(name).resting(self.ctx.now())]
        ready = await self._ready(waiting, awake)
        for receiver in awake:
            await self._tell(receiver, ready, until)
        for kept in ready:
            await self._settle(kept)
        if self.troubles != known:
            await self.outbox.note(self.troubles)

    # ---- what is ready to be told

    async def _ready(self, waiting: list[BlobInfo], awake: list[str]) -> list[_Kept]:
        """Until each receiver has as many as it is sent, or all are read."""
        found, due, now = list[_Kept](), Counter[str](), self.ctx.now()
        for blob in waiting[:MOST_READ]:
            if awake and all(due[receiver] >= MOST for receiver in awake):
                break
            if (awake or self._too_old(blob.modified)) and (kept := await self._read(blob)):
                found.append(kept)
                due.update(receiver for receiver in awake if _due(kept.one, receiver, now))
        return found

    async def _read(self, blob: BlobInfo) -> _Kept | None:
        """None for what cannot be told now. What cannot be read goes when others would as well."""
        try:
            found = await self.outbox.read(blob.name)
        except Newer:
            return None
        except Unreadable as error:
            if self._too_old(blob.modified):
                log.error("%s It is removed.", error.message)
                await self.ctx.clients.runs.delete(blob.name)
            return None
        if found is None:
            return None
        one = await self._as_it_happened(found[0])
        return _Kept(one, found[1]) if one else None

    async def _as_it_happened(self, one: Notification) -> Notification | None:
        """What awaits a change that has not come goes after a while: whoever was about to make it
        has died, or others have changed the model first."""
        if one.awaits is None:
            return one
        try:
            changes = await self._changes(one.awaits.model)
        except Unreadable:  # somebody has to put its record back first
            return None
        if change := changes.get(one.awaits.change):
            return of_change(one, change)
        if self.ctx.now() - one.at > self.ctx.policy.change_wait:
            log.info("%s was not told: it has not happened", one.id)
            await self.outbox.remove(one.id)
        return None

    async def _changes(self, name: str) -> Mapping[str, Change]:
        """Of a model's champion, by their ids."""
        if name not in self.changes:
            model = await self.ctx.registry.load(name)
            self.changes[name] = {change.id: change for change in model.history} if model else {}
        return self.changes[name]

    # ---- one receiver

    async def _tell(self, receiver: str, ready: list[_Kept], until: float) -> None:
        now = self.ctx.now()
        due = [kept for kept in ready if _due(kept.one, receiver, now)]
        # What has been refused stands in nobody's way.
        for kept in sorted(due, key=lambda kept: (_tries(kept.one, receiver), kept.one.at))[:MOST]:
            if self.ctx.uptime() > until:
                return
            try:
                await self._send(receiver, kept.one)
            except Refused as error:
                await self._refused(receiver, kept, error)
            except Unavailable as error:
                self._rests(receiver, error)
                return
            else:
                await self._received(receiver, kept)

    async def _send(self, receiver: str, one: Notification) -> None:
        source = f"/tunedrop/{self.ctx.settings.account}/{self.ctx.app_id}"
        event = as_event(one, source)
        await self.ctx.clients.receivers.send(receiver, one.id, event, self.ctx.now())

    async def _refused(self, receiver: str, kept: _Kept, error: Refused) -> None:
        """It is sent again, later each time; where the receiver wants no more, not at all."""
        one = kept.one
        if error.status == GONE:
            await self._give_up(receiver, kept, error.message)
            return
        count = _tries(one, receiver) + 1
        if count == 1:
            log.warning("%s of %s was refused: %s", one.type, shown(one.subject), error)
        pause = self.ctx.policy.pause(count, None, random.random())
        again = Try(count=count, not_before=self.ctx.now() + pause)
        await self._keep(kept, tries={**one.tries, receiver: again})

    def _rests(self, receiver: str, error: Unavailable) -> None:
        """Told once, however often it is met in a row."""
        before, now = self.troubles.of(receiver), self.ctx.now()
        if error.message != before.problem:
            log.error("no notification arrives (%s): %s", receiver, error)
        failures = before.failures + 1
        pause = self.ctx.policy.pause(failures, error.retry_after, random.random())
        self._note(
            receiver,
            failures=failures,
            problem=error.message,
            fix=error.fix,
            since=before.since or now,
            not_before=now + pause,
        )

    async def _received(self, receiver: str, kept: _Kept) -> None:
        telemetry.measure("tunedrop.notifications", result="delivered")
        await self._keep(kept, received=(*kept.one.received, receiver))
        if self.troubles.of(receiver).failures:
            log.warning("notifications arrive again (%s)", receiver)
            self._note(receiver, failures=0, problem="", fix="", since=None, not_before=None)

    def _note(self, receiver: str, **changes: Any) -> None:
        changed = self.troubles.of(receiver).replace(**changes)
        self.troubles = self.troubles.with_trouble(receiver, changed)

    # ---- what becomes of one notification

    async def _keep(self, kept: _Kept, **changes: Any) -> None:
        kept.one = kept.one.replace(**changes)
        kept.etag = await self.outbox.keep(kept.one, kept.etag)

    async def _give_up(self, receiver: str, kept: _Kept, why: str) -> None:
        """As if it had been received; but told, in the log and by the doctor."""
        one = kept.one
        log.error("%s of %s was given up (%s): %s", one.type, shown(one.subject), receiver, why)
        telemetry.measure("tunedrop.notifications", result="given up")
        given_up = self.troubles.of(receiver).given_up + 1
        self._note(receiver, given_up=given_up, given_up_at=self.ctx.now(), given_up_why=why)
        await self._keep(kept, received=(*one.received, receiver))

    async def _settle(self, kept: _Kept) -> None:
        """What everybody has, or cannot be given any more, lies in the outbox no longer."""
        names = self.ctx.clients.receivers.names
        if self._too_old(kept.one.at):
            for receiver in set(names) - set(kept.one.received):
                why = self.troubles.of(receiver).problem or "It was refused each time."
                await self._give_up(receiver, kept, why)
        if set(names) <= set(kept.one.received):
            await self.outbox.told(kept.one.id)

    def _too_old(self, at: datetime) -> bool:
        return self.ctx.now() - at > self.ctx.policy.tell_for


def _due(one: Notification, receiver: str, now: datetime) -> bool:
    tried = one.tries.get(receiver)
    return receiver not in one.received and not (tried and tried.resting(now))


def _tries(one: Notification, receiver: str) -> int:
    tried = one.tries.get(receiver)
    return tried.count if tried else 0
