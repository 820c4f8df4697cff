"""The ceiling of a month's hosting, held against what is deployed: what is put to sleep before it
is passed, and what is said where that is not enough.

    reconciler/hosting_ceiling.json   in the runs container: what was said, of which month

Knows when it would be passed and who is told, not what may sleep (`shared/model/hosting.py`), nor
how.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from shared.catalog import lookup
from shared.cloud.documents import Count, Document, as_json
from shared.errors import Unreadable
from shared.model.cost_sheet import SETTING, CostSheet
from shared.model.hosting import Removal, Situation, Why, what_to_put_to_sleep
from shared.model.hosting_ceiling import enough, fits, over, passed_at
from shared.model.registry import Model, Version
from shared.run import costing, notify
from shared.run.context import Context
from shared.run.notifications import Kind

log = logging.getLogger(__name__)

NAME = "reconciler/hosting_ceiling.json"
NO_MORE = (
    "What stays deployed is used, kept always or busy: whoever runs the app can raise the ceiling, "
    "keep a model on-demand (run.yaml), or put one to sleep: `tunedrop sleep MODEL`."
)


class Said(Document):
    """`level`: empty, `over` (the month comes to more) or `passed`. `within`: how often the month
    has come within the ceiling again after it was said."""

    month: str
    level: str = ""
    within: Count = 0


async def due(
    models: Iterable[Model], at: Situation, gone: Iterable[Removal], ctx: Context
) -> list[Removal]:
    """What is to sleep now for the hosting of the month to stay within its ceiling; nothing where
    there is none. `gone`: what sleeps by now. Raises Unavailable."""
    ceiling = ctx.settings.monthly_hosting_ceiling
    if not ceiling:
        return []
    costs, asleep = await costing.hosting_costs(ctx), set(map(_named, gone))
    order = (one for one in what_to_put_to_sleep(models, at) if _named(one) not in asleep)
    chosen = enough(order, over(ceiling, costs), costs.region)
    if not chosen:  # else the next look knows what was enough
        await _say(CostSheet(costs, ceiling), ctx)
    return [replace(removal, why=Why.CEILING) for removal in chosen]


async def leaves_room(version: Version, ctx: Context) -> bool:
    """Whether it may be deployed without the month's hosting passing its ceiling. One that costs
    nothing by the hour, or nobody knows how much, counts against none. Raises Unavailable."""
    price = lookup.hosting_per_hour(version.base_model, version.sku, ctx.region)
    ceiling = ctx.settings.monthly_hosting_ceiling
    if not ceiling or not price:
        return True
    return fits(ceiling, await costing.hosting_costs(ctx), price)


def _named(removal: Removal) -> tuple[str, int]:
    return removal.model, removal.version.version


async def _say(sheet: CostSheet, ctx: Context) -> None:
    """Once in a month of each level, and again where it was within the ceiling meanwhile."""
    passed = passed_at(sheet.ceiling, sheet.costs)
    level = "" if passed is None else "passed" if passed <= sheet.costs.at else "over"
    month = str(sheet.costs.month)
    known = await _latest(ctx)
    before = known if known and known.month == month else Said(month=month)
    if level == before.level:
        return
    said = before.replace(level=level, within=before.within + (not level))
    if level:
        await _tell(said, sheet.warning(), ctx)
    await ctx.clients.runs.put(NAME, as_json(said), "application/json")


async def _tell(said: Said, message: str, ctx: Context) -> None:
    """Before it is written down that it was said: a crash in between has it said once more."""
    log.warning("%s %s", message, NO_MORE)
    data = {"setting": SETTING, "message": message, "fix": NO_MORE}
    again = f"-{said.within}" if said.within else ""
    id = f"budget-{SETTING}-{said.month}-{said.level}{again}"
    await notify.add(ctx, Kind.BUDGET, SETTING, data, id)


async def _latest(ctx: Context) -> Said | None:
    """None before the first, and for one that cannot be read: the next replaces it."""
    try:
        found = await ctx.clients.runs.record(NAME, Said)
    except Unreadable as error:
        log.warning("%s", error.message)
        return None
    return found[0] if found else None
