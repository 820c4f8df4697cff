"""What lies at the service under the app's marks and no record knows: found, told, ended if wished.

    reconciler/orphans.json   in the runs container: what the last look has found, and when

A job bears the app's id in its metadata. A deployment is the app's by its name and by its model,
which a job or a version of the app has made. A file bears its run's id: one of a run that this app
does not know may be another app's and is only told of. Nothing else is looked at, let alone ended.
Knows what is left over, not how that has come about.
"""

import logging
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Container, Iterable
from datetime import datetime, timedelta
from functools import partial

from shared import telemetry
from shared.catalog import lookup
from shared.cloud import container
from shared.cloud.deployments import Deployment
from shared.cloud.documents import Document, Frozen, as_json
from shared.cloud.remote import ListedJob, RemoteFile
from shared.dataset.measure.cost import TrainingPlan, billed
from shared.errors import ServiceError, Unreadable
from shared.model import deployment
from shared.model.registry import Model
from shared.run import ceilings, creation, ids, jobs
from shared.run.context import Context
from shared.run.record import Run

log = logging.getLogger(__name__)

NAME = "reconciler/orphans.json"
KINDS = ("job", "file", "deployment")
FILE = re.compile(r"([a-z0-9-]{1,120})-\d{1,6}-(?:training|validation)\.jsonl")
DEPLOYMENT = re.compile(r"([a-z0-9-]{1,120})-v\d{1,6}")


class Orphan(Frozen):
    """`id`: the job's, the file's, or the deployment's name. `price`: what it costs or has cost, in
    words. `since`: when it was found first. `endable`: whether it may be ended, for it is surely
    this app's; `unwanted`: its own record says so, and it is ended at once."""

    kind: str
    id: str
    reason: str
    price: str
    since: datetime
    told: datetime | None = None
    model: str = ""
    endable: bool = True
    unwanted: bool = False

    def __str__(self) -> str:
        return f"The {self.kind} {self.id} ({self.price}): {self.reason}."


class Orphans(Document):
    looked: datetime
    found: tuple[Orphan, ...] = ()


