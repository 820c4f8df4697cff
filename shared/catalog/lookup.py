"""Answers from the dated facts. Look-ups only, no judgement."""

from datetime import date
from typing import NamedTuple

from shared.catalog import facts
from shared.catalog.records import ImageTokens


class CatalogModel(NamedTuple):
    """All that the facts say about a base model. Prices are USD per million training tokens, by
    tier; empty if unknown. `image_tokens` is None if unknown."""

    name: str
    methods: tuple[str, ...]
    tokens_per_example: int
    encoding: str
    note: str
    training_prices: dict[str, float]
    training_ends: date | None
    deployments_end: date | None
    image_tokens: ImageTokens | None


def find_model(name: str) -> CatalogModel | None:
    """The base model of a name; of a tuned one (`base.ft-…`), the base that it was tuned from."""
    base = name.partition(".ft-")[0].lower()
    return next((model for model in MODELS if model.name.lower() == base), None)


def standard_regions(name: str) -> tuple[str, ...]:
    """Where the tier `standard` trains a base model."""
    regions = facts.STANDARD_REGIONS.values
    return regions.get(name.lower(), regions[facts.ANY_OTHER])


def hosting_per_month(sku: str) -> float:
    """USD at list price for one deployment of this SKU, used or not."""
    developer = facts.SKUS.values.get(sku.lower()) == "DeveloperTier"
    return 0.0 if developer else facts.HOSTING.per_hour * facts.HOSTING.hours_per_month


def is_stale(today: date) -> bool:
    return today - facts.READ_ON > facts.STALE_AFTER


def _joined() -> tuple[CatalogModel, ...]:
    models = []
    for model in facts.MODELS.values:
        ends = facts.RETIREMENTS.values.get(model.name)
        models.append(
            CatalogModel(
                name=model.name,
                methods=model.methods,
                tokens_per_example=model.tokens_per_example,
                encoding=model.encoding,
                note=model.note,
                training_prices=facts.TRAINING_PRICES.values.get(model.name, {}),
                training_ends=ends.training if ends else None,
                deployments_end=ends.deployments if ends else None,
                image_tokens=facts.IMAGE_TOKENS.values.get(model.name),
            )
        )
    return tuple(models)


MODELS = _joined()
