"""What the management routes show of a model: its record, and what is known of it beside that.

Reads; decides nothing about models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.delete_api import shown_deletion
from shared.errors import TunedropError, Unreadable
from shared.model import waking
from shared.model.deletion import Deletions
from shared.model.lifecycle import lifecycle
from shared.model.orders import Order, Orders
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.model.usage import last_uses
from shared.run.context import Context


@dataclass(frozen=True, slots=True)
class Beside:
    """Of all models: when each version was last chatted with, the orders that wait by model, and
    what is requested to be deployed again, as MODEL or MODEL@N, with when and what is in the way.
    """

    used: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    requested: Mapping[str, dict[str, Any]] = field(default_factory=dict)


async def listed(models: Iterable[Model], ctx: Context, problems: list[TunedropError]) -> list[Any]:
    """Models as the list of them shows each. What cannot be read beside them is added to
    `problems`. Raises Unavailable."""
    orders = await _orders(ctx, problems)
    requested = await _requested(ctx, problems)
    beside = Beside(await last_uses(ctx.clients.models), orders, requested)
    return [_shown(model, beside, ctx) for model in models]


async def page(model: Model, ctx: Context) -> dict[str, Any]:
    """A model with all that is known of it. Raises Unavailable and Unreadable."""
    waiting = await Orders(ctx.clients.models).of(model.name)
    orders = {model.name: waiting} if waiting else {}
    requested = await _requested(ctx, [], model.name)
    beside = Beside(await last_uses(ctx.clients.models, model.name), orders, requested)
    shown = _shown(model, beside, ctx)
    leaving = Deletions(ctx.clients.models)
    shown["deletion"] = shown_deletion(await leaving.of(f"model/{model.name}"))
    for version in shown["versions"]:
        order = await leaving.of(f"run/{version['run_id']}") if version["withdrawn"] else None
        version["deletion"] = shown_deletion(order)
    return shown


def _shown(model: Model, beside: Beside, ctx: Context) -> dict[str, Any]:
    shown = model.model_dump(mode="json")
    for told, version in zip(shown["versions"], model.versions, strict=True):
        used = beside.used.get((model.name, version.version))
        told["state"] = model.state_of(version.version)
        told["last_used"] = used.isoformat(timespec="seconds") if used else None
        told["waking"] = _waking(model, version, beside)
    waiting = beside.orders.get(model.name)
    shown["order"] = (
        waiting.model_dump(mode="json", exclude={"schema_version"}) if waiting else None
    )
    shown["rollback"] = model.champion_before
    offers, told_on = ctx.clients.account.told
    shown["lifecycle"] = lifecycle(model, ctx.now().date(), offers, told_on)
    return shown


def _waking(model: Model, version: Version, beside: Beside) -> dict[str, Any] | None:
    """None for a version that nobody has asked for."""
    named = beside.requested.get(f"{model.name}@{version.version}")
    asked = beside.requested.get(model.name) if version.version == model.champion else None
    return named or asked


# ---- what is read


async def _orders(ctx: Context, problems: list[TunedropError]) -> dict[str, Order]:
    store, found = Orders(ctx.clients.models), dict[str, Order]()
    for name in await store.all():
        try:
            order = await store.of(name)
        except Unreadable as error:
            problems.append(error)
            continue
        if order:
            found[name] = order
    return found


async def _requested(
    ctx: Context, problems: list[TunedropError], model: str = ""
) -> dict[str, dict[str, Any]]:
    """What is to be deployed again, of one model or of all."""
    store = RedeployRequests(ctx.clients.models, ctx.now)
    requests = [r for r in await store.requested() if model in ("", r.partition("@")[0])]
    usual = await waking.usual_seconds(ctx.clients.models) if requests else 0.0
    return {request: await _request(store, request, usual, problems) for request in requests}


async def _request(
    store: RedeployRequests, request: str, usual: float, problems: list[TunedropError]
) -> dict[str, Any]:
    since = await store.asked_at(request)
    told = ""
    try:
        state = await store.state(request)
        told = state.told if state else ""
    except Unreadable as error:
        problems.append(error)
    at = since.isoformat(timespec="seconds") if since else None
    return {"since": at, "usual_seconds": round(usual), "in_the_way": told}
