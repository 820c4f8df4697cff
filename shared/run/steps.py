"""One function per active stage: look, do at most one thing, and say what was seen.

A step returns None when there is nothing new yet; the keeper then calls it again at a later tick.
It may be killed at any await and called again: before an outside change that must not happen
twice, the outside is searched for the one that may have happened already.
Knows what to do in a stage, not which stage comes next (`stages`) or when (`keeper`).
"""

import asyncio
import csv
import io
import json
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from shared.cloud import Cloud
from shared.cloud.finetuning import JobRequest, RemoteFile, RemoteJob
from shared.errors import Changed, Refused
from shared.model import hosting
from shared.model.registry import Registry, Version
from shared.run.ledger import Epoch, File, Ledger, Progress, Run, now
from shared.run.stages import Seen, Stage

if TYPE_CHECKING:
    from shared.dataset.cost import Plan
    from shared.dataset.scan import Scan, Scanned

PATIENCE = 5  # seconds that a step waits for a file to be processed before it leaves it for a tick
IN_FLIGHT = timedelta(
    minutes=2
)  # the longest that an unanswered "create job" may still be on its way

Step = Callable[[Run, Cloud], Awaitable[Seen | None]]


async def check(run: Run, cloud: Cloud) -> Seen | None:
    """received: read every file, write the report."""
    try:
        scanned = [await _scan(file, run, cloud) for file in run.files]
    except Changed:
        return await _replaced(run, cloud)
    ledger = Ledger(cloud.runs)
    for file, found in zip(run.files, scanned, strict=True):
        file.examples = found.examples
    told = await asyncio.to_thread(_judge, run, scanned)
    await ledger.keep(run, "report.html", told.page, "text/html")
    await ledger.keep(run, "report.json", told.data, "application/json")  # last: it says "complete"
    await ledger.tell(run, "check", told.summary)
    return Seen.BAD if told.rejected else Seen.GOOD


async def upload(run: Run, cloud: Cloud) -> Seen | None:
    """checked: bring the files to the service and wait until it has processed them."""
    try:
        remote = [await _bring(file, run, cloud) for file in run.files]
    except Changed:
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
    if run.submitting_since:
        job = await cloud.finetuning.find_job(_metadata(run), _file_id(run.training))
        if job:
            run.job_id = job.id
            await ledger.tell(run, "job", f"found {job.id}, started by an earlier try")
            return Seen.ACCEPTED
        if now() - run.submitting_since < IN_FLIGHT:
            return None
    run.submitting_since = now()
    await ledger.save(run)
    try:
        job = await cloud.finetuning.submit(_job_request(run))
    except Refused:
        run.submitting_since = None
        raise
    run.job_id = job.id
    await ledger.tell(run, "job", f"started {job.id} on {run.spec.base_model}")
    return Seen.ACCEPTED


async def await_start(run: Run, cloud: Cloud) -> Seen | None:
    """submitted: has the job left the queue?"""
    job = await _job(run, cloud)
    return Seen.STARTED if job.status == "running" else await _end(job, run, cloud)


async def follow(run: Run, cloud: Cloud) -> Seen | None:
    """training: how far is the job?"""
    job = await _job(run, cloud)
    if job.ended:
        return await _end(job, run, cloud)
    metric = await cloud.finetuning.newest_metric(job.id)
    run.progress = Progress(
        step=metric.step if metric else None,
        total_steps=_total_steps(job, run),
        train_loss=metric.train_loss if metric else None,
        valid_loss=metric.valid_loss if metric else None,
        estimated_finish=_time(job.estimated_finish),
    )
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
    )
    run.version, run.deployment = version.version, version.deployment
    await hosting.request(cloud.deployments, version)
    return Seen.REQUESTED


async def await_deployment(run: Run, cloud: Cloud) -> Seen | None:
    """deploying: does the control plane say that the deployment is ready?"""
    ready = await hosting.state(cloud.deployments, await _version(run, cloud))
    return Seen.PROVISIONED if ready is hosting.Hosting.READY else None


async def probe(run: Run, cloud: Cloud) -> Seen | None:
    """probing: does the model really answer? Then it becomes the champion."""
    version = await _version(run, cloud)
    if await hosting.probe(cloud.finetuning, version) is not hosting.Hosting.READY:
        return None
    await Registry(cloud.models).promote(run.model, version.version)
    return Seen.ANSWERED


STEPS: dict[Stage, Step] = {
    Stage.RECEIVED: check,
    Stage.CHECKED: upload,
    Stage.UPLOADED: submit,
    Stage.SUBMITTED: await_start,
    Stage.TRAINING: follow,
    Stage.TRAINED: deploy,
    Stage.DEPLOYING: await_deployment,
    Stage.PROBING: probe,
}


# ---- files


async def _scan(file: File, run: Run, cloud: Cloud) -> "Scanned":
    """Read one file through the checks; the work is done off the event loop."""
    scan = await asyncio.to_thread(_new_scan, file, run)
    async for chunk in cloud.datasets.stream(file.name, file.etag):
        await asyncio.to_thread(scan.feed, chunk)
    return await asyncio.to_thread(scan.finish)


def _new_scan(file: File, run: Run) -> "Scan":
    from shared.dataset.examples import Role
    from shared.dataset.scan import Scan  # numpy and the tokenizer: a chat never needs them

    return Scan(file.name, Role.TRAINING if file is run.training else Role.VALIDATION, _plan(run))


