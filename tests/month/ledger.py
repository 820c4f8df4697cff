"""The ledger of a story beside the account's own hours."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.model.cost_sheet import CostSheet, hours
from shared.model.hosting import Why
from shared.model.month import Month
from shared.run import costing
from tests.month.story import DAYS, Story, Told
from tunedrop.cost import table

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Line:
    """A version in a month: hours by the ledger, and by the account."""

    month: Month
    name: str
    sku: str
    ledger: timedelta
    account: timedelta

    @property
    def agrees(self) -> bool:
        return abs(self.ledger - self.account) < MINUTE


@dataclass(frozen=True)
class Compared:
    """`whole`: for which all deployments of the account were there, together; `answers`: as GET
    /api/cost gives them, of each month."""

    lines: tuple[Line, ...]
    whole: timedelta
    answers: tuple[dict[str, Any], ...]
    lived: Told
    sleeps: Counter[Why]

    @property
    def ledger(self) -> timedelta:
        return sum((line.ledger for line in self.lines), timedelta(0))

    def differing(self) -> list[Line]:
        return [line for line in self.lines if not line.agrees]


async def compare(story: Story) -> Compared:
    months = _months(story)
    sheets = [CostSheet(await costing.costs(m, story.ctx), _ceiling(story)) for m in months]
    lines = tuple(line for sheet in sheets for line in _lines(sheet, story))
    answers = tuple({**sheet.as_json(), "problems": []} for sheet in sheets)
    whole = story.account.whole()
    return Compared(lines, whole, answers, story.told, await story.sleeps())


def _ceiling(story: Story) -> float:
    return story.settings.monthly_hosting_ceiling


def _months(story: Story) -> Iterator[Month]:
    month = Month.of(story.start)
    while month.start < story.end:
        yield month
        month = Month.of(month.end)


def _lines(sheet: CostSheet, story: Story) -> Iterator[Line]:
    month = sheet.costs.month
    for model in sheet.costs.models:
        for part in model.hosting:
            name = f"{model.model}-v{part.version}"
            there = story.account.time(name, part.sku, month.start, month.end)
            yield Line(month, name, part.sku, part.time, there)


def report(compared: Compared) -> str:
    """For people: a table of each month, and whether both agree."""
    lines = [line for answer in compared.answers for line in (*table(answer, parts=False), "")]
    lines.append(f"{DAYS} days: {compared.lived.chats} chats woke {compared.lived.wakes} models")
    lines += [f"  {count} times asleep: {why}" for why, count in sorted(compared.sleeps.items())]
    lines += [
        f"{line.name} in {line.month}: {hours(line.ledger)} by the ledger, "
        f"{hours(line.account)} by the emulator"
        for line in compared.differing()
    ]
    ledger, whole = hours(compared.ledger), hours(compared.whole)
    return "\n".join([*lines, f"{ledger} hours by the ledger, {whole} by the emulator"])
