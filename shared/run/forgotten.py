"""Runs that need care and lie in no list of those that do: marked again.

A worker may stand still while it enters a run, so that a tick takes its marker for one without a
run and clears it, and may die before it writes the marker anew. Knows lists, not what a run needs.
"""

import logging

from shared.errors import Unreadable
from shared.run import newest
from shared.run.context import Context

log = logging.getLogger(__name__)


async def mark_again(ctx: Context) -> None:
    """Costs two lists, and a read for each run that was entered lately and has ended."""
    since = ctx.now() - ctx.policy.forgotten_within
    active = set(await ctx.ledger.active())
    for run_id in await newest.entered_since(ctx.clients.runs, since):
        if run_id not in active and await _needs_care(run_id, ctx):
            log.error("run %s was looked after by nobody", run_id)
            await ctx.ledger.mark(run_id)


async def _needs_care(run_id: str, ctx: Context) -> bool:
    try:
        run = await ctx.ledger.look(run_id)
    except Unreadable:
        return False  # the list of runs says so
    return run is not None and not run.ended
