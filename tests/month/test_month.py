"""The ledger of thirty days is the account's own hours, to the minute."""

from datetime import timedelta
from pathlib import Path

from tests.month.ledger import MINUTE, compare
from tests.month.story import MODELS, PLACES, Story


async def test_the_ledger_of_thirty_days_is_the_hours_that_deployments_were_there(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    await story.live()
    assert story.told.chats > 300
    assert min(story.told.wakes, story.told.sleeps, story.told.evicted) > 10
    compared = await compare(story)
    story.account.close()
    assert compared.differing() == []
    assert abs(compared.ledger - compared.whole) < MINUTE
    assert compared.whole > timedelta(days=30)
    assert {str(line.month) for line in compared.lines} == {"2026-11", "2026-12"}
    assert len({line.name for line in compared.lines}) == MODELS
    assert story.account.most_at_once() == PLACES
