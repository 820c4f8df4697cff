"""The same bytes in another placement are one paid job: alone, in a folder, or in a folder beside
what would have been held out of them. Runs of other placements have other ids, for what is held out
of a dataset is known only once it was read.

Knows what other runs were paid for, not what a drop looks like.
"""

from shared.errors import NotSent
from shared.run import failures, ids
from shared.run.context import Context
from shared.run.outcome import Outcome
from shared.run.record import Run
from shared.run.stages import Event, Stage

ON_ITS_WAY = (Stage.CHECKED, Stage.UPLOADED, Stage.SUBMITTING)  # to a job, by itself


async def before_asking(run: Run, ctx: Context) -> Outcome | None:
    """The outcome that ends a run whose training another run has had a job for, or that lets it
    wait for an older one that is about to; None where there is no such run."""
    same = await _of_the_same(run, ctx)
    for other in same:
        if _has_job(other):
            return Outcome(run.replace(failure=failures.paid_before(other)), Event.PAID_BEFORE)
    for other in same:
        if other.asked_at or (other.stage in ON_ITS_WAY and _age(other) < _age(run)):
            waiting = f"The run {other.id} trains the same bytes in the same way, and is before it."
            return Outcome(run.replace(asked_at=None)).waits(waiting)
    return None


async def check_alone(run: Run, ctx: Context) -> None:
    """Raises NotSent where another run has asked for the job as well, or has it: both have written
    their intent before they look here, so at most one goes on."""
    for other in await _of_the_same(run, ctx):
        if other.asked_at or _has_job(other):
            raise NotSent(f"the run {other.id} asks for the same training.")


async def _of_the_same(run: Run, ctx: Context) -> list[Run]:
    """Not for a run whose job has ended without a model: a person has asked for the next one."""
    judged = ids.judged(run)
    if judged is None or run.past_jobs:
        return []
    known = await ctx.ledger.readable(await ctx.ledger.beginning_with(f"{run.model}-"), [])
    same = [other for other in known if other.id != run.id and ids.judged(other) == judged]
    return [other for other in same if _has_job(other) or not other.ended]


def _has_job(run: Run) -> bool:
    return bool(run.job_id or run.past_jobs)


def _age(run: Run) -> tuple[float, str]:
    return run.timeline[0].at.timestamp(), run.id
