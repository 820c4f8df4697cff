"""When the app last looked after its runs: one small document, written at every tick.

It lets a late tick know that nobody was awake, and tells people (and alerts) that somebody is.
"""

import logging
from datetime import datetime, timedelta

from pydantic import BaseModel

from shared.cloud.blobs import Container
from shared.errors import Refused
from shared.run.patience import ASLEEP
from shared.run.record import now

log = logging.getLogger(__name__)

NAME = "keeper/heartbeat.json"


class Heartbeat(BaseModel):
    """`awake_since` is when the unbroken row of ticks began that `last` is the newest of."""

    last: datetime
    awake_since: datetime
    swept: datetime


async def beat(runs: Container, sweep_every: timedelta) -> tuple[Heartbeat, bool]:
    """Note a tick; the heartbeat as it is now, and whether a sweep is due."""
    at = now()
    before = await latest(runs)
    awake_since = before.awake_since if before and at - before.last < ASLEEP else at
    due = before is None or at - before.swept >= sweep_every
    swept = at if due or before is None else before.swept
    heart = Heartbeat(last=at, awake_since=awake_since, swept=swept)
    await runs.put(NAME, heart.model_dump_json().encode(), "application/json")
    return heart, due


async def latest(runs: Container) -> Heartbeat | None:
    """The newest; None before the first, and for one that cannot be read: the next mends it."""
    try:
        found = await runs.record(NAME, Heartbeat)
    except Refused as error:
        log.warning("%s", error.message)
        return None
    return found[0] if found else None
