"""How long to wait: before the next try of what failed, and before a stage is given up. Pure."""

from datetime import datetime, timedelta

from shared.run.record import Run
from shared.run.stages import DEADLINES

LONGEST_PAUSE = 15 * 60.0  # seconds; an outage of hours is noticed to be over soon after it is
LONGEST_ASKED = 60 * 60.0  # seconds of a Retry-After that are believed
ASLEEP = timedelta(minutes=15)  # a longer gap between ticks means that the app was not running


def pause(tries: int, first: float, asked: float | None, chance: float) -> timedelta:
    """The time before the next try after `tries` failures in a row, the first of `first` seconds.

    Twice as long each time and spread by `chance` (0 to 1), so that runs which were throttled
    together do not come back together; never shorter than the service has `asked` for.
    """
    longest = min(first * 2 ** min(tries - 1, 20), LONGEST_PAUSE)
    spread = longest * (0.5 + chance / 2)
    return timedelta(seconds=max(spread, min(asked or 0.0, LONGEST_ASKED) * (1 + chance / 10)))


def overdue(run: Run, awake_since: datetime, at: datetime) -> bool:
    """Whether its stage has seen nothing new for too long, not counting when nobody looked."""
    limit = DEADLINES.get(run.stage)
    return limit is not None and at - max(run.since, awake_since) > limit
