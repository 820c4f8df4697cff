"""Moves runs on: one run as far as it goes, or all active runs at a tick of the timer.

Knows when and who (one worker at a time on each run), not what is to be done (`steps`).
"""

import asyncio
import logging
from datetime import timedelta

from shared.cloud import Cloud
from shared.errors import Changed, TunedropError, Unavailable
from shared.run import intake
from shared.run.ledger import Claim, Failure, Ledger, Run, now
from shared.run.stages import Seen
from shared.run.steps import STEPS

log = logging.getLogger(__name__)

AT_ONCE = 8  # runs that one tick moves side by side; a slow one must not hold up the others
ORPHANED = timedelta(hours=1)  # age at which an active marker without a run is cleared


async def dataset_dropped(path: str, cloud: Cloud) -> None:
    """A blob was dropped: make its run and take it as far as it goes at once."""
    run_id = await intake.take(path, cloud)
    if run_id:
        await advance(run_id, cloud)


async def tick(cloud: Cloud) -> None:
    """Look after every active run; one that goes wrong does not harm the others."""
    room = asyncio.Semaphore(AT_ONCE)

    async def look_after(run_id: str) -> None:
        async with room:
            await advance(run_id, cloud)

    active = await Ledger(cloud.runs).active()
    ends = await asyncio.gather(*(look_after(id) for id, _ in active), return_exceptions=True)
    for (run_id, since), end in zip(active, ends, strict=True):
        if isinstance(end, Exception):
            log.error("run %s: %s", run_id, end, exc_info=None if _expected(end) else end)
        elif now() - since > ORPHANED:
            await _clear_orphan(run_id, cloud)


async def advance(run_id: str, cloud: Cloud) -> None:
    """Take a run from stage to stage until it has to wait for something or has ended."""
    ledger = Ledger(cloud.runs)
    async with ledger.claim(run_id) as claim:
        if claim is None:
            return  # another worker is on it, or it needs no more care
        going = True
        while going and (run := await ledger.load(run_id)):
            going = await _one_step(run, claim, cloud)


async def _one_step(run: Run, claim: Claim, cloud: Cloud) -> bool:
    """Whether another step may follow at once."""
    ledger = Ledger(cloud.runs)
    if run.ended:
        await claim.retire()
        return False
    before = run.model_copy(deep=True)
    run.waiting_for = None
    try:
        seen = await STEPS[run.stage](run, cloud)
        if seen:
            await ledger.move(run, seen)
            log.info("run %s is %s", run.id, run.stage)
        elif run != before:
            await ledger.save(run)
    except Changed:
        return True  # somebody has amended the run: read it again
    except Unavailable as error:
        await _wait(run, before.waiting_for, error, ledger)
        return False
    except TunedropError as error:
        run.failure = Failure(what=error.what, cure=error.cure, blame=error.blame)
        await ledger.move(run, seen := Seen.FAILED)
        log.warning("run %s failed: %s", run.id, error)
    return seen is not None


async def _wait(run: Run, known: str | None, error: Unavailable, ledger: Ledger) -> None:
    """Leave the run for a later tick; say what is in its way unless that is known already."""
    log.warning("run %s waits: %s", run.id, error)
    run.waiting_for = str(error)
    if run.waiting_for != known:
        await ledger.save(run)
        await ledger.tell(run, "waiting", run.waiting_for)


async def _clear_orphan(run_id: str, cloud: Cloud) -> None:
    """A worker died between the marker and the run; the drop's own event makes the run anew."""
    ledger = Ledger(cloud.runs)
    if await ledger.load(run_id) is None:
        async with ledger.claim(run_id) as claim:
            if claim:
                await claim.retire()


def _expected(error: Exception) -> bool:
    return isinstance(error, TunedropError)
