"""The document of what was spent: what it lists, what it sums up, and whose clock it believes."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.run.spending import Day, Hosted, Reservation, Spending, as_of, held
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
    assert now.earlier == 0.0
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


# ---- what is asked for against the ceilings

TODAY = date(2026, 11, 4)
NOTHING = Spending(month=date(2026, 11, 1))


def wanted(usd: float | None = 10.0, hosting: float = 0.0) -> Reservation:
    return Reservation(run_id="m-new", attempt=1, model="m", day=TODAY, usd=usd, hosting=hosting)


def reason(spending: Spending, asked: Reservation, *hosted: Hosted, **ceilings: float | str) -> str:
    """What is said against it, with the fix; empty where it may be made."""
    limits = replace(UNLIMITED, **ceilings)  # type: ignore[arg-type]
    against = held(spending, asked, hosted[0] if hosted else Hosted(), limits)
    if against is None:
        return ""
    if against.failure:
        assert not against.waiting_for
        assert against.failure.blame == "caller"
        return f"fails: {against.failure.message} {against.failure.fix}"
    return f"waits: {against.waiting_for}"


UNLIMITED = replace(
    IN_MEMORY,
    budget=0.0,
    daily_runs=0,
    daily_training_budget=0.0,
    monthly_training_budget=0.0,
    hosting_budget=0.0,
)
CEILINGS = {
    "budget": "TUNEDROP_BUDGET",
    "daily_training_budget": "TUNEDROP_DAILY_TRAINING_BUDGET",
    "monthly_training_budget": "TUNEDROP_MONTHLY_TRAINING_BUDGET",
}


@pytest.mark.parametrize(("ceiling", "name"), CEILINGS.items())
def test_one_training_over_a_ceiling_fails_and_one_equal_to_it_does_not(
    ceiling: str, name: str
) -> None:
    assert reason(NOTHING, wanted(10.0), **{ceiling: 10.0}) == ""
    against = reason(NOTHING, wanted(10.01), **{ceiling: 10.0})
    assert against.startswith(f"fails: This training costs $10.01 at list price; {name} allows $10")
    assert against.endswith(f"to raise {name}; then `tunedrop retry m-new`.")


@pytest.mark.parametrize(("ceiling", "name"), CEILINGS.items())
def test_a_price_that_is_not_known_is_within_no_ceiling(ceiling: str, name: str) -> None:
    assert reason(NOTHING, wanted(None)) == ""
    against = reason(NOTHING, wanted(None), **{ceiling: 10.0})
    assert against.startswith(f"fails: No price is known for this training, and {name} allows $10")
    assert f"to set {name} to 0, or TUNEDROP_UNKNOWN_PRICE to accept; then `tunedrop" in against


@pytest.mark.parametrize(
    ("ceiling", "words", "again"),
    [
        ("daily_training_budget", "today (UTC)", "tomorrow"),
        ("monthly_training_budget", "this month (UTC)", "next month"),
    ],
)
def test_what_is_spent_and_what_is_reserved_leave_no_room(
    ceiling: str, words: str, again: str
) -> None:
    known = NOTHING.including(reservation("m-1", TODAY, 20.0, open=False))
    known = known.including(reservation("m-2", TODAY, 30.0, open=True))
    assert reason(known, wanted(10.0), **{ceiling: 60.0}) == ""
    against = reason(known, wanted(10.0), **{ceiling: 59.99})
    name = CEILINGS[ceiling]
    assert against == (
        f"waits: $50.00 of $59.99 are spent or reserved {words}, and it costs $10.00 ({name}). "
        f"It goes on by itself {again}."
    )
    own = known.including(wanted(10.0))
    assert reason(own, wanted(10.0), **{ceiling: 60.0}) == "", "it does not count twice"


@pytest.mark.parametrize("ceiling", CEILINGS)
def test_what_costs_nothing_is_within_every_ceiling(ceiling: str) -> None:
    known = NOTHING.including(reservation("m-1", TODAY, 0.5, open=False))
    assert reason(known, wanted(0.0), **{ceiling: 0.5}) == ""


def test_what_is_spent_over_a_ceiling_is_told_beside_what_it_costs() -> None:
    known = NOTHING.including(reservation("m-1", TODAY, 60.0, open=False))
    against = reason(known, wanted(0.0), daily_training_budget=50.0)
    assert against.startswith("waits: $60.00 of $50.00 are spent or reserved today (UTC), and it ")
    assert "it costs $0.00 (" in against


def test_yesterday_is_of_the_month_and_last_month_of_neither() -> None:
    known = NOTHING.replace(
        days=(Day(day=date(2026, 10, 31), jobs=9, usd=90.0), Day(day=date(2026, 11, 3), usd=50.0))
    )
    assert reason(known, wanted(10.0), daily_training_budget=10.0, daily_runs=1) == ""
    assert reason(known, wanted(10.0), monthly_training_budget=60.0) == ""
    assert "$50.00 of $59.00" in reason(known, wanted(10.0), monthly_training_budget=59.0)


def test_as_many_jobs_a_day_as_are_allowed_and_a_model_that_was_trained_is_no_job() -> None:
    known = NOTHING.including(reservation("m-1", TODAY, 1.0, open=False))
    known = known.including(reservation("m-2", TODAY, 0.0, open=True).replace(job=False))
    assert reason(known, wanted(), daily_runs=2) == ""
    against = reason(known, wanted(), daily_runs=1)
    assert against == (
        "waits: 1 jobs of today (UTC), as many as TUNEDROP_DAILY_RUNS allows. "
        "It goes on by itself tomorrow."
    )


def test_hosting_counts_what_is_there_what_is_coming_and_what_is_asked_for() -> None:
    other = reservation("x-1", TODAY, 1.0, open=True).replace(model="x", hosting=100.0)
    coming = reservation("m-2", TODAY, 1.0, open=True).replace(hosting=20.0)
    known = NOTHING.including(other).including(coming).including(coming.replace(attempt=2))
    known = known.including(reservation("m-3", TODAY, 1.0, open=False).replace(hosting=100.0))
    there = Hosted({"m-1": 30.0})
    assert reason(known, wanted(hosting=40.0), there, hosting_budget=90.0) == ""
    against = reason(known, wanted(hosting=40.0), there, hosting_budget=89.0)
    assert against.startswith(
        "fails: With this run the deployments of m would cost $90.00 a month at list price; "
        "TUNEDROP_HOSTING_BUDGET allows $89.00. Delete a deployment of m "
    )
    assert against.endswith("TUNEDROP_HOSTING_BUDGET; then `tunedrop retry m-new`.")
    assert reason(known, wanted(hosting=0.0), there, hosting_budget=49.0) == "", "costs nothing"
    assert reason(known, wanted(hosting=40.0), there) == "", "no ceiling"
    hosted = Hosted({"m-2": 30.0})  # it stands where it was reserved for
    assert reason(known, wanted(hosting=40.0), hosted, hosting_budget=70.0) == ""
    assert reason(known.including(wanted(hosting=40.0)), wanted(hosting=40.0), hosted,
                  hosting_budget=70.0) == ""  # fmt: skip


def test_hosting_of_unknown_price_meets_a_ceiling_as_the_setting_says() -> None:
    unknown = wanted().replace(hosting=None)
    assert reason(NOTHING, unknown) == "", "no ceiling"
    against = reason(NOTHING, unknown, hosting_budget=100.0)
    assert against.startswith("fails: No price is known for hosting all deployments of m, and ")
    assert "TUNEDROP_UNKNOWN_PRICE to accept" in against
    accepting: dict[str, Any] = {"hosting_budget": 100.0, "unknown_price": "accept"}
    assert reason(NOTHING, unknown, **accepting) == ""
    assert reason(NOTHING, unknown, Hosted({"m-1": 100.1}), **accepting), (
        "what is known still counts"
    )
    others = Hosted({"m-1": 1.0, "m-3": None})
    assert reason(NOTHING, wanted(hosting=1.0), others, hosting_budget=100.0)
    coming = NOTHING.including(unknown.replace(run_id="m-2"))
    assert reason(coming, wanted(hosting=1.0), hosting_budget=100.0)
    assert reason(coming, wanted(hosting=1.0), **accepting) == ""
    assert reason(coming, wanted(hosting=0.0), others, hosting_budget=1.0) == "", "costs nothing"


@pytest.mark.parametrize("ceiling", CEILINGS)
def test_a_training_of_unknown_price_is_accepted_where_the_app_says_so(ceiling: str) -> None:
    against = reason(NOTHING, wanted(None), **{ceiling: 10.0})
    assert "TUNEDROP_UNKNOWN_PRICE to accept" in against
    assert reason(NOTHING, wanted(None), **{ceiling: 10.0}, unknown_price="accept") == ""
    assert reason(NOTHING, wanted(10.1), **{ceiling: 10.0}, unknown_price="accept")


# ---- what an attempt has come to


def test_an_attempt_that_ends_counts_as_what_was_billed_or_as_reserved() -> None:
    known = NOTHING.including(wanted(10.0)).including(wanted(10.0).replace(attempt=2))
    billed = known.ended("m-new", 2, 12.5)
    assert [(r.attempt, r.usd, r.open) for r in billed.reservations] == [
        (1, 10.0, False),  # nobody has closed it before
        (2, 12.5, False),
    ]
    unknown = known.ended("m-new", 1, 0)
    assert {(r.attempt, r.usd) for r in unknown.reservations} == {(1, 10.0), (2, 10.0)}
    none = known.ended("m-new", 2, None)
    assert [(r.attempt, r.open) for r in none.reservations] == [(1, False)]
    assert none.of("m-new", 2) is None
    other = known.including(reservation("m-1", TODAY, 1.0, open=True)).ended("m-new", 1, 1.0)
    kept = other.of("m-1", 1)
    assert kept
    assert kept.open


def test_an_attempt_that_deploys_what_another_has_trained_costs_no_training() -> None:
    deploys = wanted(0.0).replace(job=False)
    assert NOTHING.including(deploys).ended("m-new", 1, 5.0).reservations == ()


def test_the_first_reservation_of_all_begins_the_month() -> None:
    assert as_of(None, TODAY) == NOTHING


def test_what_is_summed_up_of_a_day_is_added_to_it() -> None:
    known = NOTHING.replace(
        days=(Day(day=date(2026, 11, 3), jobs=2, usd=5.0),),
        reservations=(
            reservation("m-1", date(2026, 11, 3), 7.0, open=False),
            reservation("m-2", date(2026, 11, 3), 7.0, open=False).replace(usd=None, job=False),
        ),
    )
    assert as_of(known, TODAY).days == (Day(day=date(2026, 11, 3), jobs=3, usd=12.0),)


def test_a_deployment_without_a_hosting_price_adds_nothing() -> None:
    limits = replace(IN_MEMORY, hosting_budget=10.0, unknown_price="accept")
    hosted = Hosted({"m-1": None, "m-2": None})
    assert held(NOTHING, wanted(0.0).replace(hosting=10.0), hosted, limits) is None
