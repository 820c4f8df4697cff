"""All that a tick of the timer does, and the share of it that a call does where the timer is dead.

One list for both: whatever else a tick is to look after goes into ALSO.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

from shared.errors import TunedropError
from shared.run import deletions, promotions, reconciler, redeployments, upkeep
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
    """Some runs, and beside them everything else, with `others` that are due now."""
    await reconciler.share(ctx, sweep_due, {**ALSO, **others})
