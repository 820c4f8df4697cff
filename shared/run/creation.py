"""The paid job is asked for: once, and only while the intent to do so counts.

A worker may be frozen between its intent and the call (a laptop's lid, a paused machine) for longer
than others wait for it. So the clocks and the record are looked at right before the request goes
out, and a job that turns out to stand beside the run's own is cancelled. Two clocks are asked, for
each may be wrong: the wall clock may be set back, the other may stand still in a suspended machine.
A machine that was paused from outside may have neither; the record has then been written by another
worker. Knows the call and what its answers mean, not when it is due (`steps`).
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial

from shared.errors import Denied, NotSent, Refused, ServiceError, Throttled, Unavailable
from shared.run import files, jobs, placements
from shared.run.context import Context
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Run
from shared.run.stages import Event

log = logging.getLogger(__name__)


async def create_job(run: Run, ctx: Context, since: float) -> Outcome:
    """submitting: only the worker that has just written the intent comes here; `since` is its
    `ctx.uptime()` before it did.

    What became of the call is kept whatever another worker writes meanwhile. An intent that took
    too long is not acted upon: the time in which others send nothing would pass too soon.
    """
    try:
        outcome = await _ask(run, ctx, since)
    except NotSent as error:
        line = LogLine("job", f"not asked for: {error.message}")
        return Outcome(run.replace(asked_at=None), log=(line,))
    return replace(outcome, on_conflict=partial(_keep_answer, run, outcome.run, ctx))


async def _ask(run: Run, ctx: Context, since: float) -> Outcome:
    """Raises NotSent."""
    _check_age(run, ctx, since)
    may_take = ctx.policy.call_seconds(_age(run, ctx, since))
    before_send = partial(_check_intent, run, ctx, since)
    try:
        async with asyncio.timeout(may_take):
            job = await ctx.clients.finetuning.submit(jobs.request(run, ctx), before_send)
    except NotSent:
        raise
    except Refused as error:
        answered = run.replace(asked_at=None)
        if not await files.all_there(run, ctx):
            return Outcome(answered, Event.FILES_MISSING)
        return Outcome(answered, refusal=error)
    except (Throttled, Denied) as error:  # an answer: there is no job
        return Outcome(run.replace(asked_at=None), error=error)
    except (Unavailable, TimeoutError) as error:  # it may have been on its way for a while
        if isinstance(error, TimeoutError):
            error = Unavailable("Azure OpenAI did not answer to: start a job.")
        return Outcome(run.replace(asked_at=ctx.now()), error=error)
    line = LogLine("job", f"started {job.id} on {run.spec.base_model}")
    return Outcome(run.replace(job_id=job.id), Event.JOB_CREATED, (line,))


# ---- right before the request goes out


async def _check_intent(run: Run, ctx: Context, since: float) -> None:
    """Raises NotSent unless the record is as this worker has written it, and not long ago."""
    try:
        known = await ctx.ledger.load(run.id)
    except Unavailable as error:
        raise NotSent(f"its record could not be read again. {error.message}") from error
    if known is None or known.etag != run.etag:
        raise NotSent("another worker has changed the run meanwhile.")
    await placements.check_alone(known, ctx)
    _check_age(run, ctx, since)  # last: reading may have taken long


def _check_age(run: Run, ctx: Context, since: float) -> None:
    age, valid = _age(run, ctx, since), ctx.policy.intent_valid.total_seconds()
    if age > valid:
        raise NotSent(f"its worker stood still for {age:.0f} s, and an intent counts {valid:g} s.")


def _age(run: Run, ctx: Context, since: float) -> float:
    """Seconds since the intent, by the clock that says more."""
    assert run.asked_at, "submit() has just written it"
    return max((ctx.now() - run.asked_at).total_seconds(), ctx.uptime() - since)


# ---- where another worker has written the run since


async def _keep_answer(sent: Run, answered: Run, ctx: Context) -> None:
    """What the call has told goes into the run as it is now; a job beside the run's own is noted as
    one that is not meant, then cancelled."""
    newest = await ctx.ledger.amend(run_id := sent.id, lambda known: _merge(known, sent, answered))
    made = answered.job_id
    if newest is None or made is None or made not in newest.past_jobs:
        return
    message = f"{made} was made beside {newest.job_id}, which the run has: it is cancelled"
    log.error("run %s: %s", run_id, message)
    await ctx.ledger.log(run_id, LogLine("job", message))
    await cancel_second(made, ctx)


def _merge(known: Run, sent: Run, answered: Run) -> Run | None:
    """None where the answer changes nothing."""
    made = answered.job_id
    if made and known.job_id not in (None, made):
        return known.replace(past_jobs=(*known.past_jobs, made))
    if known.attempt != sent.attempt:
        return None  # a job of this run is found by the search of the next attempt
    if made:
        return known.replace(job_id=made)
    if answered.asked_at:  # not answered: it may be on its way as long as the later of the two
        return known.replace(asked_at=max(answered.asked_at, known.asked_at or answered.asked_at))
    own = known.asked_at == sent.asked_at  # that of another worker is not taken back
    return known.replace(asked_at=None) if own else None


async def cancel_second(job_id: str, ctx: Context) -> bool:
    """Cancel a job that its run does not mean; whether that was done. The sweep tries again."""
    try:
        with suppress(Refused):  # it has ended by itself
            await ctx.clients.finetuning.cancel(job_id)
    except ServiceError as error:
        log.error("the second job %s goes on for now: %s", job_id, error)
        return False
    return True
