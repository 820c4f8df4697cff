"""Which versions have a deployment, looked after now and then: those that should have none are put
to sleep, and the registry is told of what Azure has removed by itself.

    reconciler/hosting.json   in the runs container: what the last look has left to do

A champion that is kept always and has lost its deployment is asked for again, chats or no chats.
One look is bounded; what it leaves, as where Azure takes one change at a time, the next tick does.
Knows when, not which version should go (`shared/model/hosting.py`) or how (`sleeping`).
"""

import logging
from collections.abc import Callable
from datetime import date, timedelta

from shared.cloud.container import Container
from shared.cloud.documents import Document, Moment, as_json
from shared.errors import ServiceError, TunedropError, Unavailable, Unreadable
from shared.model import hosting
from shared.model.hosting import Removal, Situation
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model, Version
from shared.run import monthly_ceiling, sleeping
from shared.run.context import Context

log = logging.getLogger(__name__)

NAME = "reconciler/hosting.json"
Rule = Callable[[Model], list[Removal]]
ANSWERS = "answers.jsonl"  # of a comparison, beside its run


class Looked(Document):
    """`hosted`: the models that had a deployment then; `pending`: something was left to do. `whole`
    is the day on which all models were looked at, `cleaned`: answers are gone of versions that were
    made before."""

    at: Moment
    hosted: tuple[str, ...] = ()
    pending: bool = False
    whole: date | None = None
    cleaned: Moment | None = None


async def latest(runs: Container) -> Looked | None:
    """None before the first, and for one that cannot be read: the next look replaces it."""
    try:
        found = await runs.record(NAME, Looked)
    except Unreadable as error:
        log.warning("%s", error.message)
        return None
    return found[0] if found else None


async def process(ctx: Context) -> None:
    """Look, where that is due. A new app has nothing to look after yet."""
    before = await latest(ctx.clients.runs)
    if before is None:
        await _write(Looked(at=ctx.now()), ctx)
    elif before.pending or not timedelta(0) <= ctx.now() - before.at < ctx.policy.hosting_every:
        await look(before, ctx)


async def soon(ctx: Context) -> None:
    """Have the next tick look: a new version may have made others superfluous. Never raises for
    storage; the look comes a few minutes later then."""

    def mark(known: Looked | None) -> Looked | None:
        return known and known.replace(pending=True)

    try:
        await ctx.clients.runs.update(NAME, Looked, mark)
    except TunedropError as error:
        log.warning("deployments are looked after later: %s", error)


async def look(before: Looked, ctx: Context) -> None:
    whole = before.whole != ctx.now().date()
    try:
        others = await _all_names(ctx) if whole else before.hosted
        models, at = await sleeping.survey(ctx, others)
    except ServiceError as error:
        log.warning("deployments could not be looked after: %s", error)
        return
    for model in models:
        await _settle(model, at, ctx)
    await _wake(models, at, ctx)
    pending = await _put_to_sleep(models, at, ctx)
    pending |= any(hosting.goes_now(model, at, ctx.policy.hosting_every) for model in models)
    cleaned = await _clean(models, before.cleaned, ctx) if whole else before.cleaned
    hosted = tuple(model.name for model in models if any(v.is_hosted for v in model.versions))
    today = ctx.now().date()
    await _write(
        Looked(at=ctx.now(), hosted=hosted, pending=pending, whole=today, cleaned=cleaned), ctx
    )


async def _write(looked: Looked, ctx: Context) -> None:
    await ctx.clients.runs.put(NAME, as_json(looked), "application/json")


async def _all_names(ctx: Context) -> list[str]:
    return [model.name for model in await ctx.registry.all([])]


# ---- what Azure has done by itself


async def _settle(model: Model, at: Situation, ctx: Context) -> None:
    """The registry says of each version whether it has a deployment."""
    for version in model.versions:
        if version.run_id in at.busy:
            continue
        try:
            await _settle_version(model, version, at, ctx)
        except TunedropError as error:
            log.warning("%s@%d: %s", model.name, version.version, error)


async def _settle_version(model: Model, version: Version, at: Situation, ctx: Context) -> None:
    number, there = version.version, at.deployed(version)
    if there and not (version.is_hosted or version.asleep_since or version.withdrawn):
        await ctx.registry.note_hosted(model.name, number, at.now)
    elif version.is_hosted and there is None and await _is_gone(version, ctx):
        await sleeping.note_gone(model.name, version, ctx)


async def _is_gone(version: Version, ctx: Context) -> bool:
    """Asked for by itself: a listing may be older than what was made meanwhile."""
    found = await ctx.clients.deployments.get(version.deployment)
    return found is None or found.model != version.fine_tuned_model or found.state == "Deleting"


# ---- what should be deployed


async def _wake(models: list[Model], at: Situation, ctx: Context) -> None:
    requests = RedeployRequests(ctx.clients.models, ctx.now)
    for model in models:
        if hosting.is_to_wake(model, at):
            log.info("%s has a champion without a deployment: it is asked for", model.name)
            await requests.add(model.name)


# ---- what should not be deployed


async def _put_to_sleep(models: list[Model], at: Situation, ctx: Context) -> bool:
    """What should sleep by itself, then what has to for the ceiling of the month; whether something
    is left to do."""

    def due_of(model: Model) -> list[Removal]:
        return hosting.due(model, at)

    def may_go(model: Model) -> list[Removal]:
        return hosting.what_to_put_to_sleep([model], at)

    due = [removal for model in models for removal in due_of(model)]
    if await _remove(due, due_of, ctx):
        return True
    try:
        over = await monthly_ceiling.due(models, at, due, ctx)
    except TunedropError as error:
        log.warning("the ceiling of hosting could not be looked after: %s", error)
        return True
    return await _remove(over, may_go, ctx)


async def _remove(due: list[Removal], rule: Rule, ctx: Context) -> bool:
    """Whether something is left to do; of a model as it is when its turn comes, by the rule."""
    for removal in due[: ctx.policy.sleeps_at_once]:
        try:
            await sleeping.put_to_sleep(removal, _still(removal, rule), ctx)
        except Unavailable as error:  # Azure takes one change of an account at a time
            log.info("%s@%d: %s", removal.model, removal.version.version, error)
            return True
        except TunedropError as error:
            log.warning("%s@%d: %s", removal.model, removal.version.version, error)
    return len(due) > ctx.policy.sleeps_at_once


def _still(removal: Removal, rule: Rule) -> Callable[[Model], bool]:
    def may(model: Model) -> bool:
        return any(one.version.version == removal.version.version for one in rule(model))

    return may


# ---- what piles up


async def _clean(models: list[Model], since: Moment | None, ctx: Context) -> Moment:
    """Delete the answers of versions that became old enough since the last time."""
    until = ctx.now() - timedelta(days=ctx.settings.answers_days)
    for model in models:
        for version in model.versions:
            if version.created_at <= until and (since is None or version.created_at > since):
                await ctx.clients.runs.delete(f"{version.run_id}/{ANSWERS}")
    return until
