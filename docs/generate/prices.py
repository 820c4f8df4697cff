"""The page docs/prices.md: list prices and base models, from the catalog."""

from collections.abc import Iterator
from itertools import groupby

from shared.catalog import facts, lookup, prices
from shared.catalog.lookup import CatalogModel
from shared.catalog.records import PriceRow

FEW = 4  # regions that are named

_PAGE = """# Prices and base models

List prices in USD, without discounts and taxes, from the {source}, of {dated}. The table is made
anew by `python3 dev.py prices`, which shows what has changed; this page is made from it by
`python3 dev.py docs`. Look a price up at Azure before you rely on it.

The app takes the price of its account's region. Where the region is not known, or no meter names
it, the dearest price counts: a budget is never passed on the cheap side. Where a model's tokens are
near, not exact, a price is told as *about*, and twice of it has to fit into a budget. A price that
no meter has is *unknown*, never 0; what becomes of a run then, where a budget is set, is for
`TUNEDROP_UNKNOWN_PRICE` and `unknown_price` in [run.yaml](run-yaml.md) to say. Government clouds
have price lists of their own, which are not here. A deployment with the SKU DeveloperTier costs
nothing by the hour. Provisioned deployments, managed compute and Fireworks cost by units that are
not in the table.

## Training, for a million tokens

{training}

## Hosting, for an hour of a deployment, used or not

{hosting}

## Base models

Read on {read_on}. Lifecycles are those of the page of retirements of {retirements}: no date is
earlier than said, any may come later, and the page has changed three times in five months.
"Existing" means that only a subscription that has deployed the base model before may begin now.

{models}

Training by data zone is sent as `DatazoneStandard`, as in Microsoft's newest SDK; the service's
documentation does not name it. How many tokens an example of an open-weight model may have is not
published; 65,536 are assumed. Images are taken by {images}.
"""

_PRICES_HEAD = "| base model | {offer} | USD | meter |\n|---|---|---|---|"
_MODELS_HEAD = (
    "| base model | format | methods | trained as | deployed as | trained until | base until | "
    "deployments until | new subscriptions | tokens |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def page() -> str:
    return _PAGE.format(
        source=prices.SOURCE.name,
        dated=prices.SOURCE.dated,
        training=_prices(prices.TRAINING, "training type"),
        hosting=_prices(prices.HOSTING, "SKU"),
        models="\n".join([_MODELS_HEAD, *map(_model, lookup.MODELS)]),
        read_on=facts.READ_ON,
        retirements=facts.RETIREMENTS.source.dated,
        images=" and ".join(lookup.takers_of_images()),
    )


def _prices(kind: str, offer: str) -> str:
    rows = [row for row in prices.ROWS if row.kind == kind]
    parts = groupby(rows, lambda row: row[:3])
    lines = [_line(list(group)) for _, group in parts]
    return "\n".join([_PRICES_HEAD.format(offer=offer), *lines, *_unknown(rows)])


def _line(rows: list[PriceRow]) -> str:
    first = rows[0]
    amounts = sorted({row.usd for row in rows})
    told = ", ".join(_amount(usd, rows, alone=len(amounts) == 1) for usd in amounts)
    return f"| {first.model} | {first.offer} | {told} | {first.meter} |"


def _amount(usd: float, rows: list[PriceRow], *, alone: bool) -> str:
    regions = sorted({region for row in rows if row.usd == usd for region in row.regions})
    where = ", ".join(regions) if len(regions) <= FEW else f"{len(regions)} regions"
    return f"{usd:g}" if alone else f"{usd:g} ({where})"


def _unknown(rows: list[PriceRow]) -> Iterator[str]:
    priced = {row.model for row in rows}
    for model in lookup.MODELS:
        if model.methods and model.name not in priced:
            yield f"| {model.name} | every one | unknown | none |"


def _model(model: CatalogModel) -> str:
    cells = (
        model.name + (" (preview)" if model.preview else ""),
        model.format,
        ", ".join(model.methods) or "none that this app has",
        ", ".join(model.tiers) or "–",
        ", ".join(model.skus) or "nothing serverless",
        *(str(day or "–") for day in (model.training_ends, model.base_ends, model.deployments_end)),
        "yes" if model.new_customers else "existing",
        "exact" if model.exact_tokens else "near",
    )
    return f"| {' | '.join(cells)} |"
