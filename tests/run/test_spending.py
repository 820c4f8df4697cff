"""The document of what was spent: what it lists, what it sums up, and whose clock it believes."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.run.spending import Hosted, Reservation, Spending, as_of, held
from tests.support.settings import IN_MEMORY


def reservation(run_id: str, day: date, usd: float, *, open: bool) -> Reservation:
    return Reservation(
        run_id=run_id, attempt=1, model="m", day=day, usd=usd, hosting=0.0, open=open
    )


def test_the_document_lists_today_and_what_is_open_and_sums_up_the_month() -> None:
    known = Spending(
        month=date(2026, 11, 1),
        earlier=1.0,
        reservations=(
            reservation("last-month", date(2026, 10, 31), 100.0, open=False),
            reservation("open", date(2026, 11, 2), 10.0, open=True),
            reservation("over", date(2026, 11, 3), 20.0, open=False),
            reservation("today", date(2026, 11, 4), 40.0, open=False),
        ),
    )
    now = as_of(known, date(2026, 11, 4))
    assert [r.run_id for r in now.reservations] == ["open", "today"]
    assert [(d.day, d.jobs, d.usd) for d in now.days] == [
        (date(2026, 10, 31), 1, 100.0),
        (date(2026, 11, 1), 0, 1.0),  # of an earlier version, which has told no day
        (date(2026, 11, 3), 1, 20.0),
    ]
    assert as_of(now, date(2026, 11, 4)) == now
    later = as_of(now, date(2026, 12, 1))
    assert [r.run_id for r in later.reservations] == ["open"]


def test_the_document_does_not_grow_for_ever() -> None:
    known = None
    for number in range(300):
        today = date(2026, 1, 1) + timedelta(days=number)
        known = as_of(known, today).including(reservation(f"m-{number}", today, 1.0, open=False))
    assert known
    assert len(known.days) == 100
    assert known.days[-1].day == date(2026, 1, 1) + timedelta(days=298)


# ---- clocks that are behind or ahead

YEAR_AHEAD = date(2027, 11, 30)


@pytest.mark.parametrize("other", [date(2026, 12, 1), date(2026, 11, 29), YEAR_AHEAD])
def test_no_clock_makes_a_month_or_a_day_forgotten(other: date) -> None:
    """Around midnight, one instance's clock is a second behind; another's is a year ahead."""
    today = date(2026, 11, 30)
    settings = replace(IN_MEMORY, monthly_training_budget=100.0, daily_runs=0)
    spent = reservation("m-1", today, 60.0, open=False)
    known = as_of(as_of(Spending(month=date(2026, 11, 1)).including(spent), other), today)
    wanted = reservation("m-2", today, 50.0, open=True)
    over = held(known, wanted, Hosted(), settings)
    assert over
    assert "$60.00 of $100.00" in str(over.waiting_for)
    once = replace(IN_MEMORY, daily_runs=1)
    over = held(known, wanted, Hosted(), once)
    assert over
    assert str(over.waiting_for).startswith("1 jobs of today")
    tomorrow = wanted.replace(day=date(2026, 12, 1))
    for limits in (settings, once):
        assert held(as_of(known, tomorrow.day), tomorrow, Hosted(), limits) is None


def test_a_clock_that_is_behind_does_not_forget_what_an_earlier_version_has_summed_up() -> None:
    settings = replace(IN_MEMORY, monthly_training_budget=100.0, daily_runs=0)
    known = Spending(month=date(2026, 11, 1), earlier=99.0)
    wanted = reservation("m-1", date(2026, 11, 30), 50.0, open=True)
    assert held(as_of(known, wanted.day), wanted, Hosted(), settings), "it is nearly spent"
    ahead = as_of(known, date(2026, 12, 1))  # as the other instance has written it
    assert held(as_of(ahead, wanted.day), wanted, Hosted(), settings)


# ---- what the ceilings allow

TODAY = date(2026, 11, 27)


def asking(usd: float | None = 10.0, **others: Any) -> Reservation:
    return reservation("m-2", TODAY, 0.0, open=True).replace(usd=usd, **others)


def spent(*amounts: float, day: date = TODAY) -> Spending:
    made = (reservation(f"m-1{n}", day, usd, open=False) for n, usd in enumerate(amounts))
    return Spending(month=date(2026, 11, 1), reservations=tuple(made))


def waits(known: Spending, wanted: Reservation, **settings: Any) -> str:
    """What a reservation waits for, or fails of; empty if it may be made."""
    allowed = replace(IN_MEMORY, **{"daily_runs": 0, **settings})
    over = held(known, wanted, Hosted(), allowed)
    return str(over.waiting_for or (over.failure and over.failure.message)) if over else ""


def test_the_last_job_of_a_day_is_the_last() -> None:
    assert not waits(spent(1.0), asking(), daily_runs=2)
    assert waits(spent(1.0, 1.0), asking(), daily_runs=2).startswith("2 jobs of today")
    yesterday = spent(1.0, 1.0, day=TODAY - timedelta(days=1))
    assert not waits(yesterday, asking(), daily_runs=2)


@pytest.mark.parametrize("span", ["daily", "monthly"])
def test_what_is_asked_for_counts_and_may_be_all_that_is_left(span: str) -> None:
    setting = f"{span}_training_budget"
    assert not waits(spent(60.0, 30.0), asking(10.0), **{setting: 100.0})
    over = waits(spent(60.0, 30.0), asking(10.01), **{setting: 100.0})
    assert (
        f"$90.00 of $100.00 are spent or reserved t{'oday' if span == 'daily' else 'his'}" in over
    )


def test_a_month_is_the_sum_of_its_days_and_of_no_other() -> None:
    days = [(date(2026, 10, 31), 500.0), (date(2026, 11, 1), 60.0), (date(2026, 11, 26), 35.0)]
    known = Spending(
        month=date(2026, 11, 1),
        reservations=tuple(reservation(f"m-{day}", day, usd, open=False) for day, usd in days),
    )
    assert "$95.00 of $100.00" in waits(known, asking(), monthly_training_budget=100.0)
    assert not waits(known, asking(), daily_training_budget=100.0)
    assert not waits(known, asking(5.0), monthly_training_budget=100.0)


def test_who_asks_again_is_not_held_up_by_the_own_place() -> None:
    known = spent().including(asking())
    assert not waits(known, asking(), daily_runs=1, daily_training_budget=10.0)
    assert waits(known, asking().replace(attempt=2), daily_runs=1)


@pytest.mark.parametrize("name", ["budget", "daily_training_budget", "monthly_training_budget"])
def test_no_ceiling_lets_a_dearer_run_or_an_unknown_price_through(name: str) -> None:
    assert f"TUNEDROP_{name.upper()}" in waits(spent(), asking(10.01), **{name: 10.0})
    assert "No price is known" in waits(spent(), asking(None), **{name: 10.0})
    assert not waits(spent(), asking(10.0), **{name: 10.0})
    assert not waits(spent(), asking(None))


def test_deployments_under_way_count_each_for_its_own_model() -> None:
    def under_way(model: str, **others: Any) -> Spending:
        one = reservation("m-1", TODAY, 1.0, open=True)
        return Spending(
            month=date(2026, 11, 1), reservations=(one.replace(model=model, hosting=5.0, **others),)
        )

    wanted = asking(hosting=5.0)
    assert "$10.00 a month" in waits(under_way("m"), wanted, hosting_budget=9.0)
    assert not waits(under_way("m"), wanted, hosting_budget=10.0)
    assert not waits(under_way("other"), wanted, hosting_budget=9.0)
    assert not waits(under_way("m", open=False), wanted, hosting_budget=9.0)


def test_what_ends_holds_no_place_and_what_is_not_billed_yet_stays_reserved() -> None:
    known = spent().including(asking(10.0))
    for usd, stays in ((0.0, 10.0), (4.0, 4.0)):
        (ended,) = known.ended("m-2", 1, usd).reservations
        assert (ended.usd, ended.open) == (stays, False)
    assert known.ended("m-2", 1, None).reservations == ()
    again = known.including(asking(20.0).replace(attempt=2)).ended("m-2", 2, 0.0)
    assert [r.open for r in again.reservations] == [False, False]
