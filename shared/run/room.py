"""A version is deployed; where the account is full, what is missed least is put to sleep for it.

Only where Azure has refused one for want of room: how many an account takes, only Azure knows.
Knows whose deployment goes by the rules of `shared/model/hosting.py`, not how (`sleeping`).
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from shared.catalog import lookup
from shared.cloud import refusals
from shared.cloud.causes import Cause
from shared.errors import Refused, ServiceError, Unavailable
from shared.model import deployment
from shared.model.hosting import Removal, Situation, what_makes_room
from shared.model.registry import Model, Version
from shared.run import sleeping
from shared.run.context import Context

log = logging.getLogger(__name__)


async def deploy(model: str, version: Version, ctx: Context) -> None:
    """Ask for the deployment of a version that may become the champion, or find the one that an
    earlier try has asked for; the registry has it then. Raises Refused, and Unavailable while
    something is in the way that goes: an earlier deployment, or another version's that is put to
    sleep."""
    try:
        async with hosting_noted(model, version, ctx):
            await deployment.request(ctx.clients.deployments, version)
    except deployment.Deleted:
        await ctx.registry.note_unhosted(model, version.version, ctx.now())
        raise
    except Refused as error:
        await make(version, error, ctx, champion=True)
        raise


@asynccontextmanager
async def hosting_noted(model: str, version: Version, ctx: Context) -> AsyncIterator[None]:
    """The registry has a deployment that is asked for in this block, since then: also one that was
    made although the answer was another."""
    at = ctx.now()
    try:
        yield
    except deployment.Deleted:
        raise
    except Unavailable:
        with suppress(ServiceError):
            if await deployment.find(ctx.clients.deployments, version):
                await ctx.registry.note_hosted(model, version.version, at)
        raise
    await ctx.registry.note_hosted(model, version.version, at)


def lacking(error: Refused) -> Cause | None:
    """What Azure has no room for, where it has refused a deployment for that."""
    cause = refusals.blocking([error.code], error.says)
    return cause if cause in (refusals.SLOTS, refusals.QUOTA) else None


async def make(version: Version, error: Refused, ctx: Context, *, champion: bool) -> None:
    """Where this refusal of a version's deployment is for want of room, and another version may do
    without its own, that one is put to sleep. Raises Unavailable then: it is to be asked for again.
    Returns where nothing can be done about it. `champion`: it is, or may become, one."""
    cause = lacking(error)
    if cause is None:
        return
    models, at = await sleeping.survey(ctx)
    at = replace(at, busy={*at.busy, version.run_id})
    for removal in what_makes_room(models, at, champion=champion):
        if not _helps(removal.version, version, cause):
            continue
        await sleeping.put_to_sleep(removal, _may(removal, at, champion), ctx)
        called = f"{removal.model}@{removal.version.version}"
        raise Unavailable(
            f"{error.message} {called} is put to sleep to make room for {version.deployment}.",
            "The deployment is asked for again.",
        )


def _helps(other: Version, version: Version, cause: Cause) -> bool:
    """A quota is of one base model and SKU."""
    if cause is refusals.SLOTS:
        return True
    same = lookup.find_model(other.base_model) == lookup.find_model(version.base_model)
    return same and other.sku.lower() == version.sku.lower()


def _may(removal: Removal, at: Situation, champion: bool) -> Callable[[Model], bool]:
    def may(model: Model) -> bool:
        number = removal.version.version
        going = what_makes_room([model], at, champion=champion)
        return any(one.version.version == number for one in going)

    return may
