"""What stands beside a drop that was not taken, in its `….problem.txt`.

Knows how it is put there, not what is wrong.
"""

import logging

from shared.errors import DropError, TunedropError
from shared.printable import shown
from shared.run.context import Context
from shared.run.folder import problem_name

log = logging.getLogger(__name__)


async def explain(path: str, error: DropError, ctx: Context) -> None:
    log.warning("drop not taken: %s", error.message)
    await _put(path, str(error), ctx)


async def not_taken(path: str, error: Exception, ctx: Context) -> None:
    """The host calls again up to five times, then the sweep does; the reason is beside it."""
    kind = type(error).__name__
    log.error("%s could not be taken: %s", shown(path), kind)
    reason = f"{kind}: {error}" if isinstance(error, TunedropError) else f"{kind}."
    message = f"{shown(path)} could not be taken yet. {reason} It is tried again by itself."
    try:
        await _put(path, message, ctx)
    except Exception as second:  # noqa: BLE001 - storage may be what is wrong; the first one counts
        log.error("nor could that be written beside it: %s", type(second).__name__)


async def gone(name: str, ctx: Context) -> None:
    """What was in the way of an earlier drop, or of this one for a while, is so no more."""
    await ctx.clients.datasets.delete(problem_name(name))


async def _put(path: str, message: str, ctx: Context) -> None:
    await ctx.clients.datasets.put(
        problem_name(path), f"{message}\n".encode(), "text/plain; charset=utf-8"
    )
