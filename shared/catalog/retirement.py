"""How long a base model and what was made of it still have, and what is to be done about it. Pure.

Dates are those of the catalog, unless the caller has newer ones from the account itself.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from shared.catalog import facts, lookup
from shared.catalog.lookup import CatalogModel
from shared.catalog.records import Retirement

LEVELS = ((7, "urgent"), (30, "warning"), (90, "notice"))  # days that are left, at the most
ENDED = "ended"
WORTH_IT = timedelta(days=90)  # by which another base model is trained for longer, at the least


class Ending(NamedTuple):
    """`level` is ended, urgent, warning or notice; `days` are left, none or fewer where it ended.
    `cure` is empty where there is none today."""

    what: str  # training, base or deployments
    on: date
    days: int
    level: str
    sentence: str
    cure: str
    known_on: date

    def as_json(self) -> dict[str, str | int | None]:
        return {
            **self._asdict(),
            "on": self.on.isoformat(),
            "known_on": self.known_on.isoformat(),
            "cure": self.cure or None,
        }


def level(days: int) -> str:
    """Empty while more than 90 days are left."""
    if days <= 0:
        return ENDED
    return next((name for most, name in LEVELS if days <= most), "")


def endings(
    model: CatalogModel,
    today: date,
    method: str = facts.SUPERVISED,
    told: Retirement | None = None,
    told_on: date | None = None,
) -> list[Ending]:
    """What of a base model ends within 90 days or has ended, the soonest first. `told` are dates
    of the account, which stand above the catalog's."""
    ends = dates(model, told)
    known_on = told_on if told and told_on else facts.RETIREMENTS.source.dated
    found = []
    for what, on, sentence in _sentences(model.name, ends):
        days = (on - today).days
        if name := level(days):
            cure = _cure(model, method, today)
            found.append(Ending(what, on, days, name, sentence(days), cure, known_on))
    return sorted(found, key=lambda ending: ending.on)


def successors(model: CatalogModel, method: str, today: date) -> tuple[str, ...]:
    """Base models that the app can tune this way and serve, and that are trained for longer."""
    least = max(model.training_ends or today, today) + WORTH_IT
    return tuple(
        other.name
        for other in lookup.MODELS
        if other.name != model.name
        and method in other.methods
        and other.skus
        and (other.training_ends is None or other.training_ends >= least)
    )


def dates(model: CatalogModel, told: Retirement | None) -> Retirement:
    """When what of a base model ends: as the account tells it, and otherwise by the catalog."""
    known = Retirement(model.training_ends, model.deployments_end, model.base_ends)
    if told is None:
        return known
    return Retirement(
        told.training or known.training,
        told.deployments or known.deployments,
        told.base or known.base,
    )


class _Sentence(NamedTuple):
    before: str
    after: str
    on: date

    def __call__(self, days: int) -> str:
        if days <= 0:
            return f"{self.after} {self.on}, or soon after."
        return f"{self.before} {self.on} at the least: {days} day{'s' * (days != 1)}."


def _sentences(name: str, ends: Retirement) -> Iterator[tuple[str, date, _Sentence]]:
    texts = (
        (
            "training",
            ends.training,
            f"{name} can be trained until",
            f"Training of {name} ended on",
        ),
        ("base", ends.base, f"{name} itself answers until", f"{name} itself was retired on"),
        (
            "deployments",
            ends.deployments,
            f"Tuned versions of {name} answer until",
            f"Tuned versions of {name} stopped answering on",
        ),
    )
    for what, on, before, after in texts:
        if on:
            yield what, on, _Sentence(before, after, on)


def _cure(model: CatalogModel, method: str, today: date) -> str:
    later = successors(model, method, today)
    return f"Train again on one that is trained for longer: {', '.join(later)}." if later else ""
