"""One function per active stage: look, do at most one thing, and say what was seen.

A step returns None when there is nothing new yet; the keeper then calls it again at a later tick.
It may be killed at any await and called again: before an outside change that must not happen
twice, the outside is searched for the one that may have happened already.
Knows what to do in a stage, not which stage comes next (`stages`) or when (`keeper`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.cloud import Cloud
from shared.cloud.finetuning import RemoteFile, RemoteJob
from shared.errors import Denied, Refused, Replaced, Throttled, Unavailable
from shared.model import hosting
from shared.model.registry import Registry, Version
from shared.run import checking, endings, files, jobs
from shared.run.ledger import Ledger
from shared.run.record import Run, now
from shared.run.stages import Seen, Stage

PATIENCE = 5  # seconds that a step waits for a file to be processed before it leaves it for a tick

Step = Callable[[Run, Cloud], Awaitable[Seen | None]]


async def check(run: Run, cloud: Cloud) -> Seen | None:
    """received: read every file, write the report."""
    try:
        checked = await checking.check(run, cloud)
    except Replaced:
        return await _replaced(run, cloud)
    await Ledger(cloud.runs).tell(run, "check", checked.summary)
    if checked.errors:
        run.failure = endings.rejected(checked.errors)
        return Seen.BAD
    return Seen.GOOD_MANUAL if run.spec.start == "manual" else Seen.GOOD


async def await_order(run: Run, cloud: Cloud) -> Seen | None:
    """ready: only a person's order takes it on, as long as its files lie where they were."""
    for file in run.files:
        blob = await cloud.datasets.info(file.name)
        if blob is None or blob.etag != file.etag:
            return await _replaced(run, cloud)
    run.waiting_for = f"POST /api/runs/{run.id}/start: run.yaml says `start: manual`."
    return None


async def upload(run: Run, cloud: Cloud) -> Seen | None:
    """checked: bring the files to the service and wait until it has processed them."""
    try:
        remote = await files.bring(run, cloud)
    except Replaced:
        return await _replaced(run, cloud)
    await Ledger(cloud.runs).save(run)
    states = [await _processed(file, cloud) for file in remote]
    return Seen.PROCESSED if all(states) else None


async def submit(run: Run, cloud: Cloud) -> Seen | None:
    """uploaded: start the paid job, once.

    The intent is written before the call. Whoever finds it later looks for the job first and,
    while the call may still be under way, waits rather than sending a second one.
    """
    ledger = Ledger(cloud.runs)
    if not await jobs.settle(run, cloud):
        return None
    if run.job_id:
        await ledger.tell(run, "job", f"found {run.job_id}, started by an earlier try")
        return Seen.ACCEPTED
    if run.past_jobs:
        await jobs.forget_curve(run, cloud)
    run.submitting_since = now()
    await ledger.save(run)
    try:
        job = await cloud.finetuning.submit(jobs.request(run))
    except Refused:
        run.submitting_since = None
        if not await files.all_there(run, cloud):
            return Seen.VANISHED
        raise
    except (Throttled, Denied):
        run.submitting_since = None  # an answer: there is no job
        raise
    except Unavailable:
        run.submitting_since = now()  # it may have been under way for a while
        raise
    run.job_id = job.id
    await ledger.tell(run, "job", f"started {job.id} on {run.spec.base_model}")
    return Seen.ACCEPTED


async def await_start(run: Run, cloud: Cloud) -> Seen | None:
    """submitted: has the job left the queue?"""
    return await _seen(await jobs.read(run, cloud), run, cloud)


async def follow(run: Run, cloud: Cloud) -> Seen | None:
    """training: how far is the job?"""
    job = await jobs.read(run, cloud)
    if not job.ended:
        await jobs.note_progress(job, run, cloud)
    seen = await _seen(job, run, cloud)
    return None if seen is Seen.STARTED else seen


async def await_resumption(run: Run, cloud: Cloud) -> Seen | None:
    """paused: has somebody resumed the job?"""
    seen = await _seen(await jobs.read(run, cloud), run, cloud)
    if seen is not Seen.PAUSED:
        return seen
    run.waiting_for = f"POST /api/runs/{run.id}/resume: its job is paused."
    return None