class _OurNames(Container[str]):
    """Of files: any that the app may have given."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and FILE.fullmatch(name) is not None


async def latest(runs: container.Container) -> Orphans | None:
    """None before the first, and for one that cannot be read: the next look replaces it."""
    try:
        found = await runs.record(NAME, Orphans)
    except Unreadable as error:
        log.warning("%s", error.message)
        return None
    return found[0] if found else None


async def known(runs: container.Container) -> tuple[Orphan, ...]:
    """What the last look has found."""
    found = await latest(runs)
    return found.found if found else ()


async def sweep(ctx: Context) -> None:
    """Look, where that is due. A new app has nothing to look for yet."""
    before = await latest(ctx.clients.runs)
    if before is None:
        await _write((), ctx)
    elif not timedelta(0) <= ctx.now() - before.looked < ctx.policy.orphans_every:
        await look(ctx)


async def look(ctx: Context) -> None:
    """Tell of each orphan once a day, end those that are to be ended, keep the others in mind."""
    try:
        found = [orphan async for orphan in _look(ctx)]
    except ServiceError as error:
        log.warning("orphans could not be looked for: %s", error)
        return
    before = {(orphan.kind, orphan.id): orphan for orphan in await known(ctx.clients.runs)}
    after = []
    for orphan in found:
        earlier = before.get((orphan.kind, orphan.id))
        if earlier:
            orphan = orphan.replace(since=earlier.since, told=earlier.told)
        if not await _ended(orphan, ctx):
            after.append(_told(orphan, ctx))
    for kind in KINDS:
        telemetry.measure("tunedrop.orphans", sum(o.kind == kind for o in after), kind=kind)
    await _write(tuple(after), ctx)


async def _write(found: tuple[Orphan, ...], ctx: Context) -> None:
    document = as_json(Orphans(looked=ctx.now(), found=found))
    await ctx.clients.runs.put(NAME, document, "application/json")


def _told(orphan: Orphan, ctx: Context) -> Orphan:
    if orphan.told and ctx.now() - orphan.told < ctx.policy.orphan_told_again:
        return orphan
    log.error("%s", orphan)
    return orphan.replace(told=ctx.now())


async def _ended(orphan: Orphan, ctx: Context) -> bool:
    """End it, if it is to be ended; whether that was asked of the service."""
    old = ctx.now() - orphan.since >= ctx.policy.orphan_age
    wished = ctx.settings.end_orphans == "on" and orphan.endable and old
    if not (orphan.unwanted or wished):
        return False
    try:
        if orphan.kind == "job":
            ended = await creation.cancel_second(orphan.id, ctx)
        elif orphan.kind == "file":
            await ctx.clients.finetuning.delete_file(orphan.id)
            ended = True
        else:
            ended = await deployment.withdraw(ctx.clients.deployments, orphan.id, orphan.model)
    except ServiceError as error:
        log.error("%s It could not be ended: %s", orphan, error)
        return False
    if ended:
        log.error("%s It was ended.", orphan)
    return ended


async def _look(ctx: Context) -> AsyncIterator[Orphan]:
    """The service is listed before the records are read: what they know of it is not older."""
    listed = await ctx.clients.finetuning.list_jobs()
    files = await ctx.clients.finetuning.files(_OurNames())
    deployments = await ctx.clients.deployments.list()
    active = set(await ctx.ledger.active())
    ours = [job for job in listed if job.metadata.get("tunedrop_app") == ctx.app_id]
    in_use = {name for job in listed if not job.job.ended for name in job.files}
    async for orphan in _jobs(ours, active, ctx):
        yield orphan
    async for orphan in _files((f for f in files if f.id not in in_use), active, ctx):
        yield orphan
    made = {job.job.fine_tuned_model for job in ours}
    async for orphan in _deployments(deployments, made, active, ctx):
        yield orphan


# ---- jobs


async def _jobs(ours: Iterable[ListedJob], active: set[str], ctx: Context) -> AsyncIterator[Orphan]:
    """Records are read only of runs with a job that goes on, or with more than one paid for."""
    by_run: dict[str, list[ListedJob]] = defaultdict(list)
    for job in ours:
        if job.job.status not in jobs.LOST:
            by_run[job.metadata.get("tunedrop_run", "")].append(job)
    for run_id, group in by_run.items():
        if (len(group) == 1 and group[0].job.ended) or not ids.ID.fullmatch(run_id):
            continue
        try:
            run = await ctx.ledger.load(run_id)
        except Unreadable:
            continue  # what it knows cannot be told
        for job in group:
            if reason := _why_job(job, run_id, run, run_id in active):
                yield await _job(job, reason, run, ctx)


def _why_job(job: ListedJob, run_id: str, run: Run | None, active: bool) -> str | None:
    """Why it is an orphan; None if it is none."""
    ended, job_id = job.job.ended, job.job.id
    if run is None:
        return None if ended else f"no record knows its run {run_id}"
    if job_id in run.past_jobs:
        return None if ended else f"its run {run_id} does not mean it"
    if run.job_id and run.job_id != job_id:
        return f"its run {run_id} has the job {run.job_id}"
    over = run.ended and not active  # while it is active, its end is being brought about
    return f"its run {run_id} has ended" if over and not ended else None


async def _job(job: ListedJob, reason: str, run: Run | None, ctx: Context) -> Orphan:
    return Orphan(
        kind="job",
        id=job.job.id,
        reason=reason,
        price=await _job_price(job, run, ctx),
        since=ctx.now(),
        endable=not job.job.ended,
        unwanted=run is not None and job.job.id in run.past_jobs,
    )


async def _job_price(job: ListedJob, run: Run | None, ctx: Context) -> str:
    tier = run.spec.training_type if run else ctx.settings.training_type
    plan = TrainingPlan(base_model=job.base_model, training_type=tier, region=ctx.region)
    if trained := billed(job.job.trained_tokens or 0, plan):
        return f"{job.job.status}, {trained:.2f} USD were trained"
    whole = await ceilings.estimate(run, ctx) if run else None
    return f"{job.job.status}, " + ("of unknown price" if whole is None else f"{whole:.2f} USD")


# ---- files and deployments


async def _files(
    files: Iterable[RemoteFile], active: set[str], ctx: Context
) -> AsyncIterator[Orphan]:
    """Those of an active run are deleted at its end."""
    for file in files:
        found = FILE.fullmatch(file.name)
        if found is None or file.status == "deleted" or found[1] in active:
            continue
        try:
            run = await ctx.ledger.load(found[1])
        except Unreadable:
            continue
        orphan = partial(Orphan, kind="file", id=file.id, since=ctx.now())
        price = f"{file.name}, takes room"
        if run is None:
            reason = "no record knows its run; it may be another app's"
            yield orphan(reason=reason, price=price, endable=False)
        elif run.ended:
            yield orphan(reason=f"its run {run.id} has ended", price=price)


async def _deployments(
    there: Iterable[Deployment], made: set[str | None], active: set[str], ctx: Context
) -> AsyncIterator[Orphan]:
    for found in there:
        named = DEPLOYMENT.fullmatch(found.name)
        if named is None or found.state == "Deleting":
            continue
        try:
            model = await ctx.registry.load(named[1])
        except Unreadable:
            continue
        if reason := _why_deployment(found, model, made, active):
            yield Orphan(
                kind="deployment",
                id=found.name,
                reason=reason,
                price=_hosting_price(found, model, ctx),
                since=ctx.now(),
                model=found.model,
            )


def _hosting_price(found: Deployment, model: Model | None, ctx: Context) -> str:
    versions = model.versions if model else ()
    bases = (v.base_model for v in versions if v.fine_tuned_model == found.model)
    base, region = next(bases, found.model), ctx.region
    month = lookup.hosting_per_month(base, found.sku, region)
    return "of unknown price" if month is None else f"{month:,.0f} USD a month"


def _why_deployment(
    found: Deployment, model: Model | None, made: set[str | None], active: set[str]
) -> str | None:
    versions = model.versions if model else ()
    same = [v for v in versions if v.fine_tuned_model == found.model]
    if not same and found.model not in made:
        return None  # nothing says that it is this app's
    mine = next((v for v in same if v.deployment == found.name), None)
    if mine is None:
        return "no version has it"
    return "its version was withdrawn" if mine.withdrawn and mine.run_id not in active else None
