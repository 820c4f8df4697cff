"""What a ceiling of a month's hosting leaves: how much has to go, when it is passed, and which of
those that may be put to sleep are enough. Pure.

Knows what is deployed and what it costs, not which of it may go, and in which order (`hosting`).
"""

from collections.abc import Iterable
from datetime import datetime

from shared.catalog import lookup
from shared.model.costs import HOUR, Costs
from shared.model.hosting import Removal

ROUNDING = 1e-6  # USD; sums of decimals are not exact


def over(ceiling: float, costs: Costs) -> float:
    """USD an hour of what is deployed now that must go for the hosting of the whole month to stay
    within the ceiling; 0.0 where it does, or there is none (0). Never more than all of it costs."""
    hours = costs.rest / HOUR
    if not ceiling or not hours:
        return 0.0
    excess = costs.hosted.usd + costs.per_hour.usd * hours - ceiling
    if excess <= ROUNDING:
        return 0.0
    return min(costs.per_hour.usd, excess / hours)


def fits(ceiling: float, costs: Costs, more: float) -> bool:
    """Whether the hosting of the month stays within the ceiling, if there is one, with a deployment
    more that costs so many USD an hour."""
    ahead = (costs.per_hour.usd + more) * (costs.rest / HOUR)
    return not ceiling or costs.hosted.usd + ahead <= ceiling + ROUNDING


def passed_at(ceiling: float, costs: Costs) -> datetime | None:
    """When the hosting of the month passes the ceiling if all stays deployed that is: None if it
    does not, `costs.at` where it has already."""
    left = ceiling - costs.hosted.usd
    if ceiling and left < -ROUNDING:
        return costs.at
    return costs.at + HOUR * (left / costs.per_hour.usd) if over(ceiling, costs) else None


def enough(order: Iterable[Removal], too_much: float, region: str) -> list[Removal]:
    """The first of those that may go, until so many USD an hour are saved; all of them where that
    is not enough. What costs nothing by the hour, or nobody knows how much, stays: it saves
    nothing that is counted."""
    chosen = list[Removal]()
    for removal in order:
        if too_much <= ROUNDING:
            break
        saved = per_hour(removal, region)
        if saved:
            chosen.append(removal)
            too_much -= saved
    return chosen


def per_hour(removal: Removal, region: str) -> float:
    """USD that its deployment costs, as far as that is known."""
    version = removal.version
    return lookup.hosting_per_hour(version.base_model, version.sku, region) or 0.0
