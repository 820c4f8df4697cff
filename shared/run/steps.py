"""One function per active stage: look, do at most one thing, and return what it came to.

An outcome without an event means that there is nothing new yet; the step is called again at a later
tick. A step may be killed at any await and called again: before an outside change that must not
happen twice, the outside is searched for the one that may have happened already. It changes neither
the run nor its record.
Knows what to do in a stage, not which stage comes next (`stages`) or when (`reconciler`).
"""

from datetime import timedelta
from functools import partial

from shared.cloud.remote import FILE_STATUSES, RemoteFile, RemoteJob
from shared.errors import Refused, Replaced, TooCostly, WorkerLost
from shared.model import deployment
from shared.printable import shown
from shared.run import (
    ceilings,
    checking,
    comparing,
    creation,
    failures,
    files,
    jobs,
    notices,
    placements,
    planning,
    versions,
)
from shared.run.context import Context, Step
from shared.run.outcome import LogLine, Outcome
from shared.run.record import File, Run
from shared.run.stages import Event, Stage

FILE_POLL_SECONDS = 0.2


async def check(run: Run, ctx: Context) -> Outcome:
    """received: read every file, write the report."""
    try:
        checked = await checking.check(run, ctx)
    except Replaced:
        return await _look_for_replacement(run, ctx)
    except TooCostly as error:
        failure = failures.too_costly(error)
        return Outcome(run.replace(failure=failure), Event.DATASET_REJECTED)
    except WorkerLost as error:
        return _lost_check(error, run, ctx)
    said = [checked.summary, *notices.without_validation(checked.run)]
    lines = tuple(LogLine("check", message) for message in said)
    outcome = Outcome(checked.run.replace(lost_checks=0), log=lines)
    if checked.errors:
        rejected = outcome.but(failure=failures.rejected(checked.errors))
        return rejected.with_event(Event.DATASET_REJECTED)
    manual = run.spec.start == "manual"
    return outcome.with_event(Event.START_REQUIRED if manual else Event.DATASET_ACCEPTED)


def _lost_check(error: WorkerLost, run: Run, ctx: Context) -> Outcome:
    """It may have been the machine; what happens again and again is the dataset's own."""
    lost = run.lost_checks + 1
    if lost < ctx.policy.check_tries:
        return Outcome(run.replace(lost_checks=lost), error=error)
    failure = failures.uncheckable(error, lost)
    return Outcome(run.replace(lost_checks=0, failure=failure), Event.FAILED)


async def await_start_command(run: Run, ctx: Context) -> Outcome:
    """ready: only a person's command takes it on, as long as its files lie where they were."""
    for file in run.files:
        blob = await ctx.clients.datasets.info(file.name)
        if blob is None or blob.etag != file.etag:
            return await _look_for_replacement(run, ctx)
    return Outcome(
        run,
        waiting_for=f"`tunedrop start {run.id}`: run.yaml says `start: manual`.",
    )


async def upload(run: Run, ctx: Context) -> Outcome:
    """checked: upload the files; their ids are written down before anything follows from them.
    Nothing is sent over a ceiling, nor what the account could not train or serve."""
    if had := await placements.before_asking(run, ctx):
        return had
    if over := await ceilings.reserve(run, ctx):
        return over
    if held := await planning.before_sending(run, ctx):
        return held
    try:
        uploaded = await files.upload(run, ctx)
    except Replaced:
        return await _look_for_replacement(run, ctx)
    return Outcome(run.with_files(*uploaded), then=await_processing)


async def await_processing(run: Run, ctx: Context) -> Outcome:
    """Still checked: wait until the service has processed the files."""
    for file in run.files:
        status = await _processing(file, ctx)
        if status not in FILE_STATUSES:
            return Outcome(run).waits(_unknown_status(file, status))
        if status != "processed":
            return Outcome(run)
    return Outcome(run, Event.FILES_PROCESSED)


async def submit(run: Run, ctx: Context) -> Outcome:
    """uploaded, submitting: ask for the paid job, once.

    The search comes first, whatever the record says. While a call that was not answered may still
    be on its way, nothing else is sent. The intent is written down before the call.
    """
    job = await jobs.find(run, ctx)
    if job:
        line = LogLine("job", f"found {job.id}, started by an earlier try")
        return Outcome(run.replace(job_id=job.id), Event.JOB_CREATED, (line,))
    if jobs.in_flight(run, ctx):
        return Outcome(run, unanswered=True)
    if had := await placements.before_asking(run, ctx):
        return had
    if over := await ceilings.reserve(run, ctx):  # the day, or a setting, may have changed
        return over
    if held := await planning.before_paying(run, ctx):
        return held
    if run.past_jobs:
        await jobs.clear_curve(run, ctx)
    intended = run.replace(asked_at=ctx.now())
    event = Event.JOB_INTENDED if run.stage is Stage.UPLOADED else None
    create_job = partial(creation.create_job, since=ctx.uptime())
    return Outcome(intended, event, then=create_job)


async def await_job(run: Run, ctx: Context) -> Outcome:
    """submitted: has the job left the queue?"""
    return await _follow(await jobs.read(run, ctx), Outcome(run), ctx)


