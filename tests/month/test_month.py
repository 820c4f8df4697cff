"""The ledger of thirty days is the account's own hours, to the minute."""

from datetime import timedelta
from pathlib import Path

from shared.model.month import Month
from shared.run import costing
from tests.month.story import PLACES, Story

MINUTE = timedelta(minutes=1)


async def test_the_ledger_of_thirty_days_is_the_hours_that_deployments_were_there(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    await story.live()
    assert story.told.chats > 300
    assert min(story.told.wakes, story.told.sleeps, story.told.evicted) > 10
    months = (Month(2026, 11), Month(2026, 12))
    ledger = timedelta(0)
    for month in months:
        costs = await costing.costs(month, story.ctx)
        for model in costs.models:
            for part in model.hosting:
                name = f"{model.model}-v{part.version}"
                there = story.account.time(name, part.sku, month.start, month.end)
                assert abs(part.time - there) < MINUTE, (str(month), name)
                ledger += part.time
    whole = story.account.whole()
    assert abs(ledger - whole) < MINUTE
    assert whole > timedelta(days=30)
    assert story.account.most_at_once() == PLACES
