"""When the app last looked after its runs: one small document, written at every tick.

It lets a late tick know that the app was not running, and people and alerts that it is. Where calls
stand in for a timer that is dead, it says since when the timer has not ticked.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from shared.cloud.container import Container
from shared.cloud.documents import Document, Moment, as_json
from shared.errors import Conflict, Unreadable

log = logging.getLogger(__name__)

NAME = "reconciler/heartbeat.json"


class Heartbeat(Document):
    """`awake_since` is when the unbroken row of ticks began that `last` is the newest of; `gap` the
    time between it and the one before. `timer` is when the timer itself last ticked, or since when
    it has been waited for; None in records from before anybody stood in for it."""

    last: Moment
    gap: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=36_500))] = timedelta(0)
    awake_since: Moment
    swept: Moment
    timer: Moment | None = None

    @property
    def ticked(self) -> datetime:
        return self.timer or self.last


async def beat(
    runs: Container, now: datetime, downtime_after: timedelta, sweep_every: timedelta
) -> tuple[Heartbeat, bool]:
    """Note a tick; the heartbeat as it is now, and whether a sweep is due.

    A time that lies ahead was told by a clock that is wrong, then or now. It holds nothing up: a
    sweep of then is due again, and what was awake then is so since now.
    """
    heartbeat, due = _next(await latest(runs), now, downtime_after, sweep_every)
    try:
        await write(runs, heartbeat)
    except Conflict as error:  # somebody has leased it: no run waits for that
        log.error("%s", error)
    return heartbeat, due


async def stand_in(
    runs: Container,
    now: datetime,
    downtime_after: timedelta,
    sweep_every: timedelta,
    due: Callable[[Heartbeat | None], bool],
) -> tuple[Heartbeat, bool] | None:
    """The same for a call that does the timer's work: the time of the timer's own last tick stays.
    None if it is not `due` any more, or somebody else has been quicker."""
    try:
        found = await runs.record(NAME, Heartbeat)
    except Unreadable:
        found = None
    before, etag = found or (None, "")
    if not due(before):
        return None
    heartbeat, sweep_due = _next(before, now, downtime_after, sweep_every)
    heartbeat = heartbeat.replace(timer=min(before.ticked, now) if before else now)
    try:
        if before:
            await runs.replace(NAME, as_json(heartbeat), etag)
        else:
            await write(runs, heartbeat)
    except Conflict:
        return None
    return heartbeat, sweep_due


def _next(
    before: Heartbeat | None, now: datetime, downtime_after: timedelta, sweep_every: timedelta
) -> tuple[Heartbeat, bool]:
    gap = max(now - before.last, timedelta(0)) if before else timedelta(0)
    # A setting may have the timer tick more rarely than a downtime is short.
    unbroken = before is not None and gap < max(downtime_after, 2 * before.gap)
    due = before is None or not timedelta(0) <= now - before.swept < sweep_every
    heartbeat = Heartbeat(
        last=now,
        gap=gap,
        awake_since=min(before.awake_since, now) if before and unbroken else now,
        swept=before.swept if before and not due else now,
        timer=now,
    )
    return heartbeat, due


async def write(runs: Container, heartbeat: Heartbeat) -> None:
    await runs.put(NAME, as_json(heartbeat), "application/json")


async def latest(runs: Container) -> Heartbeat | None:
    """None before the first, and for one that cannot be read: the next tick replaces it."""
    try:
        found = await runs.record(NAME, Heartbeat)
    except Unreadable as error:
        log.warning("%s", error.message)
        return None
    return found[0] if found else None
