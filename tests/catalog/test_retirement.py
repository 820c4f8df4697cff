"""What is told of a base model's ends as the days go by."""

from datetime import date, timedelta

import pytest

from shared.catalog import facts, lookup, retirement
from shared.catalog.lookup import CatalogModel
from shared.catalog.records import Retirement

DAY = timedelta(days=1)
TEN = (
    *("gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14", "gpt-4.1-nano-2025-04-14"),
    *("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "o4-mini-2025-04-16"),
    *("gpt-oss-20b", "Ministral-3B", "Qwen3-32B", "Llama-3.3-70B-Instruct"),
)


def known(name: str) -> CatalogModel:
    found = lookup.find_model(name)
    assert found
    return found


def told(name: str, today: date) -> dict[str, str]:
    return {ending.what: ending.level for ending in retirement.endings(known(name), today)}


@pytest.mark.parametrize(
    ("days", "level"),
    [
        *((91, ""), (90, "notice"), (31, "notice"), (30, "warning"), (8, "warning")),
        *((7, "urgent"), (1, "urgent"), (0, "ended"), (-400, "ended")),
    ],
)
def test_the_nearer_the_end_the_louder(days: int, level: str) -> None:
    assert retirement.level(days) == level


# The days on which something changes for each of ten models, from today to after their ends.
_41 = {
    date(2027, 1, 13): {},
    date(2027, 1, 14): {"training": "notice", "base": "notice"},
    date(2027, 3, 15): {"training": "warning", "base": "warning"},
    date(2027, 4, 7): {"training": "urgent", "base": "urgent"},
    date(2027, 4, 14): {"training": "ended", "base": "ended"},
    date(2027, 7, 15): {"training": "ended", "base": "ended"},
    date(2027, 7, 16): {"training": "ended", "base": "ended", "deployments": "notice"},
    date(2027, 9, 14): {"training": "ended", "base": "ended", "deployments": "warning"},
    date(2027, 10, 7): {"training": "ended", "base": "ended", "deployments": "urgent"},
    date(2027, 10, 14): {"training": "ended", "base": "ended", "deployments": "ended"},
}
_4O = {
    date(2026, 12, 31): {},
    date(2027, 1, 1): {"training": "notice"},
    date(2027, 1, 14): {"training": "notice", "base": "notice"},
    date(2027, 4, 1): {"training": "ended", "base": "warning"},
    date(2027, 10, 1): {"training": "ended", "base": "ended", "deployments": "ended"},
}
_O4 = {
    date(2026, 10, 15): {"base": "urgent"},
    date(2026, 11, 27): {"base": "ended"},
    date(2027, 4, 16): {"base": "ended", "training": "ended"},
    date(2027, 10, 16): {"base": "ended", "training": "ended", "deployments": "ended"},
}
_OPEN: dict[date, dict[str, str]] = {day: {} for day in (*_41, *_4O, *_O4)}


@pytest.mark.parametrize("name", TEN)
def test_ten_models_through_the_spring_and_the_autumn_of_2027(name: str) -> None:
    story = next(
        (days for part, days in (("4.1", _41), ("4o", _4O), ("o4", _O4)) if part in name), _OPEN
    )
    assert {day: told(name, day) for day in story} == story


@pytest.mark.parametrize("name", TEN)
def test_no_warning_is_taken_back_as_the_days_go_by(name: str) -> None:
    order = ["", "notice", "warning", "urgent", "ended"]
    loudest: dict[str, int] = {}
    for day in (date(2026, 11, 27) + n * DAY for n in range(400)):
        for what, level in told(name, day).items():
            assert order.index(level) >= loudest.get(what, 0)
            loudest[what] = order.index(level)


def test_an_end_is_told_in_words_with_a_cure_that_the_app_can_carry_out() -> None:
    training, base = retirement.endings(known("gpt-4.1-2025-04-14"), date(2027, 3, 15))
    assert training.sentence == (
        "gpt-4.1-2025-04-14 can be trained until 2027-04-14 at the least: 30 days."
    )
    assert base.sentence == (
        "gpt-4.1-2025-04-14 itself answers until 2027-04-14 at the least: 30 days."
    )
    assert training.cure == (
        "Train again on one that is trained for longer: gpt-oss-20b, Ministral-3B, Qwen3-32B, "
        "Llama-3.3-70B-Instruct."
    )
    assert training.known_on == facts.RETIREMENTS.source.dated


def test_the_last_day_is_one_day_and_the_first_after_it_is_past() -> None:
    model = known("gpt-4.1-2025-04-14")
    last, *_ = retirement.endings(model, date(2027, 4, 13))
    assert last.sentence.endswith("at the least: 1 day.")
    over, *_ = retirement.endings(model, date(2027, 4, 14))
    assert over.sentence == "Training of gpt-4.1-2025-04-14 ended on 2027-04-14, or soon after."


def test_preferences_have_no_cure_today_and_none_is_made_up() -> None:
    for name in ("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06"):
        for ending in retirement.endings(known(name), date(2027, 3, 30), facts.DPO):
            assert ending.cure == ""
            assert ending.as_json()["cure"] is None


def test_a_successor_can_be_tuned_and_served_here_and_is_trained_for_longer() -> None:
    found = retirement.successors(known("gpt-4o-2024-08-06"), facts.SUPERVISED, date(2026, 11, 27))
    assert "gpt-4.1-2025-04-14" not in found, "two weeks are not longer"
    assert not {"gpt-oss-120b", "Muse-Glimmer-30B", "gpt-5-2025-08-07"} & set(found)
    assert "gpt-oss-20b" in found
    assert retirement.successors(known("gpt-35-turbo-0613"), facts.DPO, date(2026, 11, 27)) == (
        "gpt-4.1-2025-04-14",
        "gpt-4.1-mini-2025-04-14",
        "gpt-4.1-nano-2025-04-14",
        "gpt-4o-2024-08-06",
    )


def test_what_the_account_tells_stands_above_the_table() -> None:
    """Three versions of the page in five months: the account knows better, also one date alone."""
    model, today = known("gpt-4.1-2025-04-14"), date(2026, 12, 1)
    sooner = Retirement(date(2026, 12, 5), None, None)
    (ending,) = retirement.endings(model, today, told=sooner, told_on=today)
    assert (ending.what, ending.on, ending.level) == ("training", date(2026, 12, 5), "urgent")
    assert ending.known_on == today
    later = Retirement(date(2028, 4, 14), date(2028, 10, 14), date(2028, 4, 14))
    assert retirement.endings(model, date(2027, 4, 14), told=later, told_on=today) == []


def test_an_ending_is_plain_for_programs() -> None:
    ending, _ = retirement.endings(known("gpt-4.1-nano-2025-04-14"), date(2027, 4, 7))
    assert ending.as_json() == {
        "what": "training",
        "on": "2027-04-14",
        "days": 7,
        "level": "urgent",
        "sentence": ending.sentence,
        "cure": ending.cure,
        "known_on": "2026-10-05",
    }


def test_the_knowledge_is_old_after_a_month() -> None:
    assert facts.STALE_AFTER == 30 * DAY


def test_what_the_account_does_not_tell_is_as_the_table_says_and_the_other_way_round() -> None:
    model = known("gpt-4.1-2025-04-14")
    table = retirement.dates(model, None)
    assert table.base and table.deployments and table.training
    days = {name: date(2030, 1, day) for day, name in enumerate(("training", "base"), 1)}
    one = retirement.dates(model, Retirement(days["training"], None, None))
    assert (one.training, one.deployments, one.base) == (
        days["training"],
        table.deployments,
        table.base,
    )
    ends = date(2031, 1, 1)
    other = retirement.dates(model, Retirement(None, ends, days["base"]))
    assert (other.training, other.deployments, other.base) == (table.training, ends, days["base"])
    nothing = model._replace(deployments_end=None, base_ends=None)
    told = retirement.dates(nothing, Retirement(None, ends, days["base"]))
    assert (told.deployments, told.base) == (ends, days["base"])


def test_an_end_is_known_since_the_account_has_told_it_or_else_since_the_table_was_read() -> None:
    model, today = known("gpt-4.1-2025-04-14"), date(2026, 12, 1)
    sooner, read = Retirement(date(2026, 12, 5), None, None), facts.RETIREMENTS.source.dated
    (undated,) = retirement.endings(model, today, told=sooner)
    assert undated.known_on == read
    soon = date(2027, 4, 1)
    assert {e.known_on for e in retirement.endings(model, soon, told_on=soon)} == {read}


def test_a_successor_is_trained_for_ninety_days_more_at_the_least() -> None:
    model, other = known("gpt-4o-2024-08-06"), known("gpt-4.1-2025-04-14")
    assert other.training_ends
    for days, found in ((90, True), (89, False)):
        ends = other.training_ends - days * DAY
        later = retirement.successors(
            model._replace(training_ends=ends), facts.SUPERVISED, date(2026, 11, 27)
        )
        assert (other.name in later) is found
