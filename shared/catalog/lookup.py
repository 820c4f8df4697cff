"""Answers from the dated facts. Look-ups only, no judgement."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from shared.catalog import facts, prices
from shared.catalog.records import ImageTokens, PriceRow, Retirement

_NO_END = Retirement(None, None, None)
_GOVERNMENT = ("usgov", "usdod", "china")  # clouds with price lists of their own


class CatalogModel(NamedTuple):
    """All that the facts say about a base model. What is None is not known; no date is earlier than
    said, and any may come later."""

    name: str
    methods: tuple[str, ...]
    tokens_per_example: int
    encoding: str
    note: str
    training_prices: dict[str, float]  # USD per million tokens by tier, of the dearest region
    training_ends: date | None
    deployments_end: date | None
    image_tokens: ImageTokens | None
    format: str  # Azure Resource Manager's
    tiers: tuple[str, ...]  # training types that it takes, as values of facts.TIERS
    skus: tuple[str, ...]  # of its tuned versions, as values of facts.SKUS; empty: none serverless
    preview: bool
    takes_images: bool
    base_ends: date | None
    new_customers: bool  # a subscription that has never deployed it may begin now
    exact_tokens: bool


def find_model(name: str) -> CatalogModel | None:
    """The base model of a name; of a tuned one (`base.ft-…`), the base that it was tuned from."""
    base = name.partition(".ft-")[0].lower()
    base = facts.OTHER_NAMES.get(base, base).lower()
    return next((model for model in MODELS if model.name.lower() == base), None)


def service_name(name: str) -> str:
    """A base model's name as the service has it, where people write another; any other as it is."""
    return facts.OTHER_NAMES.get(name.lower(), name)


def takers_of_images() -> tuple[str, ...]:
    return tuple(model.name for model in MODELS if model.takes_images)


# ---- regions


def standard_regions(name: str) -> tuple[str, ...]:
    """Where the tier `standard` trains a base model."""
    regions = facts.STANDARD_REGIONS.values
    return regions.get(name.lower(), regions[facts.ANY_OTHER])


def deployment_regions(name: str, sku: str) -> tuple[str, ...]:
    """Where its tuned versions are deployed with a SKU; empty where no table says it: anywhere."""
    if facts.SKUS.values.get(sku.lower()) != "Standard":
        return ()
    regions = facts.DEPLOYMENT_REGIONS.values
    return regions.get(name.lower(), regions[facts.ANY_OTHER])


def priced_regions() -> tuple[str, ...]:
    """Where any meter has a price; the clouds with price lists of their own are not among them."""
    return tuple(sorted({region for row in prices.ROWS for region in row.regions}))


def is_government(region: str) -> bool:
    return _place(region).startswith(_GOVERNMENT)


def _place(region: str) -> str:
    return region.lower().replace(" ", "")


# ---- prices


def training_price(model: str, tier: str, region: str = "") -> float | None:
    """USD per million training tokens; None where no price is known.

    Without a region, or where no meter names it, the dearest region's: too much rather than too
    little. Government clouds' prices are not known.
    """
    return _dearest(model, prices.TRAINING, facts.TIERS.get(tier.lower()), region)


def hosting_per_hour(model: str, sku: str, region: str = "") -> float | None:
    """USD for an hour of one deployment, used or not: 0.0 for a SKU that has no hosting price, None
    where it is not known, or whether the model has such deployments. Regions as for
    `training_price`."""
    name = facts.SKUS.values.get(sku.lower())
    known = find_model(model)
    if name == "DeveloperTier":
        return 0.0 if known and name in known.skus else None
    return _dearest(model, prices.HOSTING, name, region)


def hosting_per_month(model: str, sku: str, region: str = "") -> float | None:
    per_hour = hosting_per_hour(model, sku, region)
    return None if per_hour is None else round(per_hour * facts.HOURS_PER_MONTH, 2)


def _dearest(model: str, kind: str, offer: str | None, region: str) -> float | None:
    place = _place(region)
    known = find_model(model)
    if known is None or is_government(region):
        return None
    found = list(_rows(known.name, kind, offer))
    there = [row.usd for row in found if place in row.regions]
    return max(there or [row.usd for row in found], default=None)


def _rows(model: str, kind: str, offer: str | None) -> Iterator[PriceRow]:
    return (row for row in prices.ROWS if row[:3] == (model, kind, offer))


# ---- all of it


def is_stale(today: date) -> bool:
    return today - facts.READ_ON > facts.STALE_AFTER


def _joined() -> tuple[CatalogModel, ...]:
    models = []
    for model in facts.MODELS.values:
        ends = facts.RETIREMENTS.values.get(model.name, _NO_END)
        rows = ((tier, list(_rows(model.name, prices.TRAINING, tier))) for tier in model.tiers)
        models.append(
            CatalogModel(
                **model._asdict(),
                training_prices={
                    tier: max(row.usd for row in found) for tier, found in rows if found
                },
                training_ends=ends.training,
                deployments_end=ends.deployments,
                base_ends=ends.base,
                new_customers=ends.new_customers,
                image_tokens=facts.IMAGE_TOKENS.values.get(model.name),
            )
        )
    return tuple(models)


MODELS = _joined()
