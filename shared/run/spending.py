"""What jobs have been started and what they cost, against the ceilings in the settings. Pure.

A run reserves its place before anything of it is sent, in one document for all runs of the app, so
two runs that come at the same moment cannot both take the last place. A reservation belongs to an
attempt of a run, so asking for it again changes nothing; it is given back where no job came of it,
and is then what the service has billed, once that is known. Days and months are those of UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from shared.cloud.documents import Document, Frozen
from shared.dataset.measure.cost import exact_usd, usd_beside
from shared.run.record import Failure
from shared.settings import Settings

ROUNDING = 1e-6  # USD; sums of decimals are not exact
CHANGE = 0  # the attempt of a reservation for another deployment of what serves
LONGEST_CHANGE = timedelta(days=1)  # what was left by a crash is over then
MOST_DAYS = 100  # that are kept, the newest: more than a month, and some of a clock that is ahead


class Reservation(Frozen):
    """One attempt of a run. `usd`: what its job costs, as far as that is known; `hosting`: USD a
    month for the deployment that it leads to, None where that is not known. `open` until the run
    has ended. `job` is False where an earlier attempt has trained the model that this one deploys.
    """

    run_id: str
    attempt: int
    model: str
    day: date
    usd: float | None
    hosting: float | None
    open: bool = True
    job: bool = True


class Day(Frozen):
    """Closed reservations of a day that are no longer listed."""

    day: date
    jobs: int = 0
    usd: float = 0.0


class Spending(Document):
    """`earlier`: USD of `month` that an earlier version of the app has summed up without days."""

    month: date
    earlier: float = 0.0
    days: tuple[Day, ...] = ()
    reservations: tuple[Reservation, ...] = ()

    def without(self, run_id: str, attempt: int) -> "Spending":
        kept = (r for r in self.reservations if (r.run_id, r.attempt) != (run_id, attempt))
        return self.replace(reservations=tuple(kept))

    def including(self, reservation: Reservation) -> "Spending":
        """Where the attempt has a place, it keeps it: who came first stays first."""
        if old := self.of(reservation.run_id, reservation.attempt):
            kept = (reservation if r is old else r for r in self.reservations)
            return self.replace(reservations=tuple(kept))
        return self.replace(reservations=(*self.reservations, reservation))

    def ahead_of(self, run_id: str) -> list[str]:
        """The runs with a place that come before this one: all, where it has none."""
        open = [r for r in self.reservations if r.open]
        ids = [r.run_id for r in open]
        first = ids.index(run_id) if run_id in ids else len(ids)
        before = [*ids[:first], *(r.run_id for r in open[first:] if not r.job)]
        return [one for one in dict.fromkeys(before) if one != run_id]

    def ended(self, run_id: str, attempt: int, usd: float | None) -> "Spending":
        """With what the attempt has come to: None where it had no job, 0 where what that was
        billed for is not known. Earlier attempts that nobody has closed end with it."""
        reserved = self.of(run_id, attempt)
        known = self.without(run_id, attempt)
        if reserved and reserved.job and usd is not None:
            known = self.including(reserved.replace(usd=usd or reserved.usd))
        closed = (r.replace(open=False) if r.run_id == run_id else r for r in known.reservations)
        return known.replace(reservations=tuple(closed))

    def of(self, run_id: str, attempt: int) -> Reservation | None:
        return next(
            (r for r in self.reservations if (r.run_id, r.attempt) == (run_id, attempt)), None
        )


@dataclass(frozen=True)
class Hosted:
    """A model's deployments that there are: USD a month by the run that each came from, whose
    reservation it replaces; None where the price is not known."""

    by_run: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """Why a run may not send anything: for good (`failure`), or for now (`waiting_for`), for which
    setting and since which day that one's day or month has been."""

    failure: Failure | None = None
    waiting_for: str | None = None
    setting: str = ""
    since: date = date.min


def as_of(known: Spending | None, today: date) -> Spending:
    """The document on a day: reservations that are over and not of today are only summed up.

    Each day and month keeps what is its own, so nothing is forgotten where two instances, of which
    one's clock is behind or ahead, are not of one mind about the day.
    """
    if known is None:
        return Spending(month=_month(today))
    undated = (Day(day=known.month, usd=known.earlier),) if known.earlier else ()
    over = (_day(r) for r in known.reservations if not r.open and r.day != today)
    days = _by_day((*known.days, *undated, *over))
    kept = tuple(
        r
        for r in known.reservations
        if (r.open and (r.attempt != CHANGE or today - r.day <= LONGEST_CHANGE)) or r.day == today
    )
    return known.replace(earlier=0.0, days=days[-MOST_DAYS:], reservations=kept)


def held(
    spending: Spending, wanted: Reservation, hosted: Hosted, settings: Settings
) -> Held | None:
    """Why this reservation may not be made; None if it may. `spending` is as of its day."""
    failure = _too_dear(wanted, settings) or too_many_deployments(
        spending, wanted, hosted, settings
    )
    if failure:
        return Held(failure=failure)
    others = spending.without(wanted.run_id, wanted.attempt)
    known = _by_day((*others.days, *map(_day, others.reservations)))
    today = next((day for day in known if day.day == wanted.day), Day(day=wanted.day))
    month = sum(day.usd for day in known if _month(day.day) == _month(wanted.day))
    if settings.daily_runs and today.jobs >= settings.daily_runs:
        return Held(
            waiting_for=f"{today.jobs} jobs of today (UTC), as many as TUNEDROP_DAILY_RUNS allows. "
            "It goes on by itself tomorrow.",
            setting="TUNEDROP_DAILY_RUNS",
            since=wanted.day,
        )
    daily, monthly = settings.daily_training_budget, settings.monthly_training_budget
    spans = (
        (today.usd, daily, "DAILY", "today (UTC)", "tomorrow", wanted.day),
        (month, monthly, "MONTHLY", "this month (UTC)", "next month", _month(wanted.day)),
    )
    for spent, ceiling, name, when, then, since in spans:
        if ceiling and spent + (wanted.usd or 0) > ceiling + ROUNDING:
            return Held(
                waiting_for=f"{usd_beside(ceiling, spent)} of {exact_usd(ceiling)} are spent or "
                f"reserved {when}, and it costs {usd_beside(ceiling, wanted.usd or 0)} "
                f"(TUNEDROP_{name}_TRAINING_BUDGET). It goes on by itself {then}.",
                setting=f"TUNEDROP_{name}_TRAINING_BUDGET",
                since=since,
            )
    return None


