"""Whether the app's timer is alive, by its heartbeat and its schedule, in words for people.

Pure. On the Flex Consumption plan timers have stopped for good while HTTP functions went on, and
neither a restart nor a new deployment brought them back
(https://github.com/Azure/azure-functions-host/issues/11828).
"""

from datetime import datetime, timedelta
from typing import Any

from shared.run.heartbeat import Heartbeat
from shared.run.schedule import Schedule

MISSED_TICKS = 3  # in a row, after which the timer is taken for dead
# Beyond that: the next tick waits for the end of the one before, which may take most of a minute.
GRACE = timedelta(minutes=1)
RESTART_MAY_NOT_HELP = (
    "Where that does not help (azure-functions-host issue 11828), open a support request or set up "
    "the app anew under another name; until then have GET /api/health called every minute: any "
    "call does a share of the timer's work."
)


def dead_since(heart: Heartbeat, schedule: Schedule, now: datetime) -> datetime | None:
    """When a timer that is dead has ticked last; None while it is well."""
    overdue = heart.ticked
    for _ in range(MISSED_TICKS):
        expected = schedule.after(overdue)
        if expected is None:
            return None
        overdue = expected
    return heart.ticked if now > overdue + GRACE else None


def is_ahead(heart: Heartbeat, now: datetime) -> bool:
    """Whether a clock that is wrong has told its times: nothing follows from them."""
    return max(heart.last, heart.ticked) > now + GRACE


def share_is_due(heart: Heartbeat | None, schedule: Schedule, now: datetime) -> bool:
    """Whether a call is to do what a tick would do: the timer is dead, or nobody knows of it, and
    since the last time that runs were looked after a tick should have come."""
    if heart is None or is_ahead(heart, now):
        return True
    expected = schedule.after(heart.last)
    return dead_since(heart, schedule, now) is not None and (expected is None or now >= expected)


def told(since: datetime, last: datetime, expression: str) -> str:
    """`expression`: TUNEDROP_TICK as it is set; `last`: when runs were last looked after."""
    return (
        f"The app's timer has not ticked since {since:%Y-%m-%d %H:%M:%S} UTC, although "
        f"TUNEDROP_TICK is {expression!r}. Calls and drops do its work meanwhile, a share each; "
        f"runs were last looked after at {last:%Y-%m-%d %H:%M:%S} UTC."
    )


def health(heart: Heartbeat | None, expression: str, now: datetime) -> dict[str, Any]:
    """What GET /api/health answers where storage answers."""
    since = dead_since(heart, Schedule.read(expression), now) if heart else None
    ticked = heart.ticked.isoformat(timespec="seconds") if heart else None
    timer: dict[str, Any] = {"last_tick": ticked, "dead_since": ticked if since else None}
    if heart is None or since is None:
        return {"status": "ok", "timer": timer}
    message = told(since, heart.last, expression)
    fix = f"Restart the app: az functionapp restart. {RESTART_MAY_NOT_HELP}"
    return {"status": "degraded", "timer": {**timer, "message": message, "fix": fix}}
