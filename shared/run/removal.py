"""A run's record, with all that lies beside it, is removed; what is left is what it has cost, and
which jobs it had.

    deleted/<run id>   in the runs container

What was paid for counts in the costs of its month whatever is deleted. The service keeps jobs for
good, and a job is known by its run's id: the same dataset dropped once more has that id again, and
must not take a job for its own whose model is gone. Knows blobs, not why they go.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from shared.cloud.container import Container
from shared.cloud.documents import Count, Document, as_json
from shared.errors import TunedropError, Unavailable, Unreadable
from shared.model.costs import Training
from shared.model.registry import Version
from shared.printable import shown
from shared.run import newest
from shared.run.context import Context
from shared.run.record import Run

log = logging.getLogger(__name__)

PREFIX = "deleted/"


class Deleted(Document):
    """What is left of a run, however often it was made and deleted: its jobs' ids, what was trained
    and, for when they had a deployment, its versions. The next run of this id counts its attempts
    on: what was reserved for one, or told of it, is not taken for the other's."""

    jobs: tuple[str, ...] = ()
    attempts: Count = 0
    trained: tuple[Training, ...] = ()
    versions: tuple[Version, ...] = ()

    def with_more(self, other: "Deleted") -> "Deleted":
        trained = {part.ended: part for part in (*self.trained, *other.trained)}
        versions = {known.created_at: known for known in (*self.versions, *other.versions)}
        return Deleted(
            jobs=tuple(dict.fromkeys((*self.jobs, *other.jobs))),
            attempts=max(self.attempts, other.attempts),
            trained=tuple(trained.values()),
            versions=tuple(versions.values()),
        )


async def remove(run_id: str, left: Deleted, ctx: Context) -> None:
    """As the one worker on it; may be killed anywhere and called again. Raises Unavailable while
    another worker is on it."""
    await _keep(run_id, left, ctx)
    await ctx.ledger.mark(run_id)
    async with ctx.ledger.claim(run_id) as claim:
        if claim is None:
            raise Unavailable(f"Another worker is busy with the run {run_id}.")
        await remove_all(ctx.clients.runs, f"{run_id}/", last=f"{run_id}/run.json")
        await newest.remove(ctx.clients.runs, run_id)
        await claim.deactivate()


def left_of(run: Run | None, version: Version | None, trained: Iterable[Training]) -> Deleted:
    jobs = (*run.past_jobs, run.job_id) if run else ()
    return Deleted(
        jobs=tuple(job for job in jobs if job),
        attempts=run.attempt if run else 0,
        trained=tuple(trained),
        versions=(version,) if version and version.hosted else (),
    )


async def of(run_id: str, ctx: Context) -> Deleted:
    """What is left of earlier runs of this id. Raises Unreadable."""
    found = await ctx.clients.runs.record(f"{PREFIX}{run_id}", Deleted)
    return found[0] if found else Deleted()


async def since(
    at: datetime, ctx: Context, model: str, problems: list[TunedropError]
) -> list[tuple[str, Deleted]]:
    """What was deleted since then, each with its model; where one is named, of that alone. What
    cannot be read is left out; why is added to `problems`."""
    found = []
    names = [b.name async for b in ctx.clients.runs.list(f"{PREFIX}{model}") if b.modified >= at]
    for run_id in (name.removeprefix(PREFIX) for name in names):
        of_model = run_id.rpartition("-")[0]
        if model not in ("", of_model):
            continue
        try:
            found.append((of_model, await of(run_id, ctx)))
        except Unreadable as error:
            log.error("%s", error)
            problems.append(error)
    return found


async def remove_all(container: Container, prefix: str, last: str = "") -> None:
    """Every blob whose name begins with this; `last` after all others."""
    names = [blob.name async for blob in container.list(prefix)]
    for name in sorted(names, key=lambda name: name == last):
        await container.delete(name)


async def remove_as_it_was(container: Container, name: str, etag: str) -> None:
    """Held by a lease, so that nobody drops another in between; another that lies there stays.
    Raises Unavailable where somebody else holds it."""
    async with container.lease(name) as lease:
        there = await container.info(name)
        if there is None or there.etag != etag:
            return
        if lease is None:
            raise Unavailable(f"{shown(name)} is leased by somebody else.")
        await container.delete(name, lease)


async def _keep(run_id: str, left: Deleted, ctx: Context) -> None:
    known = await of(run_id, ctx)
    if (kept := known.with_more(left)) != known:
        await ctx.clients.runs.put(f"{PREFIX}{run_id}", as_json(kept), "application/json")
