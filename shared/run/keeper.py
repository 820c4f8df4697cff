"""Moves runs on: one run as far as it goes, or all active runs at a tick of the timer.

Knows when and who (one worker at a time on each run), not what is to be done (`steps`, `orders`).
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any

from shared import telemetry
from shared.cloud import Cloud
from shared.errors import Changed, ServiceError, TunedropError, Unavailable
from shared.run import drops, endings, files, heartbeat, intake, jobs, orders
from shared.run.ledger import BY_ITSELF, Claim, Ledger
from shared.run.patience import overdue, pause
from shared.run.record import Order, Run, now
from shared.run.stages import ACTIVE, Seen, Stage
from shared.run.steps import STEPS

log = logging.getLogger(__name__)

AT_ONCE = 8  # runs that one tick moves side by side, and drops that one sweep takes
TURN = 45.0  # seconds that a tick waits for its runs; a slower one goes on beside the next ticks
ORPHANED = timedelta(hours=1)  # age at which an active marker without a run is cleared
LEAVING = timedelta(hours=1)  # in which an ended run's files are deleted, whatever is in the way
JOB_STAGES = (Stage.SUBMITTED, Stage.TRAINING)

_slow: set[asyncio.Task[None]] = set()  # what earlier ticks did not wait for


async def dataset_dropped(path: str, cloud: Cloud) -> None:
    """A blob was dropped: make its run and take it as far as it goes at once."""
    run_id = await telemetry.drop(intake.take(path, cloud))
    if run_id:
        await advance(run_id, cloud)


async def tick(cloud: Cloud) -> None:
    """Look after every active run, and now and then for drops whose event was lost.

    Neither a run that goes wrong nor one that is slow harms the others.
    """
    heart, sweep_due = await heartbeat.beat(
        cloud.runs, timedelta(seconds=cloud.settings.sweep_seconds)
    )
    stages = Counter[Stage]()

    async def look_after(run_id: str, since: datetime) -> None:
        if stage := await advance(run_id, cloud, heart.awake_since):
            stages[stage] += 1
        if now() - since > ORPHANED:
            await _clear_orphan(run_id, cloud)

    active = await Ledger(cloud.runs).active()
    works = [(f"run {run_id}", look_after(run_id, since)) for run_id, since in active]
    if sweep_due:
        works.append(("the sweep", sweep(cloud)))
    await _side_by_side(works)
    telemetry.measure("tunedrop.ticks")
    for stage in ACTIVE:
        telemetry.measure("tunedrop.runs", stages[stage], stage=stage)


async def sweep(cloud: Cloud) -> None:
    """Take the drops that were missed; the next ticks move their runs on."""
    missed = await drops.missed(cloud)
    for path in missed:
        log.error("%s was not taken when it was dropped: its event was lost or failed", path)
        telemetry.measure("tunedrop.poisoned")
    await _side_by_side((path, telemetry.drop(intake.take(path, cloud))) for path in missed)


@telemetry.about_run
async def advance(run_id: str, cloud: Cloud, awake_since: datetime | None = None) -> Stage | None:
    """Take a run from stage to stage until it has to wait for something or has ended.

    The stage in which it is left; None if it was not looked after. A stage is given up only by
    somebody who knows since when runs have been looked after.
    """
    ledger = Ledger(cloud.runs)
    async with ledger.claim(run_id) as claim:
        if claim is None:
            return None  # another worker is on it, or it needs no more care
        run, going = None, True
        while going and (run := await ledger.load(run_id)):
            going = await _one_step(run, claim, awake_since, cloud)
        return run.stage if run else None


@telemetry.about_run
async def obey(run_id: str, cloud: Cloud) -> None:
    """Carry out the order that was just given, unless another worker is about to."""
    ledger = Ledger(cloud.runs)
    async with ledger.claim(run_id) as claim:
        run = await ledger.load(run_id) if claim else None
        if claim and run and run.order:
            await _one_step(run, claim, None, cloud)


async def _one_step(run: Run, claim: Claim, awake_since: datetime | None, cloud: Cloud) -> bool:
    """Whether another step may follow at once."""
    ledger = Ledger(cloud.runs)
    if run.ended:
        await _leave(run, claim, cloud)
        return False
    if run.resting(now()):
        return False
    before = run.model_copy(deep=True)
    run.waiting_for = run.not_before = None
    run.tries = 0
    try:
        seen = await _do(run, cloud)
        if seen:
            await _move(run, seen, before.order, ledger)
            return True
        if awake_since and await _given_up(run, awake_since, cloud):
            return True
        if run != before:
            await ledger.save(run)
    except Changed:
        return True  # somebody has amended the run: read it again
    except Unavailable as error:
        await _rest(run, before, error, awake_since, cloud)
        return False
    except TunedropError as error:
        run.failure = endings.of_error(error, run)
        await ledger.move(run, Seen.FAILED)
        log.warning("run %s failed: %s", run.id, error)
        return True
    return run.order is None and before.order is not None


async def _leave(run: Run, claim: Claim, cloud: Cloud) -> None:
    """An ended run needs neither its files at the service nor the care of ticks."""
    try:
        if not await jobs.alive(run, cloud):
            await files.release(run, cloud)
    except ServiceError as error:
        if isinstance(error, Unavailable) and now() - run.since < LEAVING:
            return
        log.warning("files of run %s may be left at the service: %s", run.id, error)
    await claim.retire()


async def _do(run: Run, cloud: Cloud) -> Seen | None:
    work = orders.carry_out(run, cloud) if run.order else STEPS[run.stage](run, cloud)
    return await telemetry.step(run.id, run.model, run.stage, work)


async def _move(run: Run, seen: Seen, order: Order | None, ledger: Ledger) -> None:
    """Move the run on, in the name of whoever gave the order that has just been carried out."""
    who, why = (order.who, order.why) if order else (BY_ITSELF, "")
    await ledger.move(run, seen, who, why)
    log.info("run %s is %s", run.id, run.stage)
    if seen is Seen.SUCCEEDED:
        tokens = run.trained_tokens or 0
        telemetry.measure("tunedrop.tokens.trained", tokens, model=run.model)
        telemetry.measure("tunedrop.cost.usd", jobs.cost(run), model=run.model)


async def _rest(
    run: Run, before: Run, error: Unavailable, awake_since: datetime | None, cloud: Cloud
) -> None:
    """Leave the run for a while; say what is in its way unless that is known already."""
    ledger = Ledger(cloud.runs)
    log.warning("run %s waits: %s", run.id, error)
    run.waiting_for = str(error)
    run.tries = before.tries + 1
    first = cloud.settings.backoff_seconds
    run.not_before = now() + pause(run.tries, first, error.retry_after, random.random())
    if run.waiting_for != before.waiting_for:
        await ledger.tell(run, "waiting", run.waiting_for)
    if not (awake_since and await _given_up(run, awake_since, cloud)):
        await ledger.save(run)


async def _given_up(run: Run, awake_since: datetime, cloud: Cloud) -> bool:
    """End a run whose stage has seen nothing new for too long. Nothing that costs may go on."""
    if not overdue(run, awake_since, now()):
        return False
    try:
        if run.stage in JOB_STAGES and not await orders.end_job(run, cloud):
            return False
    except Unavailable:
        return False
    run.failure = endings.overdue(run)
    await Ledger(cloud.runs).move(run, Seen.FAILED)
    log.warning("run %s was given up: %s", run.id, run.failure.what)
    return True


async def _clear_orphan(run_id: str, cloud: Cloud) -> None:
    """A worker died between the marker and the run; the drop's own event makes the run anew."""
    ledger = Ledger(cloud.runs)
    if await ledger.load(run_id) is None:
        async with ledger.claim(run_id) as claim:
            if claim:
                await claim.retire()


async def _side_by_side(works: Iterable[tuple[str, Coroutine[Any, Any, object]]]) -> None:
    """Do all of them, whatever becomes of each; what is slow goes on after TURN seconds."""
    room = asyncio.Semaphore(AT_ONCE)
    tasks = {asyncio.create_task(_isolated(name, work, room)) for name, work in works}
    if not tasks:
        return
    _slow.update(tasks)
    for task in tasks:
        task.add_done_callback(_slow.discard)
    await asyncio.wait(tasks, timeout=TURN)


async def _isolated(name: str, work: Coroutine[Any, Any, object], room: asyncio.Semaphore) -> None:
    try:
        async with room:
            await work
    except TunedropError as error:
        log.error("%s: %s", name, error)
    except Exception:
        log.exception("%s went wrong", name)
