"""What is known of the ends of a model's base model: for people, who have to train again in time.

Knows the catalog's dates, and those that the account has told last; it asks nobody.
"""

from datetime import date
from typing import Any

from shared.catalog import lookup, retirement
from shared.catalog.records import Retirement
from shared.cloud.offers import Offers
from shared.model.registry import Model


def lifecycle(
    model: Model,
    today: date,
    offers: Offers | None = None,
    offered_on: date | None = None,
) -> dict[str, Any] | None:
    """Of its champion, or else of its newest version; None for a model without versions. Dates are
    null where none is published or the base model is not known. `offers`: what the account has
    told, on `offered_on`; it stands above the catalog."""
    number = model.champion or model.candidate
    if number is None:
        return None
    version = model.version(number)
    base = lookup.find_model(version.base_model)
    if base is None:
        ends = _ends(Retirement(None, None, None))
        return {"base_model": version.base_model, **ends, "endings": []}
    told = _told(base.name, offers)
    endings = retirement.endings(base, today, version.method, told, offered_on)
    return {
        "base_model": base.name,
        **_ends(retirement.dates(base, told)),
        "endings": [ending.as_json() for ending in endings],
    }


def _told(name: str, offers: Offers | None) -> Retirement | None:
    """What the account says of the ends of a base model and of its training."""
    entry = offers.model(name) if offers else None
    return Retirement(entry.training_ends, None, entry.ends) if entry else None


def _ends(ends: Retirement) -> dict[str, str | None]:
    days = {
        "training_ends": ends.training,
        "base_ends": ends.base,
        "deployments_end": ends.deployments,
    }
    return {name: day.isoformat() if day else None for name, day in days.items()}
