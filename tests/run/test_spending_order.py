"""Who is ahead of whom in the document of what was spent."""

from datetime import date

from shared.run.spending import Reservation, Spending

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
