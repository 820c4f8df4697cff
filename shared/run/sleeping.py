"""A version is put to sleep: its deployment goes, the version stays, and `redeploy` brings it back.

The registry says so first, so that no chat is sent to a deployment that goes. May be killed
anywhere and done again: one that sleeps and has a deployment still is looked after by `upkeep`.
Knows how, not which version is to sleep (`shared/model/hosting.py`).
"""

import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from shared.errors import Unreadable
from shared.model import deployment
from shared.model.hosting import Removal, Rules, Situation, Why, ended_at, why_gone
from shared.model.orders import Orders
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.model.usage import last_uses
from shared.run import notify
from shared.run.context import Context
from shared.run.notifications import Kind
from shared.run.outcome import LogLine
from shared.settings import Settings

log = logging.getLogger(__name__)

DEPLOYMENT = re.compile(r"([a-z0-9-]{1,120})-v\d{1,6}")
PREVIOUS = "previous"  # of the setting TUNEDROP_CHAT_FALLBACK


def rules(settings: Settings) -> Rules:
    return Rules(
        warm=timedelta(hours=settings.warm_hours),
        undecided=timedelta(days=settings.held_days),
        spare=settings.spare_versions,
        keeps_previous=PREVIOUS in settings.chat_fallback,
    )


async def survey(ctx: Context, others: Iterable[str] = ()) -> tuple[list[Model], Situation]:
    """The models that have a deployment, and these `others`; and what is known of all. What runs
    and orders do meanwhile is not missed: those under way are listed first. Raises ServiceError."""
    active, names_wanted = await ctx.ledger.active(), await wanted(ctx)
    there = {found.name: found for found in await ctx.clients.deployments.list()}
    named = (DEPLOYMENT.fullmatch(name) for name in there)
    names = sorted({*(match[1] for match in named if match), *others})
    used = await last_uses(ctx.clients.models)
    models = [model for name in names if (model := await _load(name, ctx))]
    awaited = (
        version.run_id
        for model in models
        for version in model.versions
        if is_wanted(model, version, names_wanted)
    )
    busy = frozenset((*active, *awaited))
    return models, Situation(ctx.now(), rules(ctx.settings), used, there, busy)


async def wanted(ctx: Context) -> set[str]:
    """What somebody waits for, MODEL@N or MODEL for its champion: a chat or a person has requested
    its deployment, or it is to become the champion. Raises Unavailable."""
    requested = await RedeployRequests(ctx.clients.models, ctx.now).requested()
    return {*requested, *await Orders(ctx.clients.models).awaited()}


def is_wanted(model: Model, version: Version, names: set[str]) -> bool:
    is_champion = version.version == model.champion and model.name in names
    return is_champion or f"{model.name}@{version.version}" in names


async def _load(name: str, ctx: Context) -> Model | None:
    try:
        return await ctx.registry.load(name)
    except Unreadable as error:  # the sweep of retirements tells it
        log.debug("%s", error)
        return None


async def put_to_sleep(removal: Removal, may: Callable[[Model], bool], ctx: Context) -> bool:
    """Put a version to sleep, if the model as it is now `may` do without its deployment; whether
    nothing of that goes on. Raises ServiceError."""
    number, at = removal.version.version, ctx.now()
    model = await ctx.registry.put_to_sleep(removal.model, number, at, may)
    since = model.version(number).asleep_since
    if since is None:
        return False
    if since == at:  # once, however often its deployment does not go yet
        message = _message(model, removal.version, removal.why)
        log.info("%s", message)
        await ctx.ledger.log(removal.version.run_id, LogLine("deployment", message))
    return await remove_deployment(model, number, removal.why, ctx)


async def remove_deployment(model: Model, number: int, why: Why, ctx: Context) -> bool:
    """Of a version that sleeps, unless somebody wants it by now; whether nothing of it goes on."""
    version = model.version(number)
    if version.run_id in await ctx.ledger.active():
        return False
    if is_wanted(model, version, await wanted(ctx)):
        return False
    await _tell(model, version, why, ctx)
    name, tuned = version.deployment, version.fine_tuned_model
    if not await deployment.withdraw(ctx.clients.deployments, name, tuned):
        return False
    model = await ctx.registry.note_unhosted(model.name, number, ctx.now())
    if model.version(number).asleep_since is None:  # a chat was quicker than the deletion
        requests = RedeployRequests(ctx.clients.models, ctx.now)
        await requests.add_at_once(f"{model.name}@{number}")
        return False
    return True


async def note_gone(name: str, version: Version, ctx: Context) -> None:
    """Azure, or somebody, has removed a version's deployment: its run's log and the registry have
    it then, with when. Raises NotFound, and Unavailable."""
    model = await ctx.registry.load(name)
    if model and model.version(version.version).is_hosted:
        used = await last_uses(ctx.clients.models)
        at = Situation(ctx.now(), rules(ctx.settings), used)
        known = model.version(version.version)
        ended = ended_at(model, known, at)
        if not known.asleep_since:  # then the app has removed it, and said so
            await _tell_of_loss(model, known, ended, why_gone(model, known, at), ctx)
        await ctx.registry.note_unhosted(name, version.version, ended)


async def _tell_of_loss(
    model: Model, version: Version, ended: datetime, why: str, ctx: Context
) -> None:
    message = (
        f"{model.name}@{version.version} has no deployment any more: {version.deployment} was "
        f"removed at {ended:%Y-%m-%d %H:%M} UTC ({why})."
    )
    log.warning("%s", message)
    await ctx.ledger.log(version.run_id, LogLine("deployment", message))


async def _tell(model: Model, version: Version, why: Why, ctx: Context) -> None:
    """Before the deployment goes: what is told twice, for a worker was killed, is one event."""
    called, message = f"{model.name}@{version.version}", _message(model, version, why)
    assert version.asleep_since, "it sleeps"
    id = f"asleep-{model.name}-{version.version}-{version.asleep_since:%Y%m%dT%H%M%S}"
    data: dict[str, str | int] = {"model": model.name, "version": version.version}
    data["message"] = message
    await notify.add(ctx, Kind.MODEL_ASLEEP, called, data, id)


def _message(model: Model, version: Version, why: Why) -> str:
    called = f"{model.name}@{version.version}"
    return f"{called} sleeps, for {why}: its deployment {version.deployment} is removed."
