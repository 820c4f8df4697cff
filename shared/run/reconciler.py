"""Moves runs on: one run as far as it goes, or all active runs at a tick of the timer.

Knows when and who (one worker at a time on each run), not what is to be done (`steps`, `commands`).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any

from shared import telemetry
from shared.errors import Conflict, TunedropError, Unavailable
from shared.printable import shown
from shared.run import (
    commands,
    delivery,
    drops,
    ending,
    explanations,
    failures,
    forgotten,
    heartbeat,
    intake,
    jobs,
    orphans,
    retirements,
    upkeep,
)
from shared.run.context import Context, Step
from shared.run.ledger import Claim
from shared.run.outcome import LogLine, Outcome, abandon
from shared.run.record import Run
from shared.run.stages import ACTIVE, DEPLOYED, Event, Stage
from shared.run.steps import STEPS

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, object]

MAX_NAMED = 10  # drops that a sweep found, in its line of the log


async def dataset_dropped(path: str, ctx: Context) -> None:
    """A blob was dropped: make its run and take it as far as it goes at once."""
    async with ctx.with_copies() as ctx:
        run_id = await telemetry.drop(intake.take(path, ctx))
        if run_id:
            await advance(run_id, ctx)


async def tick(ctx: Context) -> None:
    """Look after every active run, and now and then for drops whose event was lost.

    Neither a run that goes wrong nor one that is slow harms the others.
    """
    try:
        heart, sweep_due = await heartbeat.beat(
            ctx.clients.runs, ctx.now(), ctx.policy.downtime_after, ctx.sweep_every
        )
        active = await ctx.ledger.active()
    except Unavailable as error:
        log.error("no run could be looked after: %s", error)
        return
    delivery.begin(ctx)
    ctx = replace(ctx, awake_since=heart.awake_since)
    stages = Counter[Stage]()

    async def process(run_id: str) -> None:
        if stage := await advance(run_id, ctx):
            stages[stage] += 1

    works = [(f"run {run_id}", process(run_id)) for run_id in active]
    if sweep_due:
        works.append(("the sweep", sweep(ctx)))
    await gather_with_timeout(works, ctx)
    telemetry.measure("tunedrop.ticks")
    for stage in ACTIVE:
        telemetry.measure("tunedrop.runs", stages[stage], stage=stage)


async def sweep(ctx: Context) -> None:
    """Take the drops that were missed, and up the runs that were forgotten; the next ticks move
    them on. Then look for what is at the service and nobody's, and for what ends soon."""
    await forgotten.mark_again(ctx)
    due = await drops.due(ctx)
    _tell(due.missed)
    paths = [*due.missed, *due.waited]
    await gather_with_timeout(((shown(path), _take(path, ctx)) for path in paths), ctx)
    await orphans.sweep(ctx)
    await retirements.sweep(ctx)
    await explanations.sweep(due, ctx)


def _tell(missed: list[str]) -> None:
    """One line, however many they are."""
    if not missed:
        return
    named = ", ".join(shown(path) for path in missed[:MAX_NAMED])
    more = f" and {len(missed) - MAX_NAMED} more" if len(missed) > MAX_NAMED else ""
    lost = "not taken when dropped: the event was lost or failed"
    log.error("%s: %s%s", lost, named, more)
    telemetry.measure("tunedrop.drops.recovered", len(missed))


async def _take(path: str, ctx: Context) -> None:
    async with ctx.with_copies() as ctx:
        await telemetry.drop(intake.take(path, ctx))


@telemetry.about_run
async def advance(run_id: str, ctx: Context) -> Stage | None:
    """Take a run from stage to stage until it has to wait for something or has ended.

    The stage in which it is left; None if it was not looked after. A stage is abandoned only where
    the context tells since when runs have been looked after.
    """
    async with ctx.ledger.claim(run_id) as claim, ctx.with_copies() as ctx:
        if claim is None:
            return None  # another worker is on it, or it needs no more care
        run = await ctx.ledger.load(run_id)
        if run is None:
            await claim.deactivate()  # a worker died between the marker and the record
            return None
        return (await _advance(await ctx.ledger.settle(run), claim, ctx)).stage


@telemetry.about_run
async def execute_now(run_id: str, ctx: Context) -> None:
    """Carry out the command that was just given, unless another worker is about to.

    It is in the record already: whatever is in the way now, a tick carries it out.
    """
    try:
        async with ctx.ledger.claim(run_id) as claim:
            run = await ctx.ledger.load(run_id) if claim else None
            if run and run.command:
                await _commit(run, await _process(run, commands.execute, ctx), ctx)
    except (Conflict, Unavailable) as error:
        log.warning("the command to run %s is left to the next tick: %s", run_id, error)


