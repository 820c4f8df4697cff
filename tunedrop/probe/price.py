"""What a probe may cost at most, told before it begins and held against the ceiling. Pure.

Rounded up to cents. List prices are of `shared/catalog`, with their date there.
"""

import math
from collections.abc import Iterable

from shared.catalog.lookup import hosting_per_hour, training_price
from tunedrop.probe.things import BASE, EPOCHS, TIER, TUNED_SKU

CHATS = 0.01  # about ten chats of some tens of tokens: a small part of it
TOKENS = 2_000 * EPOCHS  # of ten short examples: about a fifth of it
FREE = ("address", "files", "jobs", "control")
AREAS = (*FREE, "deployments", "training")


def price(area: str, region: str) -> float | None:
    """USD at most; None where no price is known."""
    if area in FREE:
        return 0.0
    if area == "deployments":
        return CHATS
    per_million, per_hour = training_price(BASE, TIER, region), hosting_per_hour(BASE, TUNED_SKU)
    if per_million is None or per_hour is None:
        return None
    return _cents(per_million * TOKENS / 1e6 + per_hour + CHATS)


def total(areas: Iterable[str], region: str) -> float:
    return sum(price(area, region) or 0.0 for area in areas)


def _cents(usd: float) -> float:
    return math.ceil(usd * 100 - 1e-9) / 100
