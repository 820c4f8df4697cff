"""The document of what was spent: what it lists, what it sums up, and whose clock it believes."""

from dataclasses import replace
from datetime import date, timedelta

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
