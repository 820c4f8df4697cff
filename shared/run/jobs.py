"""A run's job at the service: asked for once, found again, read out as it goes.

Knows what a job's answers mean for its run, not which stage comes next.
"""

import csv
import io
import json
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil, isfinite
from typing import TypeVar

from shared.cloud import Cloud
from shared.cloud.finetuning import JobRequest, Metric, RemoteJob
from shared.dataset.measure.cost import TrainingPlan, billed
from shared.errors import Refused, ServiceError, Unavailable
from shared.run.ledger import Ledger
from shared.run.record import Epoch, File, Progress, Run, now

T = TypeVar("T")

CURVE = "curve.json"  # the losses of every step seen so far, beside the run
# The longest that an unanswered "create job" may still be on its way.
IN_FLIGHT = timedelta(minutes=2)
ENOUGH = 5  # looks in a row at what a run can do without; then it goes on without
RESULTS = "metrics.csv"  # the service's own table, once the job has ended


def request(run: Run) -> JobRequest:
    return JobRequest(
        base_model=run.spec.base_model,
        method=run.spec.method,
        training_file=_file_id(run.training),
        validation_file=_file_id(run.validation) if run.validation else None,
        training_type=run.spec.training_type,
        suffix=run.model[:18],  # the shortest of the limits that Azure's pages give
        seed=run.spec.seed,
        hyperparameters=run.spec.hyperparameters.chosen(),
        metadata=_metadata(run),
    )


async def settle(run: Run, cloud: Cloud) -> bool:
    """Find out what became of a job that was asked for by somebody who did not live, or was not
    answered, to write it down: `run.job_id` is it, if there is one. False while it is too early to
    tell."""
    if run.job_id or not run.submitting_since:
        return True
    training_file = run.training.file_id
    job = await cloud.finetuning.find_job(_metadata(run), training_file, run.past_jobs)
    if job:
        run.job_id = job.id
    elif now() - run.submitting_since < IN_FLIGHT:
        return False
    else:
        run.submitting_since = None
    return True


async def read(run: Run, cloud: Cloud) -> RemoteJob:
    """Raises Refused if the job is gone."""
    assert run.job_id, "a run becomes submitted by having one"
    job = await cloud.finetuning.job(run.job_id)
    if job is None:
        raise Refused(f"The job {run.job_id} is gone: somebody has deleted it.")
    return job


async def alive(run: Run, cloud: Cloud) -> bool:
    """Whether the run has a job that goes on or has succeeded, whatever became of the run."""
    job = await _without_result(run, cloud)
    return job is not None and job.status not in ("failed", "cancelled")


async def goes_on(run: Run, cloud: Cloud) -> bool:
    """Whether the run has a job that has not ended."""
    job = await _without_result(run, cloud)
    return job is not None and not job.ended


async def _without_result(run: Run, cloud: Cloud) -> RemoteJob | None:
    """The run's job, as long as nothing has come of it."""
    asked = run.job_id and not run.fine_tuned_model
    return await cloud.finetuning.job(str(run.job_id)) if asked else None


async def end(run: Run, cloud: Cloud) -> bool:
    """See to it that the run has no job that goes on; False if it still has one."""
    if not await settle(run, cloud):
        return False
    if not await goes_on(run, cloud):
        return True
    with suppress(Refused):  # it has just ended by itself
        await cloud.finetuning.cancel(str(run.job_id))
    return not await goes_on(run, cloud)


async def note_progress(job: RemoteJob, run: Run, cloud: Cloud) -> None:
    """Keep how far the job is, and its losses as a curve beside the run."""
    recent = await listen(job, run, cloud)
    newest = recent[-1] if recent else None
    moved = newest is not None and newest.step != run.progress.step
    if moved:
        known = await Ledger(cloud.runs).document(run.id, CURVE)
        await _keep_curve([*_points(known), *recent], run, cloud)
    run.progress = Progress(
        step=newest.step if newest else None,
        total_steps=_total_steps(job, run),
        train_loss=newest.train_loss if newest else None,
        valid_loss=newest.valid_loss if newest else run.progress.valid_loss,
        estimated_finish=_time(job.estimated_finish),
        changed_at=now() if moved else run.progress.changed_at,
    )


