"""Tells others what has happened: into the outbox, before or with the change, so that nothing is
lost; the ticks deliver it (`delivery`).

Where no receiver is named in the settings nothing is kept. Knows where notifications go, not when
one is due.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from shared.errors import DropError, NotFound, TunedropError, Unreadable
from shared.model.history import Decision
from shared.model.orders import Order
from shared.model.registry import Model
from shared.model.states import Cause
from shared.run.context import Context
from shared.run.notifications import Awaited, Kind, Value, digest, notification
from shared.run.notifications import of_change as as_told
from shared.run.outbox import Outbox
from shared.run.record import Run
from shared.run.refusals import Kind as Refused
from shared.run.refusals import place
from shared.run.spending import Held
from shared.run.stages import Stage

T = TypeVar("T")

LONG_CHANGE = 60.0  # seconds; what awaits a change is not kept for much longer


async def add(
    ctx: Context,
    kind: Kind,
    subject: str,
    data: Mapping[str, Value],
    id: str,
    awaits: Awaited | None = None,
) -> None:
    """Have every receiver told, once the registry has the change that it `awaits`, if any.

    `id` is the event's own (`notifications.ID`): what is added again under it, however often, is
    told once. Raises Unavailable: then it was not kept, and the caller must come again.
    """
    if ctx.clients.receivers.names:
        one = notification(kind, subject, data, id, ctx.now(), awaits)
        await Outbox(ctx.clients.runs).add(one)


async def of_change(
    name: str, decision: Decision, change: Callable[[Decision], Awaitable[T]], ctx: Context
) -> T:
    """Change a model's champion by `change`, which is given the decision with an id, and tell so,
    also where the process dies in between: once the registry has a change of that id, with what is
    written there, and never where it does not come to have one."""
    decision = decision if decision.id else replace(decision, id=uuid.uuid4().hex)
    back = decision.cause in (Cause.ROLLED_BACK, Cause.WITHDRAWN)
    kind = Kind.MODEL_ROLLED_BACK if back else Kind.MODEL_PROMOTED
    awaits = Awaited(model=name, change=decision.id)
    id, data = f"change-{digest(name, decision.id)}", {"model": name, "change": decision.id}
    since = ctx.uptime()
    await add(ctx, kind, name, data, id, awaits)
    changed = await change(decision)
    if ctx.uptime() - since > LONG_CHANGE:  # it may have been dropped as one that never came
        await add(ctx, kind, name, data, id, awaits)
    return changed


async def keep_changes_of(model: Model, ctx: Context) -> None:
    """Before a model's record goes: what waits to be told of its changes is told without it. Raises
    Conflict where a delivery was quicker: come again."""
    outbox, changes = Outbox(ctx.clients.runs), {change.id: change for change in model.history}
    for blob in await outbox.waiting():
        with suppress(Unreadable):
            found = await outbox.read(blob.name)
            if found and found[0].awaits and (change := changes.get(found[0].awaits.change)):
                await outbox.keep(as_told(found[0], change).replace(awaits=None), found[1])


async def of_given_up(order: Order, error: TunedropError, ctx: Context) -> None:
    """Tell that an order which had to wait is given up: whoever gave it heard that it waits."""
    if order.waits:
        data: dict[str, Value] = {"model": order.model, "version": order.version}
        data |= {"order": order.verb, "message": error.message, "fix": error.fix}
        data |= {"who": order.who, "why": order.why}
        await add(ctx, Kind.ORDER_GIVEN_UP, order.model, data, f"order-given-up-{order.id}")


async def of_end(run: Run, ctx: Context) -> None:
    """Tell that a run has ended. Each of its ends is one event, however often it is reopened."""
    failure = run.failure
    told = run.held if run.stage is Stage.HELD else None
    move = f"`tunedrop promote {run.model}@{run.version}` makes it the champion." if told else None
    data: dict[str, Value] = {
        "run": run.id,
        "model": run.model,
        "stage": run.stage,
        "version": run.version,
        "message": failure.message if failure else told,
        "fix": failure.fix if failure else move,
        "blame": failure.blame if failure else None,
    }
    id = f"{run.id}-{run.attempt}-{len(run.timeline)}-{run.stage}"
    await add(ctx, Kind(f"run.{run.stage}"), run.id, data, id)


async def of_refusal(path: str, error: DropError, ctx: Context, *, waits: bool) -> None:
    """Tell that a dropped file was not taken: once for each content and reason; of one that is
    looked at again, once in all. However many names that say nothing to the app somebody drops, of
    these one in an hour is told: the list of refusals has the others."""
    if not ctx.clients.receivers.names:
        return
    model, kind = place(path)
    data = {"name": path, "model": model or None, "message": error.message, "fix": error.fix}
    if kind is Refused.NAME:
        id = f"drop-refused-{ctx.now():%Y-%m-%dT%H}"
    elif waits:
        id = f"drop-refused-{digest(path)}"
    else:
        id = f"drop-refused-{digest(path, await _etag(path, ctx), error.message)}"
    await add(ctx, Kind.DROP_REFUSED, path, {**data, "waits": waits}, id)


async def of_ceiling(run: Run, held: Held, ctx: Context) -> None:
    """Tell that runs wait for a ceiling of jobs or money: once for each of its days or months, by
    the first that does."""
    data = {"setting": held.setting, "run": run.id, "model": run.model}
    id = f"budget-{held.setting}-{held.since}"
    await add(ctx, Kind.BUDGET, held.setting, {**data, "message": held.waiting_for}, id)


async def _etag(path: str, ctx: Context) -> str:
    try:
        blob = await ctx.clients.datasets.info(path)
    except NotFound:  # no blob can have that name
        return ""
    return blob.etag if blob else ""
