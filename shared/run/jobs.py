"""A run's job at the service: found again, read out as it goes, ended.

Knows what a job's answers mean for its run, not which stage comes next.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TypeVar

from shared.catalog import lookup
from shared.cloud.remote import JobRequest, Metric, RemoteJob
from shared.errors import Refused, ServiceError, Unavailable, Unreadable
from shared.printable import shown
from shared.run import estimates
from shared.run.context import Context
from shared.run.ledger import CURVE
from shared.run.outcome import LogLine, Outcome
from shared.run.record import Epoch, File, Progress, Run
from shared.run.results import at_ends_of_epochs, read_results
from shared.run.stages import Stage

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_POINTS = 10_000  # of a curve: it is parsed on the event loop, at each tick and each look
LOST = ("failed", "cancelled", "deleted")  # ends of a job without a model
RESULTS = "metrics.csv"  # the service's own table, once the job has ended


# ---- asked for once, found again, ended


def request(run: Run, ctx: Context) -> JobRequest:
    return JobRequest(
        base_model=lookup.service_name(run.spec.base_model),
        method=run.spec.method,
        training_file=_file_id(run.training),
        validation_file=_file_id(run.validation) if run.validation else None,
        training_type=run.spec.training_type,
        suffix=run.model[:18],  # the shortest of the limits that Azure's pages give
        seed=run.spec.seed,
        hyperparameters=run.spec.hyperparameters.chosen(),
        metadata=_metadata(run, ctx) | _digests(run),
    )


async def find(run: Run, ctx: Context) -> RemoteJob | None:
    """The job that was made for this attempt of the run, by whichever worker, written down or not.

    Every "create job" comes after this search: the record may be older than what was done, where a
    worker has died or storage has lost a write.
    """
    training_file = run.training.file_id
    return await ctx.clients.finetuning.find_job(
        _metadata(run, ctx), training_file, run.past_jobs, _digests(run)
    )


def in_flight(run: Run, ctx: Context) -> bool:
    """Whether a "create job" that was not answered may still be on its way."""
    return run.asked_at is not None and ctx.now() - run.asked_at < ctx.policy.job_in_flight


async def read(run: Run, ctx: Context) -> RemoteJob:
    """Raises Refused if the job is gone."""
    assert run.job_id, "a run becomes submitted by having one"
    job = await ctx.clients.finetuning.job(run.job_id)
    if job is None:
        raise gone(run.job_id)
    return job


def gone(job_id: str) -> Refused:
    return Refused(f"The job {job_id} is gone: somebody has deleted it.")


def unknown_status(job: RemoteJob) -> str:
    return (
        f"Azure OpenAI says {shown(job.status)} of the job {job.id}, a status that this app does "
        "not know. The job is followed as one that goes on; look at it in the portal."
    )


def await_name(job: RemoteJob, outcome: Outcome, ctx: Context) -> Outcome:
    """The job has succeeded and its model has no name yet. Raises Refused after hours of that."""
    run, hours = outcome.run, ctx.policy.model_name_wait / timedelta(hours=1)
    if ctx.policy.nameless_for_too_long(run, ctx.awake_since, ctx.now()):
        raise Refused(
            f"The job {job.id} has succeeded, and Azure OpenAI has not told for {hours:g} hours "
            "which model it has made.",
            f"Ask Azure's support, with the job's id. `tunedrop retry {run.id}` follows the same "
            "job again; nothing is paid for twice.",
        )
    since = run.nameless_since or ctx.now()
    return outcome.but(nameless_since=since).waits(
        f"The job {job.id} has succeeded; Azure OpenAI has yet to tell the name of its model. "
        f"Nobody has to do anything; the run ends if there is none for {hours:g} hours."
    )


async def alive(run: Run, ctx: Context) -> bool:
    """Whether the run has a job that goes on or has succeeded, whatever became of the run."""
    job = await _without_result(run, ctx)
    return job is not None and job.status not in LOST


async def goes_on(run: Run, ctx: Context) -> bool:
    """Whether the run has a job that has not ended."""
    job = await _without_result(run, ctx)
    return job is not None and not job.ended


async def end(run: Run, ctx: Context) -> tuple[Run, bool]:
    """See to it that the run has no job that goes on; the run, with the job if it has turned out
    to have one, and whether that is so by now."""
    run = await _with_its_job(run, ctx)
    if run.job_id is None and in_flight(run, ctx):
        return run, False
    if await goes_on(run, ctx):
        with suppress(Refused):  # it has just ended by itself
            await ctx.clients.finetuning.cancel(str(run.job_id))
    return run, not await goes_on(run, ctx)


async def _with_its_job(run: Run, ctx: Context) -> Run:
    if run.job_id:
        return run
    job = await find(run, ctx)
    return run.replace(job_id=job.id) if job else run


async def _without_result(run: Run, ctx: Context) -> RemoteJob | None:
    """The run's job, as long as nothing has come of it."""
    if run.job_id is None or run.fine_tuned_model:
        return None
    return await ctx.clients.finetuning.job(run.job_id)


# ---- read out as it goes


async def note_progress(job: RemoteJob, run: Run, ctx: Context) -> Outcome:
    """How far the job is; its losses are kept as a curve beside the run."""
    outcome, recent = await listen(job, run, ctx)
    newest = recent[-1] if recent else None
    moved = newest is not None and newest.step != run.progress.step
    if moved:
        await _keep_curve([*await _known_points(run, ctx), *recent], run, ctx)
    progress = Progress(
        step=newest.step if newest else None,
        total_steps=_total_steps(job, run),
        train_loss=newest.train_loss if newest else None,
        valid_loss=newest.valid_loss if newest else run.progress.valid_loss,
        estimated_finish=_time(job.estimated_finish),
        changed_at=ctx.now() if moved else run.progress.changed_at,
    )
    return outcome.but(progress=progress)


