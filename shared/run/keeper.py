"""Moves runs on: one run as far as it goes, or all active runs at a tick of the timer.

Knows when and who (one worker at a time on each run), not what is to be done (`steps`, `orders`).
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from shared import telemetry
from shared.cloud import Cloud
from shared.errors import Conflict, ServiceError, TunedropError, Unavailable
from shared.run import drops, endings, files, heartbeat, intake, jobs, orders
from shared.run.ledger import BY_ITSELF, Claim, Ledger
from shared.run.patience import overdue, pause
from shared.run.record import Failure, Order, Run, What, now
from shared.run.stages import ACTIVE, Seen, Stage
from shared.run.steps import STEPS

log = logging.getLogger(__name__)

AT_ONCE = 8  # runs that one tick moves side by side, and drops that one sweep takes
TURN = 45.0  # seconds that a tick waits for its runs; a slower one goes on beside the next ticks
ORPHANED = timedelta(hours=1)  # age at which an active marker without a run is cleared
LEAVING = timedelta(days=1)  # after which an ended run is left alone, files at the service or not
RACES = 3  # lost ones, after which a run is left to the next tick

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
    sweep_every = timedelta(seconds=cloud.settings.sweep_seconds)
    try:
        heart, sweep_due = await heartbeat.beat(cloud.runs, sweep_every)
        active = await Ledger(cloud.runs).active()
    except Unavailable as error:
        log.error("no run could be looked after: %s", error)
        return
    stages = Counter[Stage]()

    async def look_after(run_id: str, since: datetime) -> None:
        if stage := await advance(run_id, cloud, heart.awake_since):
            stages[stage] += 1
        if now() - since > ORPHANED:
            await _clear_orphan(run_id, cloud)

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
        telemetry.measure("tunedrop.drops.recovered")
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
        run, going, races = None, True, 0
        while going and races < RACES and (run := await ledger.load(run_id)):
            try:
                going = await _one_step(run, claim, awake_since, cloud)
            except Conflict:
                races += 1  # somebody has amended the run: read it again
        return run.stage if run else None


@telemetry.about_run
async def obey(run_id: str, cloud: Cloud) -> None:
    """Carry out the order that was just given, unless another worker is about to."""
    ledger = Ledger(cloud.runs)
    async with ledger.claim(run_id) as claim:
        run = await ledger.load(run_id) if claim else None
        if claim and run and run.order:
            with suppress(Conflict):  # the next tick reads it again
                await _one_step(run, claim, None, cloud)


async def _one_step(run: Run, claim: Claim, awake_since: datetime | None, cloud: Cloud) -> bool:
    """Whether another step may follow at once. Raises Conflict if somebody else has written."""
    if run.resting(now()):
        return False
    ledger = Ledger(cloud.runs)
    before = run.model_copy(deep=True)
    run.waiting_for = run.not_before = None
    try:
        if run.ended:
            await _leave(run, claim, awake_since, cloud)
            return False
        seen = await _do(run, cloud)
        run.tries = 0
        if seen:
            await _move(run, seen, before.order, ledger)
            return True
        if _due(run, awake_since):
            await _give_up(run, endings.overdue(run), ledger)
            return True
        if run != before:
            await ledger.save(run)
    except Conflict:
        raise
    except Unavailable as error:
        return await _rest(run, before, error, awake_since, cloud)
    except TunedropError as error:
        await _give_up(run, endings.of_error(error, run), ledger)
        return True
    except Exception as error:
        log.exception("run %s went wrong", run.id)
        said = f"A mistake of Tunedrop's own, {type(error).__name__}: the app's log has it."
        return await _rest(run, before, Unavailable(said), awake_since, cloud)
    return run.order is None and before.order is not None


async def _leave(run: Run, claim: Claim, awake_since: datetime | None, cloud: Cloud) -> None:
    """An ended run needs neither its files at the service nor the care of ticks."""
    late = awake_since is not None and now() - max(run.since, awake_since) > LEAVING
    try:
        if await jobs.goes_on(run, cloud):
            return  # somebody may retry it, and follow that job
        await files.release(run, cloud)
    except ServiceError as error:
        if isinstance(error, Unavailable) and not late:
            raise
        log.warning("files of run %s may be left at the service: %s", run.id, error)
    if run.tries:
        run.tries = 0
        await Ledger(cloud.runs).save(run)
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
) -> bool:
    """Leave the run for a while; say what is in its way unless that is known already.

    What was about to happen has not happened: the order stays, and the stage. Whether another step
    may follow at once.
    """
    ledger = Ledger(cloud.runs)
    log.warning("run %s waits: %s", run.id, error)
    run.stage, run.timeline = before.stage, before.timeline
    run.order, run.failure = before.order, before.failure
    run.waiting_for = str(error)
    run.tries = before.tries + 1
    first = cloud.settings.backoff_seconds
    run.not_before = now() + pause(run.tries, first, error.retry_after, random.random())
    if run.waiting_for != before.waiting_for:
        await ledger.tell(run, "waiting", run.waiting_for)
    if _due(run, awake_since):
        await _give_up(run, endings.overdue(run), ledger)
        return True
    await ledger.save(run)
    return False


def _due(run: Run, awake_since: datetime | None) -> bool:
    """Whether its stage has seen nothing new for too long, and nobody has ordered its end yet."""
    return awake_since is not None and not run.ending and overdue(run, awake_since, now())


async def _give_up(run: Run, failure: Failure, ledger: Ledger) -> None:
    """Order a run's end: whatever it has that costs is to be stopped before it is over."""
    log.warning("run %s is given up: %s", run.id, failure.message)
    await ledger.tell(run, "order", What.GIVE_UP, BY_ITSELF, failure.message)
    run.order = Order(what=What.GIVE_UP, who=BY_ITSELF, why=failure.message, at=now())
    run.failure = failure
    run.not_before = None
    await ledger.save(run)


async def _clear_orphan(run_id: str, cloud: Cloud) -> None:
    """A worker died between the marker and the run; the drop's own event makes the run anew."""
    ledger = Ledger(cloud.runs)
    async with ledger.claim(run_id) as claim:
        if claim and await ledger.load(run_id) is None:
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