def _too_dear(wanted: Reservation, settings: Settings) -> Failure | None:
    """What no day could make right."""
    ceilings = {
        "TUNEDROP_BUDGET": settings.budget,
        "TUNEDROP_DAILY_TRAINING_BUDGET": settings.daily_training_budget,
        "TUNEDROP_MONTHLY_TRAINING_BUDGET": settings.monthly_training_budget,
    }
    for name, ceiling in ceilings.items():
        if ceiling and wanted.usd is None and settings.unknown_price == "refuse":
            return _failure(
                wanted,
                f"No price is known for this training, and {name} allows {exact_usd(ceiling)}.",
                "Choose a base model and training type with a known price, or ask whoever runs "
                f"the app to set {name} to 0, or TUNEDROP_UNKNOWN_PRICE to accept",
            )
        if ceiling and (wanted.usd or 0) > ceiling + ROUNDING:
            return _failure(
                wanted,
                f"This training costs {usd_beside(ceiling, wanted.usd or 0)} at list price; "
                f"{name} allows {exact_usd(ceiling)}.",
                "Train for fewer epochs, with fewer examples or on a cheaper model or tier, or ask "
                f"whoever runs the app to raise {name}",
            )
    return None


def too_many_deployments(
    spending: Spending, wanted: Reservation, hosted: Hosted, settings: Settings
) -> Failure | None:
    """Why this deployment may not be asked for; None if it may."""
    if failure := _uncounted(wanted, settings):
        return failure
    ceiling = settings.hosting_budget
    if not ceiling or wanted.hosting == 0:
        return None
    parts = [*_others(spending, wanted, hosted), wanted.hosting]
    if None in parts and settings.unknown_price == "refuse":
        return _failure(
            wanted,
            f"No price is known for hosting all deployments of {wanted.model}, and "
            f"TUNEDROP_HOSTING_BUDGET allows {exact_usd(ceiling)} a month.",
            "Take the deployment.sku DeveloperTier, which costs nothing by the hour, or ask "
            "whoever runs the app to set TUNEDROP_UNKNOWN_PRICE to accept",
        )
    whole = sum(part or 0.0 for part in parts)
    if whole <= ceiling + ROUNDING:
        return None
    return _failure(
        wanted,
        f"With this run the deployments of {wanted.model} would cost "
        f"{usd_beside(ceiling, whole)} a month at list price; TUNEDROP_HOSTING_BUDGET allows "
        f"{exact_usd(ceiling)}.",
        f"Delete a deployment of {wanted.model} that is not needed, take the deployment.sku "
        "DeveloperTier, which costs nothing by the hour, or ask whoever runs the app to raise "
        "TUNEDROP_HOSTING_BUDGET",
    )


def _uncounted(wanted: Reservation, settings: Settings) -> Failure | None:
    """What has no known price would be hosted beside the month's ceiling."""
    ceiling, unknown = settings.monthly_hosting_ceiling, wanted.hosting is None
    if not ceiling or not unknown or settings.unknown_price == "accept":
        return None
    return _failure(
        wanted,
        f"No price is known for hosting this version of {wanted.model}, and "
        f"TUNEDROP_MONTHLY_HOSTING_CEILING allows {exact_usd(ceiling)} for all that is deployed.",
        "Take a base model and a deployment.sku with a known price, or ask whoever runs the app to "
        "set TUNEDROP_UNKNOWN_PRICE to accept",
    )


def _others(spending: Spending, wanted: Reservation, hosted: Hosted) -> Iterable[float | None]:
    """USD a month of the model's other deployments, those that are there or are coming: one for
    each run, however many of its attempts are open. What is being changed costs the dearer of
    both."""
    known = dict(hosted.by_run)
    for r in spending.reservations:
        if not r.open or r.model != wanted.model or r.run_id == wanted.run_id:
            continue
        if r.run_id not in hosted.by_run:
            known[r.run_id] = r.hosting
        elif r.attempt == CHANGE:
            known[r.run_id] = _dearer(known[r.run_id], r.hosting)
    return known.values()


def _dearer(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)


def _failure(wanted: Reservation, message: str, fix: str) -> Failure:
    fix = f"{fix}; then `tunedrop retry {wanted.run_id}`."
    return Failure(message=message, fix=fix, blame="caller")


def _day(reservation: Reservation) -> Day:
    return Day(day=reservation.day, jobs=int(reservation.job), usd=reservation.usd or 0.0)


def _by_day(known: Iterable[Day]) -> tuple[Day, ...]:
    """Summed up, one for each day, the earliest first."""
    days: dict[date, Day] = {}
    for one in known:
        day = days.get(one.day, Day(day=one.day))
        days[one.day] = day.replace(jobs=day.jobs + one.jobs, usd=day.usd + one.usd)
    return tuple(days[day] for day in sorted(days))


def _month(day: date) -> date:
    return day.replace(day=1)