async def listen(job: RemoteJob, run: Run, ctx: Context) -> tuple[Outcome, list[Metric]]:
    """What the service has newly reported of the job, for the run's log; the latest steps' losses,
    oldest first."""
    outcome, events = await _optional(
        ctx.clients.finetuning.recent_events(job.id), Outcome(run), ctx
    )
    events = events or []
    known = next((n for n, event in enumerate(events, 1) if event.id == run.last_event_id), 0)
    lines = [LogLine("service", event.message) for event in events[known:] if not event.metric]
    if events:
        outcome = outcome.but(*lines, last_event_id=events[-1].id)
    return outcome, sorted((e.metric for e in events if e.metric), key=lambda metric: metric.step)


async def gather_results(job: RemoteJob, outcome: Outcome, ctx: Context) -> Outcome:
    """The trained model and, as far as they can be had, the losses: of each epoch in the run, the
    service's table of steps beside it."""
    service = ctx.clients.finetuning
    outcome, checkpoints = await _optional(service.checkpoints(job.id), outcome, ctx)
    table = None
    if job.result_file:
        outcome, table = await _optional(service.text(job.result_file), outcome, ctx)
    run = outcome.run
    steps = await asyncio.to_thread(read_results, table or "")
    if table and steps:
        await ctx.ledger.keep(run.id, RESULTS, table.encode(), "text/csv")
        await _keep_curve(steps, run, ctx)
    progress = run.progress.replace(total_steps=_total_steps(job, run))
    return outcome.but(
        fine_tuned_model=job.fine_tuned_model,
        trained_tokens=job.trained_tokens,
        progress=progress.replace(step=steps[-1].step) if steps else progress,
        epochs=_epochs(job, run, checkpoints or []),
    )


async def _optional(
    asked: Awaitable[T], outcome: Outcome, ctx: Context
) -> tuple[Outcome, T | None]:
    """What a run can do without: its log says why it has to, and the run goes on.

    What is only unavailable is asked for some times before that.
    """
    run = outcome.run
    try:
        return outcome, await asked
    except ServiceError as error:
        if isinstance(error, Unavailable) and run.tries < ctx.policy.optional_tries:
            raise
        lines = [LogLine("service", str(error))] if str(error) != run.last_warning else []
        return outcome.but(*lines, last_warning=str(error)), None


def cost(run: Run, ctx: Context) -> float:
    """USD at list price for what a job was billed for; 0 where the price is not known."""
    return estimates.billed_usd(run, ctx.region) or 0.0


async def clear_curve(run: Run, ctx: Context) -> None:
    """What is there was another job's."""
    await _keep_curve([], run, ctx)


async def _keep_curve(points: Iterable[Metric], run: Run, ctx: Context) -> None:
    data = await asyncio.to_thread(_curve, points)
    await ctx.ledger.keep(run.id, CURVE, data, "application/json")


def _curve(points: Iterable[Metric]) -> bytes:
    by_step = {point.step: point for point in points}
    steps = sorted(by_step)
    while len(steps) > MOST_POINTS:
        steps = steps[(len(steps) - 1) % 2 :: 2]  # the newest is among them
    rows = [
        {"step": p.step, "train_loss": p.train_loss, "valid_loss": p.valid_loss}
        for p in map(by_step.__getitem__, steps)
    ]
    return json.dumps(rows).encode()


async def _known_points(run: Run, ctx: Context) -> list[Metric]:
    """A curve that cannot be read begins anew: no run waits for it."""
    try:
        points = await ctx.ledger.curve(run.id)
    except Unreadable as error:
        log.error("%s", error)
        return []
    return [Metric(point.step, point.train_loss, point.valid_loss) for point in points]


def _epochs(job: RemoteJob, run: Run, checkpoints: Sequence[Metric]) -> tuple[Epoch, ...]:
    last = max((checkpoint.step for checkpoint in checkpoints), default=0)
    paused = any(moment.stage is Stage.PAUSED for moment in run.timeline)
    ends = at_ends_of_epochs(checkpoints, job.n_epochs, last, paused)
    return tuple(Epoch(**asdict(checkpoint)) for checkpoint in ends)


def _metadata(run: Run, ctx: Context) -> dict[str, str]:
    """What tells a run's job from all others, also from those of another app on this resource."""
    return {"tunedrop_run": run.id, "tunedrop_app": ctx.app_id}


def _digests(run: Run) -> dict[str, str]:
    """The digest of the data that a job is made from, which its metadata tell at the service."""
    named = {"tunedrop_training_sha256": run.training, "tunedrop_validation_sha256": run.validation}
    return {key: file.content_sha256 for key, file in named.items() if file and file.content_sha256}


def _file_id(file: File) -> str:
    assert file.file_id, "a run becomes uploaded by having these"
    return file.file_id


def _total_steps(job: RemoteJob, run: Run) -> int | None:
    """Azure tells epochs and batch size once it has decided them, and never the steps."""
    if not (job.n_epochs and job.batch_size and run.training.examples):
        return None
    return ceil(run.training.examples / job.batch_size) * job.n_epochs


def _time(epoch_seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(epoch_seconds, UTC) if epoch_seconds else None
