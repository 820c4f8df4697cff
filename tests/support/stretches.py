"""Versions that had deployments, in the middle of a November."""

from datetime import UTC, datetime, timedelta

from shared.model.costs import Costs, ModelCosts, hosting
from shared.model.month import Month
from shared.model.registry import Hosted, Version
from tests.support.versions import version

NOVEMBER = Month(2026, 11)
NOON = datetime(2026, 11, 16, tzinfo=UTC)  # half of the month is over
HOUR = timedelta(hours=1)
NANO = "gpt-4.1-nano-2025-04-14"


def of(*hosted: Hosted, base: str = NANO) -> Version:
    sku = hosted[-1].sku if hosted else "Standard"
    return version("m-1").replace(version=1, base_model=base, sku=sku, hosted=hosted)


def stretch(since: datetime, until: datetime | None = None, sku: str = "Standard") -> Hosted:
    return Hosted(since=since, until=until, sku=sku, capacity=1)


def costs(*versions: Version, at: datetime = NOON, month: Month = NOVEMBER) -> Costs:
    parts = tuple(part for one in versions for part in hosting(one, month, at, "swedencentral"))
    return Costs(month, at, "swedencentral", (ModelCosts("m", parts),))
