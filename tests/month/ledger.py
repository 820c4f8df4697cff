"""The ledger of a story beside the account's own hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.model.cost_sheet import CostSheet
from shared.model.month import Month
from shared.run import costing
from tests.month.story import Story

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
    """`whole`: for which all deployments of the account were there, together."""

    lines: tuple[Line, ...]
    whole: timedelta
    answers: tuple[dict[str, Any], ...]  # as GET /api/cost gives them, of each month

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
    return Compared(lines, story.account.whole(), answers)


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
