"""What is known of the ends of a model's base model: for people, who have to train again in time.

Knows the catalog's dates. It does not ask the account, whose dates may be newer.
"""

from datetime import date
from typing import Any

from shared.catalog import lookup, retirement
from shared.model.registry import Model


def lifecycle(model: Model, today: date) -> dict[str, Any] | None:
    """Of its champion, or else of its newest version; None for a model without versions. Dates are
    null where none is published or the base model is not known."""
    number = model.champion or model.candidate
    if number is None:
        return None
    base = lookup.find_model(model.version(number).base_model)
    if base is None:
        return {"base_model": model.version(number).base_model, **_dates(), "endings": []}
    return {
        "base_model": base.name,
        **_dates(base.training_ends, base.base_ends, base.deployments_end),
        "endings": [ending.as_json() for ending in retirement.endings(base, today)],
    }


def _dates(
    training: date | None = None, base: date | None = None, deployments: date | None = None
) -> dict[str, str | None]:
    dates = {"training_ends": training, "base_ends": base, "deployments_end": deployments}
    return {name: day.isoformat() if day else None for name, day in dates.items()}
