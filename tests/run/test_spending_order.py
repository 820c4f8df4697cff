"""What was spent: who is ahead of whom, and for which setting one waits or is refused."""

from dataclasses import replace
from datetime import date

from shared.run.spending import (
    CHANGE,
    Hosted,
    Reservation,
    Spending,
    held,
    too_many_deployments,
)
from tests.support.settings import IN_MEMORY

TODAY = date(2026, 11, 27)
NOTHING = Spending(month=TODAY.replace(day=1))


def reservation(run_id: str, *, open: bool = True, job: bool = True) -> Reservation:
    return Reservation(
        run_id=run_id, attempt=1, model="m", day=TODAY, usd=1.0, hosting=0.0, open=open, job=job
    )


def test_who_came_before_a_run_and_who_has_a_model_already_is_ahead_of_it() -> None:
    known = NOTHING
    for name, job, open in (("a", True, True), ("b", True, False), ("c", True, True)):
        known = known.including(reservation(f"m-{name}", open=open, job=job))
    known = known.including(reservation("m-d", job=False))
    known = known.including(reservation("m-e"))
    assert known.ahead_of("m-c") == ["m-a", "m-d"]
    assert known.ahead_of("m-a") == ["m-d"]
    assert known.ahead_of("m-d") == ["m-a", "m-c"]
    assert known.ahead_of("m-new") == ["m-a", "m-c", "m-d", "m-e"]
    again = known.including(reservation("m-a", job=False).replace(attempt=2))
    assert again.ahead_of("m-c") == ["m-a", "m-d"], "each run once"


def test_who_waits_is_told_for_which_setting_and_since_which_day() -> None:
    spent = NOTHING.including(reservation("m-a"))
    month = date(2026, 11, 1)
    none = replace(IN_MEMORY, daily_runs=0)
    for limits, setting, since in (
        (replace(none, daily_runs=1), "TUNEDROP_DAILY_RUNS", TODAY),
        (replace(none, daily_training_budget=1.5), "TUNEDROP_DAILY_TRAINING_BUDGET", TODAY),
        (replace(none, monthly_training_budget=1.5), "TUNEDROP_MONTHLY_TRAINING_BUDGET", month),
    ):
        found = held(spent, reservation("m-new"), Hosted(), limits)
        assert found
        assert (found.setting, found.since) == (setting, since)


def test_what_has_no_known_price_is_not_hosted_under_a_months_ceiling_unless_that_is_accepted() -> (
    None
):
    limits = replace(IN_MEMORY, monthly_hosting_ceiling=50.0)
    unknown = reservation("m-new").replace(hosting=None)
    failure = too_many_deployments(NOTHING, unknown, Hosted(), limits)
    assert failure
    assert failure.message == (
        "No price is known for hosting this version of m, and TUNEDROP_MONTHLY_HOSTING_CEILING "
        "allows $50.00 for all that is deployed."
    )
    assert failure.fix == (
        "Take a base model and a deployment.sku with a known price, or ask whoever runs the app to "
        "set TUNEDROP_UNKNOWN_PRICE to accept; then `tunedrop retry m-new`."
    )
    for wanted, others in (
        (unknown, replace(limits, unknown_price="accept")),
        (unknown, replace(limits, monthly_hosting_ceiling=0.0)),
        (reservation("m-new"), limits),
    ):
        assert too_many_deployments(NOTHING, wanted, Hosted(), others) is None


def test_a_change_to_or_from_an_unknown_price_is_of_unknown_price() -> None:
    limits = replace(IN_MEMORY, hosting_budget=5_000.0)
    for there, coming in ((None, 10.0), (10.0, None)):
        change = reservation("m-a").replace(attempt=CHANGE, hosting=coming)
        known = NOTHING.including(change)
        wanted = reservation("m-b").replace(hosting=10.0)
        failure = too_many_deployments(known, wanted, Hosted({"m-a": there}), limits)
        assert failure
        assert "No price is known for hosting all deployments of m" in failure.message
