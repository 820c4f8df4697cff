"""A run's record, with all that lies beside it, is removed; what is left is which jobs it had.

    deleted/<run id>   in the runs container: the ids of its jobs

The service keeps jobs for good, and a job is known by its run's id. The same dataset dropped once
more has that id again, and must not take a job for its own whose model is gone. Knows blobs, not
why they go.
"""

from shared.cloud.container import Container
from shared.cloud.documents import Document, as_json
from shared.errors import Unavailable
from shared.run import newest
from shared.run.context import Context
from shared.run.record import Run

PREFIX = "deleted/"


class Jobs(Document):
    ids: tuple[str, ...]


async def remove(run_id: str, run: Run | None, ctx: Context) -> None:
    """As the one worker on it; may be killed anywhere and called again, also without the record.
    Raises Unavailable while another worker is on it."""
    if run and (ids := _jobs(run)):
        await _keep(run_id, ids, ctx)
    await ctx.ledger.mark(run_id)
    async with ctx.ledger.claim(run_id) as claim:
        if claim is None:
            raise Unavailable(f"Another worker is busy with the run {run_id}.")
        await remove_all(ctx.clients.runs, f"{run_id}/", last=f"{run_id}/run.json")
        await newest.remove(ctx.clients.runs, run_id)
        await claim.deactivate()


async def jobs_of_deleted(run_id: str, ctx: Context) -> tuple[str, ...]:
    """Those of an earlier run of this id; they are never adopted again."""
    found = await ctx.clients.runs.record(f"{PREFIX}{run_id}", Jobs)
    return found[0].ids if found else ()


async def remove_all(container: Container, prefix: str, last: str = "") -> None:
    """Every blob whose name begins with this; `last` after all others."""
    names = [blob.name async for blob in container.list(prefix)]
    for name in sorted(names, key=lambda name: name == last):
        await container.delete(name)


def _jobs(run: Run) -> tuple[str, ...]:
    return tuple(filter(None, (*run.past_jobs, run.job_id)))


async def _keep(run_id: str, ids: tuple[str, ...], ctx: Context) -> None:
    known = await jobs_of_deleted(run_id, ctx)
    kept = Jobs(ids=tuple(dict.fromkeys((*known, *ids))))
    await ctx.clients.runs.put(f"{PREFIX}{run_id}", as_json(kept), "application/json")
