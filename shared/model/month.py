"""A calendar month by UTC, as costs are counted by: when it begins and ends, what of a time lies in
it. Pure: no clock."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.errors import CallerError
from shared.printable import shown

_NAME = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 8999  # of a moment in a record


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    number: int  # 1 is January

    @classmethod
    def of(cls, at: datetime) -> "Month":
        """The one that a moment of any time zone lies in."""
        there = at.astimezone(UTC)
        return cls(there.year, there.month)

    @classmethod
    def named(cls, text: str) -> "Month":
        """Raises CallerError."""
        found = _NAME.fullmatch(text)
        year, number = map(int, found.groups()) if found else (0, 0)
        if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= number <= 12):
            raise CallerError(f"{shown(text)!r} is no month.", "Write it as YYYY-MM: 2026-11.")
        return cls(year, number)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment of the next one."""
        year, before = divmod(self.year * 12 + self.number, 12)
        return datetime(year, before + 1, 1, tzinfo=UTC)

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def part_of(self, since: datetime, until: datetime) -> timedelta:
        """How much of that time lies in the month; nothing where it ends before it begins."""
        return max(timedelta(0), min(until, self.end) - max(since, self.start))
