"""What people order of a model that serves, in a process of its own that can be killed at any
outside call (`life`). Whoever got no answer orders it again."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.sharedctypes import Synchronized

from shared.cloud import AzureClients
from shared.errors import CallerError
from shared.model.deletion import Deletions
from shared.model.orders import Orders
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Model
from shared.run import deletion_plan, deletions, promotions, sleep_orders, ticking
from shared.run.context import Context, utc_now
from shared.run.policy import Policy
from shared.settings import Settings
from tests.reliability.life import Kill, Watch

FASTER = 20  # than it goes by: chats that have begun are left ten seconds before a deployment goes

Order = Callable[[str, Model, Context], Awaitable[object]]


@dataclass(frozen=True)
class Ordered:
    """`versions` serve, one after the other, before anything is ordered. `done`: whether nothing is
    left to order, by the model's record; None: it is gone. `left`: its deployments then."""

    name: str
    versions: int
    order: Order
    done: Callable[[Model | None], bool]
    left: tuple[int, ...]


async def roll_back(name: str, model: Model, ctx: Context) -> None:
    await promotions.give(promotions.Asked(name, None, "Ada", "rude", expected=2), ctx)


async def sleep_and_wake(name: str, model: Model, ctx: Context) -> None:
    asked = sleep_orders.Asked(name, 1, "Ada", "for now")
    version = model.version(1)
    if len(version.hosted) == 1 and version.is_hosted:
        await sleep_orders.sleep(asked, ctx)
    else:
        await sleep_orders.wake(asked, ctx)


async def delete(name: str, model: Model, ctx: Context) -> None:
    target = await deletion_plan.target_of_model(name, None, ctx)
    plan = await deletion_plan.plan(target, False, ctx)
    await deletions.give(target, False, plan.digest, "Ada", "over", ctx)


def rolled_back(model: Model | None) -> bool:
    return model is not None and model.champion == 1


def woken(model: Model | None) -> bool:
    return model is not None and len(model.version(1).hosted) > 1 and model.version(1).is_hosted


def gone(model: Model | None) -> bool:
    return model is None


ORDERED = (
    Ordered("rolled back", 2, roll_back, rolled_back, (1, 2)),
    Ordered("asleep and woken", 1, sleep_and_wake, woken, (1,)),
    Ordered("deleted", 1, delete, gone, ()),
)


def live(
    environ: dict[str, str],
    model: str,
    ordered: Ordered,
    since: datetime,
    kill: Kill | None,
    calls: "Synchronized[int]",
) -> None:
    """Order what is left to order, and go on until it is done, unless killed before."""
    os.environ.update(environ)
    settings = Settings.load(environ)
    asyncio.run(_live(settings, model, ordered, since, Watch(kill, calls)))


async def _live(
    settings: Settings, name: str, ordered: Ordered, since: datetime, watch: Watch
) -> None:
    def now() -> datetime:
        return since + FASTER * (utc_now() - since)

    policy = Policy(first_pause=settings.backoff_seconds, hosting_every=timedelta(seconds=1))
    async with AzureClients(settings) as clients, AzureClients(settings) as unwatched:
        ctx, known = Context.of(clients, policy, now), Context.of(unwatched, policy, now)
        watch.over(clients)
        while True:
            waits = await _waits(known)
            model = await known.registry.load(name)
            if ordered.done(model) and not waits:
                return
            if model and not waits:
                with suppress(CallerError):  # it is done by now, or cannot be
                    await ordered.order(name, model, ctx)
            await ticking.tick(ctx)
            await asyncio.sleep(0.25)


async def _waits(ctx: Context) -> bool:
    """Whether the ticks have something to go on with."""
    models = ctx.clients.models
    there = await Orders(models).all() or await Deletions(models).all()
    return bool(there or await RedeployRequests(models).requested() or await ctx.ledger.active())
