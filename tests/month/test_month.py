"""The ledger of thirty days is the account's own hours, to the minute."""

from datetime import timedelta
from pathlib import Path

from shared.model.hosting import Why
from tests.month.ledger import MINUTE, compare, report
from tests.month.story import HOUR, MODELS, PLACES, Story

ROOT = Path(__file__).resolve().parents[2]


async def test_the_ledger_of_thirty_days_is_the_hours_that_deployments_were_there(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    await story.live()
    assert story.told.chats > 300
    assert story.told.wakes > 100
    compared = await compare(story)
    story.close()
    assert compared.differing() == []
    assert abs(compared.ledger - compared.whole) < MINUTE
    assert compared.whole > timedelta(days=30)
    assert min(compared.sleeps[why] for why in (Why.IDLE, Why.ROOM)) > 10
    assert {str(line.month) for line in compared.lines} == {"2026-11", "2026-12"}
    assert len({line.name for line in compared.lines}) == MODELS
    assert story.account.most_at_once() == PLACES


async def test_what_azure_has_removed_ended_then_also_where_a_chat_was_the_first_to_notice(
    tmp_path: Path,
) -> None:
    """A day after it was made, or after fifteen days without a chat; and made anew at once."""
    story = Story(tmp_path, models=0)
    for name, sku, life in (("day", "DeveloperTier", 24), ("idle", "Standard", 15 * 24)):
        await story.enter(name, "gpt-4.1-nano-2025-04-14", sku, always=True)
        await story.chat(name)
        existence = next(one for one in story.account.existences() if one.name == f"{name}-v1")
        story.clock.advance_to(existence.since + life * HOUR - MINUTE / 2)
        await story.tick()  # the last look before
        story.clock.advance(210)
        await story.chat(name)
        story.clock.advance(HOUR.total_seconds())
    story.end = story.clock.now()
    compared = await compare(story)
    story.close()
    assert len(compared.lines) == 2
    assert compared.differing() == []
    assert abs(compared.ledger - compared.whole) < MINUTE


async def test_the_page_shows_what_its_command_prints_and_the_ceiling_is_kept(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, models=8, places=4, ceiling=500.0)
    await story.live()
    compared = await compare(story)
    story.close()
    assert compared.sleeps[Why.CEILING] > 10
    assert compared.answers[0]["total"]["hosting"]["usd"] <= 500.0
    page = (ROOT / "docs/cost.md").read_text(encoding="utf-8")
    command = "python -m tests.month --models 8 --places 4 --ceiling 500\n"
    assert command in page
    assert report(compared) in page, f"docs/cost.md shows what this printed once: {command}"