async def listen(job: RemoteJob, run: Run, cloud: Cloud) -> list[Metric]:
    """Put what the service has newly said of the job into the run's log; the latest steps' losses,
    oldest first."""
    events = await _if_possible(cloud.finetuning.recent_events(job.id), run, cloud) or []
    heard = next((n for n, event in enumerate(events, 1) if event.id == run.heard), 0)
    for event in events[heard:]:
        if not event.metric:
            await Ledger(cloud.runs).tell(run, "service", event.says)
    run.heard = events[-1].id if events else run.heard
    return sorted((e.metric for e in events if e.metric), key=lambda metric: metric.step)


async def gather_results(job: RemoteJob, run: Run, cloud: Cloud) -> None:
    """Keep the trained model and, as far as they can be had, the losses: of each epoch in the run,
    the service's table of steps beside it."""
    run.fine_tuned_model = job.fine_tuned_model
    run.trained_tokens = job.trained_tokens
    run.progress.total_steps = _total_steps(job, run)
    checkpoints = await _if_possible(cloud.finetuning.checkpoints(job.id), run, cloud)
    run.epochs = [
        Epoch(
            step=c.step, train_loss=c.train_loss, valid_loss=c.valid_loss, checkpoint=c.checkpoint
        )
        for c in checkpoints or []
    ]
    if job.result_file:
        table = await _if_possible(cloud.finetuning.text(job.result_file), run, cloud)
        await _keep_results(table or "", run, cloud)


async def _keep_results(table: str, run: Run, cloud: Cloud) -> None:
    steps = results(table)
    if steps:
        await Ledger(cloud.runs).keep(run, RESULTS, table.encode(), "text/csv")
        await _keep_curve(steps, run, cloud)
        run.progress.step = steps[-1].step


async def _if_possible(asked: Awaitable[T], run: Run, cloud: Cloud) -> T | None:
    """What a run can do without: its log says why it has to, and the run goes on.

    What is only unavailable is asked for ENOUGH times before that.
    """
    try:
        return await asked
    except ServiceError as error:
        if isinstance(error, Unavailable) and run.tries < ENOUGH:
            raise
        if str(error) != run.missing:
            await Ledger(cloud.runs).tell(run, "service", str(error))
        run.missing = str(error)
        return None


def cost(run: Run) -> float:
    """USD at list price for what a job was billed for; 0 where the price is not known."""
    plan = TrainingPlan(base_model=run.spec.base_model, training_type=run.spec.training_type)
    return billed(run.trained_tokens or 0, plan)


def results(table: str) -> list[Metric]:
    """The steps of the service's results.csv; what it has not measured (-1 or nothing) is None.

    A row without a step is left out, and a table of another shape has none.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(table)))
    except csv.Error:
        return []
    return [
        Metric(int(step), _number(row, "train_loss"), _number(row, "valid_loss"))
        for row in rows
        if (step := _number(row, "step")) is not None
    ]


def _number(row: dict[str, str], column: str) -> float | None:
    try:
        value = float(row.get(column) or "")
    except ValueError:
        return None
    return value if value >= 0 and isfinite(value) else None


async def forget_curve(run: Run, cloud: Cloud) -> None:
    """What is there was another job's."""
    await _keep_curve([], run, cloud)


async def _keep_curve(points: Iterable[Metric], run: Run, cloud: Cloud) -> None:
    by_step = {point.step: point for point in points}
    rows = [
        {"step": p.step, "train_loss": p.train_loss, "valid_loss": p.valid_loss}
        for _, p in sorted(by_step.items())
    ]
    await Ledger(cloud.runs).keep(run, CURVE, json.dumps(rows).encode(), "application/json")


def _points(curve: bytes | None) -> list[Metric]:
    return [Metric(**point) for point in json.loads(curve or b"[]")]


def _metadata(run: Run) -> dict[str, str]:
    return {"tunedrop_run": run.id}


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
