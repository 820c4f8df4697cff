"""How a run comes to its end: nothing goes on that costs, nothing is left in the way of others.

Both may be killed anywhere and called again. Knows what a run may have at the service, not why it
ends.
"""

import logging

from shared.errors import ServiceError, Unavailable
from shared.model import deployment
from shared.model.history import Decision
from shared.model.registry import Model
from shared.model.states import Cause
from shared.run import ceilings, files, jobs, notify
from shared.run.context import Context
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Run
from shared.run.stages import DEPLOYED, Stage

log = logging.getLogger(__name__)

STOPPING = "Its job or its deployment is still being ended."
NEVER_SENT = (Stage.REJECTED,)  # the check comes before anything is sent


async def stop(run: Run, ctx: Context) -> tuple[Run, bool]:
    """See to it that nothing goes on that costs: no job, no deployment. The run, with what it has
    turned out to have, and whether that is so by now.

    Both the registry and the run are asked for a version, for each record may be older than what
    was done; and the registry is changed first, so that no chat is sent to a deployment that goes.
    """
    run, ended = await jobs.end(run, ctx)
    if not ended:
        return run, False
    model = await ctx.registry.load(run.model)
    version = model.of_run(run.id) if model else None
    if model and version:
        await withdraw(model, version.version, Decision(ctx.now(), Cause.WITHDRAWN), ctx)
    name = version.deployment if version else run.deployment
    tuned = version.fine_tuned_model if version else run.fine_tuned_model
    if not name or not tuned:
        return run, True
    gone = await deployment.withdraw(ctx.clients.deployments, name, tuned)
    if gone and version:
        await ctx.registry.note_unhosted(run.model, version.version, ctx.now())
    return run, gone


async def withdraw(model: Model, number: int, decision: Decision, ctx: Context) -> None:
    """Others are told where it is the champion."""

    async def change(decision: Decision) -> Model:
        return await ctx.registry.withdraw(model.name, number, decision)

    if model.champion == number:
        await notify.of_change(model.name, decision, change, ctx)
    else:
        await change(decision)


async def finalize(run: Run, ctx: Context) -> Outcome:
    """An ended run needs neither its files at the service nor the care of ticks; its end is told.

    One that leaves no version is stopped once more: a worker that had lost its claim may have made
    something after the end. What Azure does not let go is tried again for a day of ticks, then left
    with a line in the app's log.
    """
    try:
        if not run.closing:
            await notify.of_end(run, ctx)
        if run.stage not in (*DEPLOYED, *NEVER_SENT):
            run, stopped = await stop(run, ctx)
            if not stopped:
                return Outcome(run, waiting_for=STOPPING)
        if run.stage not in NEVER_SENT:
            await ceilings.settle(run, ctx)
        if not run.closing and await files.left(run, ctx):
            line = LogLine("files", "deleting its files at the service")
            return Outcome(run.replace(closing=True), log=(line,), then=finalize)
        await files.delete(run, ctx)
        await files.delete_results(run, ctx)
        return Outcome(run, finished=True)
    except ServiceError as error:
        if isinstance(error, Unavailable) and not _leaves(run, ctx):
            raise
        log.warning("files of run %s may be left at the service: %s", run.id, error)
        return Outcome(run, finished=True)


def _leaves(run: Run, ctx: Context) -> bool:
    awake_since = ctx.awake_since
    if awake_since is None:
        return False
    return ctx.now() - max(run.since, awake_since) > ctx.policy.leave_after
