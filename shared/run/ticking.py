"""All that a tick of the timer does, and the share of it that a call does where the timer is dead.

One list for both: whatever else a tick is to look after goes into ALSO.
"""

import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from shared.errors import TunedropError
from shared.run import deletions, delivery, promotions, reconciler, redeployments, upkeep
from shared.run.context import Context

log = logging.getLogger(__name__)

Work = Callable[[Context], Coroutine[Any, Any, object]]

ALSO: Mapping[str, Work] = MappingProxyType(
    {
        "deployments": upkeep.process,
        "redeployments": redeployments.process,
        "orders": promotions.process,
        "deletions": deletions.process,
    }
)


async def tick(ctx: Context) -> None:
    """Every active run, then everything else; what goes wrong with one is not the others'."""
    await reconciler.tick(ctx)
    for name, work in ALSO.items():
        try:
            await work(ctx)
        except TunedropError as error:
            log.error("%s: %s", name, error)
        except Exception:
            log.exception("%s went wrong", name)


async def share(ctx: Context, sweep_due: bool, others: Mapping[str, Work]) -> None:
    """A bounded part of a tick, and `others` that are due: some runs by chance, so that each has
    its turn, and of each only the steps that are begun within seconds. One thing after the other,
    because calls that are answered meanwhile should not wait for all at once. Nothing where as much
    is left running of earlier shares: what does not end is not piled up."""
    delivery.begin(ctx)
    active = await ctx.ledger.active()
    policy = ctx.policy
    room = policy.share_runs - len(ctx.overrunning)
    if room <= 0:
        log.warning("%d works of earlier shares go on: no more is begun", len(ctx.overrunning))
        return
    ctx = replace(
        ctx, until=ctx.uptime() + policy.share_seconds, policy=replace(policy, concurrency=1)
    )
    works = [*ALSO.items(), *others.items()]
    works += [
        (f"run {run_id}", partial(reconciler.advance, run_id))
        for run_id in random.sample(active, min(room, len(active)))
    ]
    random.shuffle(works)
    if sweep_due:
        works.insert(0, ("the sweep", reconciler.sweep))  # it is not due again for some time
    for name, work in works:
        if not ctx.out_of_time:
            await reconciler.gather_with_timeout([(name, work(ctx))], ctx)