def _plan(run: Run) -> "Plan":
    from shared.dataset.cost import Plan

    spec = run.spec
    return Plan(
        base_model=spec.base_model,
        method=spec.method,
        training_type=spec.training_type,
        epochs=spec.hyperparameters.n_epochs,
        budget=spec.budget,
        developer_hosting=spec.deployment.sku.lower().startswith("developer"),
    )


class Told(NamedTuple):
    page: bytes
    data: bytes
    summary: str
    rejected: bool


def _judge(run: Run, scanned: "list[Scanned]") -> Told:
    from shared.dataset import page, report
    from shared.dataset.verdict import judge

    verdict = judge(scanned, _plan(run), now().date())
    return Told(
        page=page.as_html(run.id, verdict).encode(),
        data=json.dumps(report.as_json(run.id, verdict), indent=2, ensure_ascii=False).encode(),
        summary=report.summary(verdict),
        rejected=verdict.rejected,
    )


async def _replaced(run: Run, cloud: Cloud) -> Seen | None:
    """A file is not the one that the run began with: other content, or the same once more?"""
    for file in run.files:
        blob = await cloud.datasets.info(file.name)
        if blob is None or await cloud.datasets.sha256(blob) != file.sha256:
            return Seen.REPLACED
        file.etag = blob.etag
    return None


async def _bring(file: File, run: Run, cloud: Cloud) -> RemoteFile:
    """The file at the service: the one known, one left by an earlier try, or a new upload.

    Its name there is made from its content, so that a file is found whoever has sent it.
    """
    if file.file_id:
        return await cloud.finetuning.file(file.file_id)
    name = f"{run.model}-{file.sha256[:16]}.jsonl"
    remote = await cloud.finetuning.find_file(name)
    if remote is None:
        with tempfile.TemporaryFile() as copy:
            async for chunk in cloud.datasets.stream(file.name, file.etag):
                await asyncio.to_thread(copy.write, chunk)
            copy.seek(0)
            remote = await cloud.finetuning.upload(name, copy)
    file.file_id = remote.id
    return remote


async def _processed(file: RemoteFile, cloud: Cloud) -> bool:
    """Raises Refused if the service has found the file unusable."""
    give_up = now() + timedelta(seconds=PATIENCE)
    while file.status != "processed":
        if file.status in ("error", "deleted"):
            raise Refused(
                f"The service could not use {file.name}: {file.status} {file.detail}".strip(),
                "Read the message, correct the dataset and drop it again.",
            )
        if now() > give_up:
            return False
        await asyncio.sleep(0.2)
        file = await cloud.finetuning.file(file.id)
    return True


# ---- jobs


def _metadata(run: Run) -> dict[str, str]:
    return {"tunedrop_run": run.id}


def _file_id(file: File) -> str:
    assert file.file_id, "a run becomes uploaded by having these"
    return file.file_id


def _job_request(run: Run) -> JobRequest:
    return JobRequest(
        base_model=run.spec.base_model,
        training_file=_file_id(run.training),
        validation_file=_file_id(run.validation) if run.validation else None,
        training_type=run.spec.training_type,
        suffix=run.model[:18],  # the shortest of the limits that Azure's pages give
        seed=run.spec.seed,
        hyperparameters=run.spec.hyperparameters.chosen(),
        metadata=_metadata(run),
    )


async def _job(run: Run, cloud: Cloud) -> RemoteJob:
    assert run.job_id, "a run becomes submitted by having one"
    return await cloud.finetuning.job(run.job_id)


async def _end(job: RemoteJob, run: Run, cloud: Cloud) -> Seen | None:
    """What a job's end means for its run. Raises Refused for a failed job."""
    if job.status == "cancelled":
        return Seen.CANCELLED
    if job.status == "failed":
        raise Refused(
            f"The job {job.id} failed: {job.error_message or job.error_code or 'no reason given'}",
            "Correct what it names and drop the dataset again.",
            code=job.error_code,
        )
    if job.status == "succeeded" and job.fine_tuned_model:
        await _gather_results(job, run, cloud)
        run.fine_tuned_model = job.fine_tuned_model
        run.trained_tokens = job.trained_tokens
        return Seen.SUCCEEDED
    return None


def _total_steps(job: RemoteJob, run: Run) -> int | None:
    """Azure tells epochs and batch size once it has decided them, and never the steps."""
    if not (job.n_epochs and job.batch_size and run.training.examples):
        return None
    return ceil(run.training.examples / job.batch_size) * job.n_epochs


def _time(epoch_seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(epoch_seconds, UTC) if epoch_seconds else None


async def _gather_results(job: RemoteJob, run: Run, cloud: Cloud) -> None:
    """Keep the loss of each epoch in the run and the service's table of steps beside it."""
    checkpoints = await cloud.finetuning.checkpoints(job.id)
    run.epochs = [
        Epoch(step=c.step, train_loss=c.train_loss, valid_loss=c.valid_loss) for c in checkpoints
    ]
    if job.result_file:
        table = await cloud.finetuning.text(job.result_file)
        await Ledger(cloud.runs).keep(run, "metrics.csv", table.encode(), "text/csv")
        last = list(csv.DictReader(io.StringIO(table)))[-1:]
        run.progress.step = int(last[0]["step"]) if last else run.progress.step
    run.progress.total_steps = _total_steps(job, run)


async def _version(run: Run, cloud: Cloud) -> Version:
    assert run.version, "a run becomes deploying by having one"
    model = await Registry(cloud.models).load(run.model)
    if model is None:
        raise Refused(f"The record of model {run.model} is gone from {cloud.models.name}.")
    return model.version(run.version)