async def _advance(run: Run, claim: Claim, ctx: Context) -> Run:
    """Step after step, each outcome written before the next; the run as it is left."""
    then: Step | None = None
    conflicts = 0
    for _ in range(ctx.policy.max_steps):
        if run.resting(ctx.now()) or ctx.out_of_time:
            break
        outcome = await _process(run, then or _next_step(run), ctx)
        try:
            written = await _commit(run, outcome, ctx)
        except Conflict:  # somebody has amended the run: read it again
            conflicts += 1
            then, known = None, await _read_again(run, outcome, ctx)
            if known is None or conflicts == ctx.policy.max_conflicts:
                break
            run = known
            continue
        if written.stage is not run.stage:
            log.info("run %s is %s", run.id, written.stage)
        if outcome.event is Event.JOB_SUCCEEDED:
            _measure_training(written, ctx)
        if outcome.finished:
            await claim.deactivate()
            if written.stage in DEPLOYED:
                await upkeep.soon(ctx)
        going_on = not outcome.idle or written.command != run.command
        run, then = written, outcome.then
        if not going_on:
            break
    return run


async def _commit(run: Run, outcome: Outcome, ctx: Context) -> Run:
    """Raises Conflict, and Unavailable. What cannot be written for another reason becomes the run's
    own failure, without the lines and values that cannot be written."""
    try:
        return await ctx.ledger.commit(run, outcome)
    except (Conflict, Unavailable):
        raise
    except Exception as error:
        log.exception("run %s could not be written", run.id)
        return await ctx.ledger.commit(run, _judge(run, _fault(run, error), ctx))


async def _read_again(run: Run, outcome: Outcome, ctx: Context) -> Run | None:
    """The run as another worker has written it, with what must not be lost of this outcome."""
    if outcome.on_conflict:
        await outcome.on_conflict()
    if outcome.event:
        message = f"{outcome.event}, while the run was changed by another"
        await ctx.ledger.log(run.id, LogLine("conflict", message))
    return await ctx.ledger.load(run.id)


def _next_step(run: Run) -> Step:
    if run.ended:
        return ending.finalize
    return commands.execute if run.command else STEPS[run.stage]


async def _process(run: Run, step: Step, ctx: Context) -> Outcome:
    """The outcome of a step, also where it fails: made from the run as it was read."""
    try:
        work = step(run, ctx)
        observed = work if run.ended else telemetry.step(run.id, run.model, run.stage, work)
        outcome = await observed
    except Unavailable as error:
        outcome = Outcome(run, error=error)
    except Conflict as error:  # on a document beside the run
        outcome = Outcome(run, error=Unavailable(error.message, error.fix))
    except TunedropError as error:
        outcome = Outcome(run, refusal=error)
    except Exception as error:
        log.exception("run %s went wrong", run.id)
        outcome = _fault(run, error)
    return _judge(run, outcome, ctx)


def _fault(run: Run, error: Exception) -> Outcome:
    message = f"A fault in Tunedrop itself, {type(error).__name__}: the app's log has it."
    return Outcome(run, error=Unavailable(message))


def _judge(run: Run, outcome: Outcome, ctx: Context) -> Outcome:
    """Whether the run goes on with that outcome or is abandoned: refused, or overdue."""
    if outcome.error:
        log.warning("run %s waits: %s", run.id, outcome.error)
    if outcome.refusal and (run.ended or run.ending):
        message = outcome.refusal.message  # it has come to its end, or is about to
        return replace(outcome, refusal=None, error=Unavailable(message, outcome.refusal.fix))
    if outcome.refusal:
        failure = failures.of_error(outcome.refusal, outcome.run)
    elif outcome.idle and ctx.policy.overdue(run, ctx.awake_since, ctx.now()):
        failure = failures.overdue(run, outcome.obstacle)
    else:
        return outcome
    log.warning("run %s is abandoned: %s", run.id, failure.message)
    return abandon(outcome, failure, ctx.now())


def _measure_training(run: Run, ctx: Context) -> None:
    tokens = run.trained_tokens or 0
    telemetry.measure("tunedrop.tokens.trained", tokens, model=run.model)
    telemetry.measure("tunedrop.cost.usd", jobs.cost(run, ctx), model=run.model)


# ---- side by side


async def gather_with_timeout(works: Iterable[tuple[str, Work]], ctx: Context) -> None:
    """Do all of them, whatever becomes of each; what is slow goes on beside the next ticks."""
    room = asyncio.Semaphore(ctx.policy.concurrency)
    tasks = {asyncio.create_task(_isolated(name, work, room)) for name, work in works}
    if not tasks:
        return
    ctx.overrunning.update(tasks)
    for task in tasks:
        task.add_done_callback(ctx.overrunning.discard)
    await asyncio.wait(tasks, timeout=ctx.policy.tick_timeout)


async def _isolated(name: str, work: Work, room: asyncio.Semaphore) -> None:
    try:
        async with room:
            await work
    except TunedropError as error:
        log.error("%s: %s", name, error)
    except Exception:
        log.exception("%s went wrong", name)
