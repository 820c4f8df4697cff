"""What each key has used day by day, read out of the log of usage (`key_usage`).

A day that has ended some time ago does not change: it is read once in a process. Lines that were
torn or written by hand are passed over.
"""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from shared.chat.key_usage import PLACE, Amount, Used
from shared.cloud.container import Container

MOST_DAYS = 92  # that may be asked for at once
READS_AT_ONCE = 8
SETTLES = timedelta(days=2)  # after its begin, nothing more is written about a day, by any process
LARGEST = 2**53  # what every reader of JSON can count to

Day = dict[Used, Amount]


@dataclass
class Totals:
    """What one key has used in some days: by day and model, the newest day first."""

    days: list[tuple[str, str, Amount]] = field(default_factory=list)
    all: Amount = field(default_factory=Amount)

    def as_json(self) -> dict[str, Any]:
        return {
            "last_used": self.all.last or None,
            "requests": self.all.requests,
            "tokens": self.all.tokens,
            "usage": [
                {"day": day, "model": model, "requests": used.requests, "tokens": used.tokens}
                for day, model, used in self.days
            ],
        }


class UsageDays:
    def __init__(self, models: Container) -> None:
        self.models = models
        self._ended: dict[str, Day] = {}

    async def totals(self, last: date, days: int) -> dict[tuple[str, str], Totals]:
        """By name and id of the keys, in so many days up to the last one. Costs a listing, and a
        read for each day that is not known yet. Raises Unavailable."""
        wanted = [f"{last - timedelta(days=back)}" for back in range(days)]
        names: dict[str, list[str]] = {day: [] for day in wanted}
        async for blob in self.models.list(PLACE):
            day = blob.name.removeprefix(PLACE)[:10]
            if day in names:  # also the next parts of a long log
                names[day].append(blob.name)
        room = asyncio.Semaphore(READS_AT_ONCE)
        found = await asyncio.gather(*(self._day(day, names[day], last, room) for day in wanted))
        return _by_key(found)

    async def _day(self, day: str, names: list[str], today: date, room: asyncio.Semaphore) -> Day:
        if (known := self._ended.get(day)) is not None:
            return known
        used: Day = {}
        lines: set[str] = set()
        async with room:
            for name in sorted(names):
                async for some in self.models.lines(name):
                    await asyncio.to_thread(_add, used, lines, day, some)
        if date.fromisoformat(day) <= today - SETTLES:
            self._ended[day] = used
            for old in sorted(self._ended)[:-MOST_DAYS]:
                del self._ended[old]
        return used


def _add(used: Day, seen: set[str], day: str, lines: Iterable[bytes]) -> None:
    """Adds what stands in the lines, each once."""
    for line in filter(None, lines):
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            said = json.loads(line)
            name, rows = str(said["line"]), [_row(day, *row) for row in said["used"]]
            if name in seen:
                continue
            seen.add(name)
            for one, amount in rows:
                _sum(used.setdefault(one, Amount()), amount)


def _row(
    day: str, key: str, id: str, model: str, requests: int, tokens: int, last: str
) -> tuple[Used, Amount]:
    """Raises ValueError for what no process has written."""
    texts, counts = (key, id, model, last), (requests, tokens)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("no texts")
    if not all(type(count) is int and 0 <= count <= LARGEST for count in counts):
        raise ValueError("no counts")
    return Used(day, key, id, model), Amount(requests, tokens, last)


def _sum(amount: Amount, more: Amount) -> None:
    amount.requests += more.requests
    amount.tokens += more.tokens
    amount.last = max(amount.last, more.last)


def _by_key(days: list[Day]) -> dict[tuple[str, str], Totals]:
    totals: dict[tuple[str, str], Totals] = {}
    for day in days:
        for used, amount in sorted(day.items(), key=lambda one: one[0].model):
            of_key = totals.setdefault((used.key, used.id), Totals())
            of_key.days.append((used.day, used.model, amount))
            _sum(of_key.all, amount)
    return totals
