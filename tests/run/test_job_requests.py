"""The paid job is asked for once: written down before, searched for again, waited for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.cloud.finetuning import BeforeSend
from shared.cloud.remote import JobRequest, RemoteJob
from shared.run import jobs
from shared.run.record import File, Run
from shared.run.spec import effective
from shared.run.stages import ENDS, Stage
from tests.support.control import ServiceControl
from tests.support.limits import limited
from tests.support.runs import RunHarness
from tests.support.settings import SETTINGS


async def test_a_right_that_is_missing_to_start_the_job_is_told_until_it_is_there(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("denied", "jobs.create", count=3)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SUBMITTING)
    for _ in range(2):
        await harness.tick()
        assert "role" in str((await harness.known(run.id)).waiting_for)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert service.jobs_of(run.id) == [run.job_id]


@pytest.mark.parametrize("fault", ["error-before", "error-after"])
async def test_a_service_that_drops_metadata_gets_no_second_job_of_a_run(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Nor is a run given another's job."""
    harness.set_policy(job_in_flight=timedelta(0))
    asked = jobs.request
    monkeypatch.setattr(jobs, "request", lambda run, ctx: replace(asked(run, ctx), metadata={}))
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SERVING)
    await harness.drop(b"hyperparameters: {n_epochs: 1}", "run.yaml")
    second = await harness.received()
    service.arm(fault, "jobs.create")
    second = await harness.until(second, *ENDS)
    assert second.stage is Stage.SERVING, second.failure
    paid = service.jobs_on({first.training.file_id, second.training.file_id})
    assert sorted(paid) == sorted([str(first.job_id), str(second.job_id)])
    assert first.job_id != second.job_id


async def test_a_full_queue_is_asked_less_and_less_often_and_is_told_once(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.declined()
    silent, asked = 0, [service.calls()]
    for _ in range(720):
        await harness.tick()
        run = await harness.known(run.id)
        silent += run.waiting_for is None
        asked.append(service.calls())
        await harness.pause(5)
    assert (len(await harness.messages(run, "waiting")), silent) == (1, 0)
    assert asked[-1] - asked[360] <= 2 * 4  # a search and a question each, in the last half hour
    assert run.tries < 25


async def test_a_job_that_was_not_answered_is_waited_for_before_another_is_asked_for(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("reset-before", "jobs.create")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SUBMITTING)
    asked_at = run.asked_at
    assert asked_at
    run = await harness.until(run, Stage.TRAINING)
    (submitted,) = [moment.at for moment in run.timeline if moment.stage is Stage.SUBMITTED]
    assert submitted - asked_at >= harness.ctx.policy.job_in_flight
    assert service.jobs_of(run.id) == [run.job_id]


async def test_the_intent_is_written_down_before_the_job_is_asked_for(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    run = await harness.received()
    submit = harness.ctx.clients.finetuning.submit
    written: list[Run] = []

    async def asked(request: JobRequest, before_send: BeforeSend) -> RemoteJob:
        written.append(await harness.known(run.id))
        return await submit(request, before_send)

    monkeypatch.setattr(harness.ctx.clients.finetuning, "submit", asked)
    run = await harness.until(run, Stage.TRAINING)
    assert [(known.stage, known.asked_at) for known in written] == [
        (Stage.SUBMITTING, run.asked_at)
    ]
    assert run.asked_at


def test_a_job_is_what_run_yaml_asks_for_and_is_counted_as_that() -> None:
    run_yaml = b"""
base_model: gpt-4o-2024-08-06
method: dpo
training_type: developer
seed: 7
hyperparameters: {n_epochs: 2, beta: 0.5}
"""
    training = File(name="m/training.jsonl", etag="1", size=1, sha256="0" * 64, file_id="file-t")
    run = Run(
        id="m-1",
        model="m",
        spec=effective(run_yaml, SETTINGS),
        training=training,
        validation=training.replace(etag="2", file_id="file-v"),
        trained_tokens=2_000_000,
    )
    ctx = limited().ctx
    asked = jobs.request(run, ctx)
    assert asked.metadata == {"tunedrop_run": "m-1", "tunedrop_app": ctx.app_id}
    assert (asked.base_model, asked.method) == ("gpt-4o-2024-08-06", "dpo")
    assert (asked.training_type, asked.seed) == ("developerTier", 7)
    assert (asked.training_file, asked.validation_file) == ("file-t", "file-v")
    assert asked.hyperparameters == {"n_epochs": 2, "beta": 0.5}
    assert jobs.cost(run, ctx) == pytest.approx(2 * 12.5)


@pytest.mark.parametrize("written", ["llama-3.3-70b", "Llama-3.3-70B-Instruct"])
async def test_a_base_model_is_sent_as_the_service_calls_it(written: str) -> None:
    harness = limited()
    await harness.drop(f"base_model: {written}\n".encode(), "run.yaml")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.UPLOADED, Stage.SUBMITTING, *ENDS)
    assert jobs.request(run, harness.ctx).base_model == "Llama-3.3-70B-Instruct"
