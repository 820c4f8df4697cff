"""A run that has ended is tried again: from the last good stage, with what can still be used."""

import pytest

from shared.errors import Conflict
from shared.run import commands, ledger
from shared.run.outcome import Outcome
from shared.run.record import Action, Failure, Run
from shared.run.stages import ENDS, Event, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.runs import RunHarness


async def test_a_failed_job_is_tried_again_with_its_files_brought_again_and_a_new_job(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("job-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert run.failure.blame == "service"
    first = run.job_id
    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING, Stage.FAILED)
    assert run.stage is Stage.SERVING, run.failure
    assert run.past_jobs == (first,)
    assert sorted(service.jobs_of(run.id)) == sorted([str(first), str(run.job_id)])
    assert service.files_of(run.id) == []


async def test_a_rejected_run_may_be_checked_again(harness: RunHarness) -> None:
    await harness.drop(dataset(9))
    run = await harness.until(await harness.received(), *ENDS)
    assert run.failure
    assert "too-few-examples" in run.failure.message
    run = await harness.command(run, Action.RETRY)
    assert run.stage is Stage.RECEIVED
    assert (await harness.until(run, *ENDS)).stage is Stage.REJECTED


async def failed_with_its_job_alive(harness: RunHarness) -> Run:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    failure = Failure(message="An old version knew no better.", fix="", blame="us")
    await harness.ledger.commit(run, Outcome(run.replace(failure=failure), Event.FAILED))
    return run


async def test_a_retried_run_whose_job_is_alive_follows_it_and_pays_no_other(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await failed_with_its_job_alive(harness)
    run = await harness.command(run, Action.RETRY)  # before a tick has stopped the job
    assert (run.stage, run.past_jobs) == (Stage.SUBMITTED, ())
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert service.jobs_of(run.id) == [run.job_id]


async def test_a_failed_run_whose_job_is_alive_is_stopped(
    harness: RunHarness, service: ServiceControl
) -> None:
    """Whatever made it fail: what is not followed does not go on costing."""
    run = await failed_with_its_job_alive(harness)
    await harness.until_inactive()
    assert [service.job_status(job) for job in service.jobs_of(run.id)] == ["cancelled"]
    assert service.files_of(run.id) == []


async def test_a_retry_while_the_cancelled_deployment_is_deleted_waits_for_that(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("not-ready")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    service.disarm()
    service.configure(deleting_seconds=2.0)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.stage is Stage.SERVING, run.failure


async def test_a_retry_whose_dataset_is_gone_does_not_speak_of_a_newer_one(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("job-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.FAILED)
    await harness.tick()
    await harness.ctx.clients.datasets.delete(f"{harness.model}/training.jsonl")
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.failure
    assert "before anything was sent" not in run.failure.message
    assert "newer drop" not in run.failure.fix


async def test_the_curve_of_a_failed_try_is_not_that_of_the_next(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("job-failed")
    await harness.drop(dataset(100, harness.model))
    run = await harness.until(await harness.received(), Stage.FAILED)
    assert await harness.ledger.document(run.id, ledger.CURVE)
    assert run.progress.step
    service.arm("job-stuck")
    run = await harness.until(await harness.command(run, Action.RETRY), Stage.SUBMITTED)
    step, curve = run.progress.step, await harness.ledger.document(run.id, ledger.CURVE)
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    assert (step, curve) == (None, b"[]")


async def test_a_retry_that_was_not_taken_does_not_stand_alone_in_the_log(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same dataset is dropped again between the log's line and the retry's own write. Who
    retried is told an error."""
    run = await harness.queued()
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    await harness.until_inactive()
    runs, appended = harness.ctx.clients.runs, harness.ctx.clients.runs.append

    async def append(name: str, line: str) -> None:
        await appended(name, line)
        if '"retry"' in line:
            later = run.training.replace(etag="later")
            await harness.ledger.amend(run.id, lambda known: known.with_files(later))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(runs, "append", append)
        with pytest.raises(Conflict):
            await commands.give(run.id, Action.RETRY, "Ada", "because", harness.ctx)
    assert (await harness.known(run.id)).stage is Stage.CANCELLED
    (line,) = [line for line in await harness.log(run) if line["kind"] == "conflict"]
    assert line["message"] == "retry was not taken: the run was changed by another"
    assert line["who"] == "Ada"
    service.disarm()
    await harness.until(await harness.command(run, Action.RETRY), Stage.SERVING)