async def deploy(run: Run, cloud: Cloud) -> Seen | None:
    """trained: enter the new version and ask for its deployment."""
    assert run.fine_tuned_model, "a run becomes trained by having one"
    version = await Registry(cloud.models).add_version(
        run.model,
        run.id,
        base_model=run.spec.base_model,
        fine_tuned_model=run.fine_tuned_model,
        sku=run.spec.deployment.sku,
        capacity=run.spec.deployment.capacity,
        dropped_at=run.timeline[0].at,
    )
    run.version, run.deployment = version.version, version.deployment
    await hosting.request(cloud.deployments, version)
    return Seen.REQUESTED


async def await_deployment(run: Run, cloud: Cloud) -> Seen | None:
    """deploying: does the control plane say that the deployment is ready?"""
    ready = await hosting.state(cloud.deployments, await version_of(run, cloud))
    return Seen.PROVISIONED if ready is hosting.Hosting.READY else None


async def probe(run: Run, cloud: Cloud) -> Seen | None:
    """probing: does the model really answer? Then it becomes the champion, unless there is one of
    a newer dataset."""
    version = await version_of(run, cloud)
    if await hosting.probe(cloud.finetuning, version) is not hosting.Hosting.READY:
        return None
    model = await Registry(cloud.models).promote(run.model, version.version)
    if model.champion != version.version:
        said = f"{model.name}@{model.champion} stays the champion: its dataset is newer"
        await Ledger(cloud.runs).tell(run, "version", said)
    return Seen.ANSWERED


STEPS: dict[Stage, Step] = {
    Stage.RECEIVED: check,
    Stage.READY: await_order,
    Stage.CHECKED: upload,
    Stage.UPLOADED: submit,
    Stage.SUBMITTED: await_start,
    Stage.TRAINING: follow,
    Stage.PAUSED: await_resumption,
    Stage.TRAINED: deploy,
    Stage.DEPLOYING: await_deployment,
    Stage.PROBING: probe,
}


async def version_of(run: Run, cloud: Cloud) -> Version:
    assert run.version, "a run becomes deploying by having one"
    model = await Registry(cloud.models).load(run.model)
    if model is None:
        raise Refused(f"The record of model {run.model} is gone from {cloud.models.name}.")
    return model.version(run.version)


async def _replaced(run: Run, cloud: Cloud) -> Seen | None:
    """A file is not the one that the run began with: other content, or the same once more?"""
    for file in run.files:
        blob = await cloud.datasets.info(file.name)
        if blob is None or await cloud.datasets.sha256(blob) != file.sha256:
            run.failure = endings.replaced(file.name, gone=blob is None)
            return Seen.REPLACED
        file.etag = blob.etag
    return None


async def _processed(file: RemoteFile, cloud: Cloud) -> bool:
    """Raises Refused if the service has found the file unusable."""
    give_up = now() + timedelta(seconds=PATIENCE)
    while file.status != "processed":
        if file.status in ("error", "deleted"):
            raise Refused(
                f"The service could not use {file.name}: its status is {file.status}, "
                f"{file.detail or 'and no reason is given.'}",
                "Correct what it names, if anything, and drop the dataset again.",
            )
        if now() > give_up:
            return False
        await asyncio.sleep(0.2)
        again = await cloud.finetuning.file(file.id)
        if again is None:
            return False  # deleted meanwhile: the next look brings it again
        file = again
    return True


async def _seen(job: RemoteJob, run: Run, cloud: Cloud) -> Seen | None:
    """What a job's status means for its run; a status that nobody knows goes on for now."""
    if job.ended:
        await jobs.listen(job, run, cloud)
    match job.status:
        case "running" | "resuming":
            return Seen.STARTED
        case "pausing" | "paused":
            return Seen.PAUSED
        case "cancelled":
            run.failure = endings.cancelled_elsewhere(job.id, run)
            return Seen.CANCELLED
        case "failed":
            run.failure = endings.of_job(job, run)
            return Seen.FAILED
        case "succeeded" if job.fine_tuned_model:
            await jobs.gather_results(job, run, cloud)
            return Seen.SUCCEEDED
    return None
