"""When a timer ticks: its NCRONTAB expression, as far as it takes to know that a tick is missing.

Pure. The host reads the expression by itself and refuses a wrong one; times are UTC, as on the Flex
Consumption plan, where no time zone can be set.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MAX_DAYS = 366 * 8 + 1  # until the next 29th of February, around a year 2100
EACH_MINUTE = "0 * * * * *"  # in the place of an expression that cannot be read

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_WEEKDAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
# Second, minute, hour, day, month, weekday (0 is Sunday): the bounds of each, and its names.
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _WEEKDAYS),
)
_ITEM = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @classmethod
    def read(cls, expression: str) -> "Schedule":
        """One that cannot be read counts as a tick a minute: the host, which runs by it, says what
        is wrong with it."""
        try:
            return cls._parse(expression)
        except ValueError:
            return cls._parse(EACH_MINUTE)

    @classmethod
    def _parse(cls, expression: str) -> "Schedule":
        fields = expression.split()
        if len(fields) == 5:
            fields.insert(0, "0")  # without seconds
        parsed = (_numbers(text, *known) for text, known in zip(fields, _FIELDS, strict=True))
        return cls(*parsed)

    def after(self, moment: datetime) -> datetime | None:
        """The first tick after it; None if there is none for years."""
        if (at := self._time_after(moment.time())) and self._on(moment.date()):
            return datetime.combine(moment.date(), at, moment.tzinfo)
        first = time(self.hours[0], self.minutes[0], self.seconds[0])
        for ahead in range(1, MAX_DAYS):
            day = moment.date() + timedelta(days=ahead)
            if self._on(day):
                return datetime.combine(day, first, moment.tzinfo)
        return None

    def _on(self, day: date) -> bool:
        """Day of the month and weekday must both fit, unlike in cron."""
        fits = day.month in self.months and day.day in self.days
        return fits and day.isoweekday() % 7 in self.weekdays

    def _time_after(self, given: time) -> time | None:
        """The first one of the same day."""
        whole = (given.hour, given.minute, given.second)
        for hour in self.hours:
            if hour < whole[0]:
                continue
            for minute in self.minutes:
                if (hour, minute) < whole[:2]:
                    continue
                for second in self.seconds:
                    if (hour, minute, second) > whole:
                        return time(hour, minute, second)
        return None


def _numbers(text: str, least: int, most: int, names: dict[str, int]) -> tuple[int, ...]:
    """Raises ValueError."""
    found: set[int] = set()
    for item in text.split(","):
        parts = _ITEM.fullmatch(item)
        if parts is None:
            raise ValueError(text)
        first, last, step = parts["first"], parts["last"], int(parts["step"] or 1)
        begin = _number(first, names) if first else least
        # `5/15` goes on from 5 to the end.
        end = _number(last, names) if last else begin if first and not parts["step"] else most
        if not (least <= begin <= end <= most and step):
            raise ValueError(text)
        found.update(range(begin, end + 1, step))
    return tuple(sorted(found))


def _number(text: str, names: dict[str, int]) -> int:
    known = names.get(text[:3].lower())
    return int(text) if known is None else known
