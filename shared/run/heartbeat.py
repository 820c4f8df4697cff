"""When the app last looked after its runs: one small document, written at every tick.

It lets a late tick know that nobody was awake, and tells people (and alerts) that somebody is.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel

from shared.cloud.blobs import Container
from shared.run.patience import ASLEEP
from shared.run.record import now

NAME = "keeper/heartbeat.json"


class Heartbeat(BaseModel):
    """`awake_since` is when the unbroken row of ticks began that `last` is the newest of."""

    last: datetime
    awake_since: datetime
    swept: datetime


async def beat(runs: Container, sweep_every: timedelta) -> tuple[Heartbeat, bool]:
    """Note a tick; the heartbeat as it is now, and whether a sweep is due."""
    at = now()
    found = await runs.read(NAME)
    before = Heartbeat.model_validate_json(found.data) if found else None
    awake_since = before.awake_since if before and at - before.last < ASLEEP else at
    due = before is None or at - before.swept >= sweep_every
    swept = at if due or before is None else before.swept
    heart = Heartbeat(last=at, awake_since=awake_since, swept=swept)
    await runs.put(NAME, heart.model_dump_json().encode(), "application/json")
    return heart, due
