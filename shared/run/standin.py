"""Calls stand in for a timer that is dead: each may do a share of what a tick would do.

Every call, chat and drop only asks whether it is time to look, which costs it nothing; the look and
the share go on beside it. One share at a time over all instances, by a lease; a process looks once
a minute at most while the timer is well, and once for each missing tick where it is dead. What a
share leaves undone, because its host was frozen or ended, the next one does. Knows nothing of HTTP.
"""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from shared import telemetry
from shared.cloud.documents import Document, Moment
from shared.errors import Conflict, TunedropError
from shared.run import heartbeat, ticking, timer
from shared.run.context import Context
from shared.run.heartbeat import Heartbeat
from shared.run.schedule import Schedule

log = logging.getLogger(__name__)

NAME = "reconciler/share"  # whoever holds its lease does the share
LOOK_SECONDS = 60.0  # between two looks of a process
LEAST_SECONDS = 1.0

FORGOTTEN = "reconciler/forgotten.json"
FORGET_EVERY = timedelta(days=1)


class Forgotten(Document):
    """When what is remembered was last forgotten in the place of the timer that does so daily."""

    at: Moment


class Standin:
    """One for each process. `forget` deletes what has been remembered for long enough; a timer of
    its own does so each day, which is as dead as the other."""

    def __init__(self, ctx: Context, forget: Callable[[], Awaitable[None]]) -> None:
        self.ctx, self.forget = ctx, forget
        self.schedule = Schedule.read(ctx.settings.tick)
        self._look_at = 0.0  # by the context's uptime
        self._task: asyncio.Task[None] | None = None
        self._told: datetime | None = None

    def called(self) -> None:
        """At every call from outside, on the event loop. Begins a look if it is time for one, and
        waits for nothing."""
        if self.ctx.uptime() < self._look_at or (self._task and not self._task.done()):
            return
        self._look_at = self.ctx.uptime() + LOOK_SECONDS
        # With a context of its own: it is no part of the call's trace.
        self._task = asyncio.get_running_loop().create_task(
            self.look(), context=contextvars.Context()
        )

    async def look(self) -> None:
        """Look at the heartbeat, and do a share if one is due. Raises nothing."""
        try:
            heart = await heartbeat.latest(self.ctx.clients.runs)
            if self._is_due(heart):
                async with telemetry.event("standing_in"):
                    heart = await self._stand_in() or heart
            self._look_at = self.ctx.uptime() + self._pause(heart)
        except TunedropError as error:
            log.warning("whether the timer is alive is not known: %s", error)
        except Exception:
            log.exception("standing in for the timer went wrong")

    def _is_due(self, heart: Heartbeat | None) -> bool:
        return timer.share_is_due(heart, self.schedule, self.ctx.now())

    def _pause(self, heart: Heartbeat | None) -> float:
        """Seconds until the next look: of a timer that is dead, until a tick should come."""
        now = self.ctx.now()
        if heart is None or timer.dead_since(heart, self.schedule, now) is None:
            return LOOK_SECONDS
        expected = self.schedule.after(now)
        left = (expected - now).total_seconds() if expected else LOOK_SECONDS
        return min(max(left, LEAST_SECONDS), LOOK_SECONDS)

    async def _stand_in(self) -> Heartbeat | None:
        """The heartbeat of the share; None where another has done it, or is about to."""
        runs, policy = self.ctx.clients.runs, self.ctx.policy
        with suppress(Conflict):  # it is there already
            await runs.create(NAME, b"", "text/plain")
        async with runs.lease(NAME) as lease:
            if lease is None:
                return None
            every = self.ctx.sweep_every
            stood_in = await heartbeat.stand_in(
                runs, self.ctx.now(), policy.downtime_after, every, self._is_due
            )
            if stood_in is None:
                return None
            heart, sweep_due = stood_in
            self._tell(heart)
            ctx = replace(self.ctx, awake_since=heart.awake_since)
            await ticking.share(ctx, sweep_due, await self._daily(heart))
            telemetry.measure("tunedrop.shares")
            return heart

    async def _daily(self, heart: Heartbeat) -> dict[str, ticking.Work]:
        """The daily timer's work, once a day in which no timer has ticked. It is noted before it is
        done: what takes too long is not begun at each call."""
        try:
            known = await self.ctx.clients.runs.update(
                FORGOTTEN, Forgotten, lambda known: self._due_today(known, heart)
            )
        except TunedropError as error:  # no run waits for that
            log.error("nothing is forgotten: %s", error)
            return {}
        if known is None or known.at != heart.last:
            return {}

        async def forget(ctx: Context) -> None:
            await self.forget()

        return {"what is to be forgotten": forget}

    def _due_today(self, known: Forgotten | None, heart: Heartbeat) -> Forgotten | None:
        last = max(heart.ticked, min(known.at, heart.last)) if known else heart.ticked
        return Forgotten(at=heart.last) if heart.last - last >= FORGET_EVERY else None

    def _tell(self, heart: Heartbeat) -> None:
        """Once of each silence, in each process."""
        since = timer.dead_since(heart, self.schedule, self.ctx.now())
        if since and since != self._told:
            self._told = since
            log.error("%s", timer.told(since, heart.last, self.ctx.settings.tick))
