"""A ceiling of a month's hosting: how much has to go, and which of what may go is enough."""

from datetime import timedelta

import pytest

from shared.model.costs import Sum
from shared.model.hosting import Removal, Why
from shared.model.hosting_ceiling import enough, fits, over, passed_at
from shared.model.month import Month
from tests.support.stretches import HOUR, NANO, NOON, NOVEMBER, costs, of, stretch


def test_within_the_ceiling_nothing_has_to_go() -> None:
    running = costs(of(stretch(NOON - 10 * HOUR)))
    whole = 1.7 * 370
    assert over(whole, running) == 0.0
    assert passed_at(whole, running) is None
    assert over(0.0, running) == 0.0, "no ceiling"
    assert passed_at(0.0, running) is None


def test_over_it_as_much_has_to_go_as_keeps_the_month_within() -> None:
    running = costs(of(stretch(NOON)), of(stretch(NOON)), of(stretch(NOON)))
    for ceiling in (1.0, 700.0, 1.7 * 360 * 2, 1800.0):
        too_much = over(ceiling, running)
        assert (5.1 - too_much) * 360 == pytest.approx(ceiling)
        passed = passed_at(ceiling, running)
        assert passed is not None
        assert 5.1 * ((passed - NOON) / HOUR) == pytest.approx(ceiling)


def test_once_it_is_passed_everything_would_have_to_go_and_it_is_passed_already() -> None:
    spent = of(stretch(NOON - 100 * HOUR, NOON - 10 * HOUR))
    running = costs(spent, of(stretch(NOON - HOUR)))
    assert over(100.0, running) == pytest.approx(1.7), "never more than there is"
    assert passed_at(100.0, running) == NOON
    assert over(100.0, costs(spent)) == 0.0, "nothing is deployed"
    assert passed_at(100.0, costs(spent)) == NOON
    assert passed_at(1.7 * 90, costs(spent)) is None, "not by what is exactly its amount"


def test_neither_the_first_nor_the_last_moment_of_a_month_is_odd() -> None:
    end = NOVEMBER.end
    first = costs(of(stretch(NOON)), at=end, month=Month.of(end))
    assert (first.hosted.usd, first.rest) == (0.0, 31 * 24 * HOUR)
    assert over(10.0, first) == pytest.approx(1.7 - 10 / 744)
    last = costs(of(stretch(NOON)), at=end - timedelta(microseconds=1))
    assert over(1.7 * 360 - 1, last) == pytest.approx(1.7)
    past = costs(of(stretch(NOON)), at=end, month=NOVEMBER)
    assert over(10.0, past) == 0.0, "of a month that is over nothing can go"


def test_what_has_no_price_counts_against_no_ceiling_and_is_counted() -> None:
    running = costs(of(stretch(NOON - HOUR), base="Qwen3-32B"), of(stretch(NOON - HOUR)))
    assert running.per_hour == Sum(1.7, unknown=1)
    assert running.hosted_by_its_end.unknown == 1
    assert running.hosted_by_its_end.usd == pytest.approx(1.7 * 361)
    assert over(1.7 * 361, running) == 0.0


# ---- which of those that may go


def removal(model: str, sku: str = "Standard", base: str = NANO) -> Removal:
    return Removal(model, of(stretch(NOON, None, sku), base=base), Why.ROOM, HOUR)


def names(order: list[Removal]) -> list[str]:
    return [removal.model for removal in order]


def test_the_first_of_them_go_until_it_is_enough() -> None:
    order = [removal("a"), removal("b", base="gpt-oss-20b", sku="GlobalStandard"), removal("c")]
    for too_much, expected in (
        (0.0, []),
        (0.1, ["a"]),
        (1.7, ["a"]),
        (1.71, ["a", "b"]),
        (2.0, ["a", "b"]),
        (2.1, ["a", "b", "c"]),
        (99.0, ["a", "b", "c"]),
    ):
        assert names(enough(order, too_much, "swedencentral")) == expected, too_much


def test_what_saves_nothing_stays() -> None:
    free, unknown = removal("free", "DeveloperTier"), removal("unknown", base="Qwen3-32B")
    assert names(enough([free, unknown, removal("c")], 1.0, "")) == ["c"]


def test_what_is_saved_is_by_the_price_of_the_region() -> None:
    order = [removal(name, base="gpt-4o-2024-08-06") for name in "ab"]  # 2.04 there, else 1.70
    assert names(enough(order, 2.0, "southeastasia")) == ["a"]
    assert names(enough(order, 2.0, "swedencentral")) == ["a", "b"]


def test_what_is_enough_keeps_the_month_within_the_ceiling() -> None:
    versions = [of(stretch(NOON)) for _ in range(5)]
    order = [Removal(f"m{n}", version, Why.ROOM, HOUR) for n, version in enumerate(versions)]
    for ceiling in (612.0, 1223.9, 1224.0, 3059.9, 3060.0):
        gone = enough(order, over(ceiling, costs(*versions)), "swedencentral")
        left = costs(*versions[len(gone) :])
        assert left.hosted_by_its_end.usd <= ceiling + 1e-6
        one_more = costs(*versions[max(0, len(gone) - 1) :])
        assert not gone or one_more.hosted_by_its_end.usd > ceiling, "no more than needed"


def test_one_more_fits_while_the_month_stays_within_with_it() -> None:
    running = costs(of(stretch(NOON - 10 * HOUR)))
    whole = 1.7 * 370 + 0.3 * 360  # what is there until the month's end, and one more
    assert fits(whole, running, 0.3)
    assert not fits(whole - 0.01, running, 0.3)
    assert fits(whole - 0.01, running, 0.0)
    assert fits(0.0, running, 1_000.0), "no ceiling"
