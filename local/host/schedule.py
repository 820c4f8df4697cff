"""NCRONTAB schedules, and which call is due when the host starts. Pure: no clock, no storage."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from croniter import croniter

# croniter accepts more than NCRONTAB does ('L', '#', 'H', '@hourly'); Azure would refuse those.
_ITEM = r"(\*|(\d+|[A-Za-z]{3,9})(-(\d+|[A-Za-z]{3,9}))?)(/\d+)?"
_FIELD = re.compile(rf"{_ITEM}(,{_ITEM})*")

NEVER = datetime.min.replace(tzinfo=UTC)


class ScheduleError(Exception):
    """Not an NCRONTAB expression."""


class Schedule:
    """`{second} {minute} {hour} {day} {month} {weekday}`; five fields mean second 0.

    Times are UTC, as on the Flex Consumption plan, where no time zone can be set.
    """

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) == 5:
            fields.insert(0, "0")
        self.expression = " ".join(fields)
        try:
            if len(fields) != 6 or not all(_FIELD.fullmatch(field) for field in fields):
                raise ValueError("six fields of numbers, names, '*', ',', '-' and '/' are needed")
            self.after(datetime(2024, 1, 1, tzinfo=UTC))  # also finds dates that never come
        except (ValueError, KeyError) as error:
            raise ScheduleError(
                f"the schedule '{expression}' is not an NCRONTAB expression: {error}."
            ) from None

    def after(self, moment: datetime) -> datetime:
        """The first occurrence after this moment."""
        # NCRONTAB wants day of month AND weekday, unlike cron, hence day_or=False.
        times: Any = croniter(self.expression, moment, second_at_beginning=True, day_or=False)
        return datetime.fromtimestamp(times.get_next(float), UTC)

    def more_often_than_each_minute(self, now: datetime) -> bool:
        """Such timers are never monitored (TimerListener), whatever useMonitor says."""
        first = self.after(now)
        for _ in range(5):
            second = self.after(first)
            if second - first < timedelta(minutes=1):
                return True
            first = second
        return False


@dataclass(frozen=True)
class Status:
    """What the status blob remembers of one timer."""

    last: datetime
    next: datetime
    last_updated: datetime

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> "Status":
        return cls(*(_moment(record[key]) for key in ("Last", "Next", "LastUpdated")))

    def as_record(self) -> dict[str, str]:
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }

    @classmethod
    def after_call(cls, schedule: Schedule, called: datetime) -> "Status":
        """Next counts from the call's start, so ticks missed while it ran collapse into one."""
        return cls(called, schedule.after(called), called)


FirstCall = Literal["past due", "startup", "none"]


def on_start(
    schedule: Schedule, stored: Status | None, now: datetime, run_on_startup: bool
) -> tuple[FirstCall, Status]:
    """Whether to call at once when the host starts, and the status to go on from."""
    startup: FirstCall = "startup" if run_on_startup else "none"
    if stored is None:
        return startup, Status(NEVER, schedule.after(now), now)
    expected = schedule.after(stored.last_updated if stored.last == NEVER else stored.last)
    if expected != stored.next:
        # The schedule was changed: what the old one missed is not owed (TimerListener).
        following = expected if expected > now else schedule.after(now)
        return startup, Status(stored.last, following, now)
    return ("past due" if now > stored.next else startup), stored


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # .NET writes DateTime.MinValue without an offset.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
