"""Ends of base models that are near: each told in the log, and again when it has come closer.

    reconciler/retirements.json   in the runs container: what was told, and on which day was looked

Knows when to tell, not what ends (`shared/model/lifecycle.py`).
"""

import logging
from datetime import date
from typing import Any

from shared.cloud.container import Container
from shared.cloud.documents import Document, as_json
from shared.errors import Unreadable
from shared.model.lifecycle import lifecycle
from shared.run import notify
from shared.run.context import Context
from shared.run.notifications import Kind

log = logging.getLogger(__name__)

NAME = "reconciler/retirements.json"


class Told(Document):
    """`levels`: how near the ends are that were told, each by its model and by what ends."""

    looked: date
    levels: dict[str, str]


async def sweep(ctx: Context) -> None:
    """Look once a day: a model is a record to be read."""
    runs, today = ctx.clients.runs, ctx.now().date()
    before = await latest(runs)
    if before and before.looked == today:
        return
    told = before.levels if before else {}
    levels = dict[str, str]()
    for model in await ctx.registry.all():
        known = lifecycle(model, today, *ctx.clients.account.told)
        for ending in known["endings"] if known else ():
            what = f"{model.name} {ending['what']}"
            levels[what] = ending["level"]
            if told.get(what) != ending["level"]:
                await _tell(model.name, ending, ctx)
    await runs.put(NAME, as_json(Told(looked=today, levels=levels)), "application/json")


async def _tell(model: str, ending: dict[str, Any], ctx: Context) -> None:
    """Before it is written down that it was told: a crash in between has it told once more."""
    log.warning("%s: %s %s", model, ending["sentence"], ending["cure"] or "")
    data = {name: ending[name] for name in ("what", "on", "days", "level")}
    data |= {"model": model, "message": ending["sentence"], "fix": ending["cure"]}
    id = f"retirement-{model}-{ending['what']}-{ending['level']}-{ending['on']}"
    await notify.add(ctx, Kind.RETIREMENT, model, data, id)


async def latest(runs: Container) -> Told | None:
    """None before the first, and for one that cannot be read: the next look replaces it."""
    try:
        found = await runs.record(NAME, Told)
    except Unreadable as error:
        log.warning("%s", error.message)
        return None
    return found[0] if found else None
