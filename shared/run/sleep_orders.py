"""A person puts a version to sleep or wakes it, whatever the rules say of it.

What cannot be done at once is done by ticks (`upkeep`, `redeployments`). A chat wakes again what
was put to sleep. Knows nothing of HTTP.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.errors import NotFound, NotNow, Unavailable
from shared.model import waking
from shared.model.cost_sheet import SETTING
from shared.model.deletion import Deletions
from shared.model.hosting import Removal, Why
from shared.model.orders import Orders
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.printable import shown
from shared.run import monthly_ceiling, sleeping
from shared.run.context import Context
from shared.run.outcome import LogLine


@dataclass(frozen=True, slots=True)
class Asked:
    """`version` is None for the champion."""

    model: str
    version: int | None
    who: str
    why: str = ""


async def sleep(asked: Asked, ctx: Context) -> tuple[Model, int, bool]:
    """Remove a version's deployment; the model, the version's number, and whether that is done.
    Raises NotFound, and NotNow for a version whose run is under way, or that is about to become
    the champion."""
    model, version = await _find(asked, ctx)
    number = version.version
    await _check_order(model, number, ctx)
    if version.asleep_since and not version.is_hosted:
        return model, number, True
    requests = RedeployRequests(ctx.clients.models, ctx.now)
    for request in _requests(model, number):
        await requests.done(request)
    await _log(version, "sleep", asked, ctx)
    removal = Removal(model.name, version, Why.ORDERED, timedelta(0))

    def may(known: Model) -> bool:
        return known.champion != number or model.champion == number

    try:
        gone = await sleeping.put_to_sleep(removal, may, ctx)
    except Unavailable:
        gone = False
    after = await ctx.registry.load(model.name) or model
    if not may(after):
        raise NotNow(
            f"{model.name}@{number} has become the champion in this moment, and goes on.",
            f"`tunedrop sleep {model.name}` puts it to sleep all the same.",
        )
    return after, number, gone


async def wake(asked: Asked, ctx: Context) -> tuple[Model, int, float]:
    """Have a version deployed that has no deployment; the model, the version's number, and in how
    many seconds it usually answers. It counts as used from then on. Raises NotFound, and NotNow for
    one whose run is under way, or that the month's ceiling would put to sleep again."""
    model, version = await _find(asked, ctx)
    if version.version != model.champion and not version.is_hosted:
        await _check_ceiling(f"{model.name}@{version.version}", version, ctx)
    await _log(version, "wake", asked, ctx)
    requests = RedeployRequests(ctx.clients.models, ctx.now)
    await requests.add_at_once(_requests(model, version.version)[0])
    return model, version.version, await waking.usual_seconds(ctx.clients.models)


async def _check_order(model: Model, number: int, ctx: Context) -> None:
    order = await Orders(ctx.clients.models).of(model.name)
    if order and order.version == number != model.champion:
        serving = f"{model.name}@{model.champion}" if model.champion else "another version"
        raise NotNow(
            f"{order.called} is to be the champion, by order of {order.who}, and is being deployed "
            "for that.",
            f"`tunedrop promote {serving}` takes that order back.",
        )


async def _check_ceiling(called: str, version: Version, ctx: Context) -> None:
    if not await monthly_ceiling.leaves_room(version, ctx):
        raise NotNow(
            f"With {called} deployed the hosting of the month would pass {SETTING}.",
            "Put another version to sleep (`tunedrop sleep`), make this one the champion "
            f"(`tunedrop promote {called}`), or have whoever runs the app raise the ceiling.",
        )


def _requests(model: Model, number: int) -> tuple[str, ...]:
    """What the version may be requested as: first as it is."""
    named = f"{model.name}@{number}"
    return (model.name, named) if number == model.champion else (named,)


async def _find(asked: Asked, ctx: Context) -> tuple[Model, Version]:
    model = await ctx.registry.load(asked.model)
    if model is None:
        raise NotFound(f"There is no model {shown(asked.model)}.", "`tunedrop models` lists them.")
    if model.deleting:
        raise NotNow(f"{model.name} is being deleted.", "Nothing of it will be left.")
    number = asked.version or model.champion
    if number is None:
        raise NotNow(f"No version of {model.name} serves.", f"Name one: {model.name}@1.")
    version = model.version(number)
    await Deletions(ctx.clients.models).check_stays(model.name, version)
    if version.withdrawn:
        raise NotNow(
            f"{model.name}@{number} was withdrawn: its run was ended, and it has no deployment.",
            f"`tunedrop retry {version.run_id}` deploys it.",
        )
    if version.run_id in await ctx.ledger.active():
        raise NotNow(
            f"The run {version.run_id} of {model.name}@{number} is under way.",
            f"Wait until it has ended (`tunedrop watch {version.run_id}`), or cancel it.",
        )
    return model, version


async def _log(version: Version, action: str, asked: Asked, ctx: Context) -> None:
    line = LogLine("command", action, asked.who, asked.why)
    await ctx.ledger.log(version.run_id, line)