async def watch_training(run: Run, ctx: Context) -> Outcome:
    """training: how far is the job?"""
    job = await jobs.read(run, ctx)
    outcome = Outcome(run) if job.ended else await jobs.note_progress(job, run, ctx)
    followed = await _follow(job, outcome, ctx)
    return followed.with_event(None) if followed.event is Event.JOB_RUNNING else followed


async def await_resumption(run: Run, ctx: Context) -> Outcome:
    """paused: has somebody resumed the job?"""
    followed = await _follow(await jobs.read(run, ctx), Outcome(run), ctx)
    if followed.event is not Event.JOB_PAUSED:
        return followed
    return Outcome(run, waiting_for=f"`tunedrop resume {run.id}`: its job is paused.")


async def await_deployment(run: Run, ctx: Context) -> Outcome:
    """deploying: does the control plane say that the deployment is ready?"""
    seen = await deployment.state(ctx.clients.deployments, await versions.version_of(run, ctx))
    if seen.readiness is deployment.Readiness.READY:
        return Outcome(run, Event.DEPLOYMENT_READY)
    return Outcome(run).waits(seen.strange) if seen.strange else Outcome(run)


async def probe(run: Run, ctx: Context) -> Outcome:
    """probing: does the model really answer?"""
    version = await versions.version_of(run, ctx)
    if await deployment.probe(ctx.clients.finetuning, version) is not deployment.Readiness.READY:
        await deployment.state(ctx.clients.deployments, version)  # it may be gone since
        return Outcome(run)
    return Outcome(run, Event.MODEL_ANSWERED)


STEPS: dict[Stage, Step] = {
    Stage.RECEIVED: check,
    Stage.READY: await_start_command,
    Stage.CHECKED: upload,
    Stage.UPLOADED: submit,
    Stage.SUBMITTING: submit,
    Stage.SUBMITTED: await_job,
    Stage.TRAINING: watch_training,
    Stage.PAUSED: await_resumption,
    Stage.TRAINED: versions.deploy,
    Stage.DEPLOYING: await_deployment,
    Stage.PROBING: probe,
    Stage.COMPARING: comparing.compare,
}


async def _look_for_replacement(run: Run, ctx: Context) -> Outcome:
    """A file is not the one that the run began with: other content, or the same once more?"""
    found = []
    for file in run.files:
        blob = await ctx.clients.datasets.info(file.name)
        if blob is None or await ctx.clients.datasets.sha256(blob) != file.sha256:
            same = blob is not None and blob.etag == file.etag
            gone = failures.replaced(file.name, gone=blob is None)
            failure = failures.altered(file.name) if same else gone
            return Outcome(run.replace(failure=failure), Event.FILES_REPLACED)
        found.append(file.replace(etag=blob.etag))
    return Outcome(run.with_files(*found))


async def _processing(file: File, ctx: Context) -> str:
    """How far the service is with the file. Raises Refused if it has found it unusable."""
    give_up = ctx.now() + timedelta(seconds=ctx.policy.file_wait)
    while remote := await ctx.clients.finetuning.file(str(file.file_id)):
        if remote.status in ("error", "deleted"):
            raise _unusable(remote)
        if remote.status == "processed" or ctx.now() > give_up:
            return remote.status
        await ctx.sleep(FILE_POLL_SECONDS)
    return "deleted"  # meanwhile: the next look uploads it again


def _unknown_status(file: File, status: str) -> str:
    return (
        f"Azure OpenAI says {shown(status)} of the file {shown(file.name)}, a status that this app "
        "does not know. It is waited for; look at the file in the portal."
    )


def _unusable(file: RemoteFile) -> Refused:
    return Refused(
        f"The service could not use {file.name}: its status is {file.status}, "
        f"{file.detail or 'and no reason is given.'}",
        "Correct what it names, if anything, and drop the dataset again.",
        blame="caller",
        says=file.detail,
    )


async def _follow(job: RemoteJob, outcome: Outcome, ctx: Context) -> Outcome:
    """What a job's status means for its run; with one that is not known, it goes on for now."""
    if job.ended:
        outcome, _ = await jobs.listen(job, outcome.run, ctx)
    run = outcome.run
    match job.status:
        case "running" | "resuming":
            return outcome.with_event(Event.JOB_RUNNING)
        case "pausing" | "paused":
            return outcome.with_event(Event.JOB_PAUSED)
        case "cancelled":
            failure = failures.cancelled_elsewhere(job.id, run)
            return outcome.but(failure=failure).with_event(Event.CANCELLED)
        case "failed":
            return outcome.but(failure=failures.of_job(job, run)).with_event(Event.FAILED)
        case "deleted":
            raise jobs.gone(job.id)
        case "succeeded" if job.fine_tuned_model:
            gathered = await jobs.gather_results(job, outcome, ctx)
            return gathered.with_event(Event.JOB_SUCCEEDED)
        case "succeeded":
            return jobs.await_name(job, outcome, ctx)
    return outcome if job.known else outcome.waits(jobs.unknown_status(job))
