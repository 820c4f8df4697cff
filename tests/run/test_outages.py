"""Outages, throttling, odd statuses, things taken away: a run waits, says why, and goes on."""

from datetime import timedelta

import pytest

from shared.run.stages import ENDS, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.harness import on_stack
from tests.support.runs import RunHarness
from tests.support.service_parts import StoredDeployment
from tests.support.service_state import MemoryService

FAULTS = [
    ("unavailable", "files.*"),
    ("throttled", "files.list"),
    ("throttled-ms", "jobs.create"),
    ("throttled-date", "jobs.get"),
    ("error-after", "files.create"),
    ("error-after", "jobs.create"),
    ("reset-after", "jobs.create"),
    ("reset-before", "jobs.create"),
    ("error-before", "jobs.*"),
    ("unavailable", "deployments.*"),
    ("request-conflict", "deployments.put"),
    ("error-after", "deployments.put"),
    ("reset-after", "deployments.put"),
    ("error-before", "chat.create"),
    ("not-ready", None),
]


@pytest.mark.parametrize(("fault", "operation"), FAULTS)
async def test_an_outage_is_waited_for_and_told_and_nothing_is_done_twice(
    harness: RunHarness, service: ServiceControl, fault: str, operation: str | None
) -> None:
    # An unanswered "create job" is given minutes to show itself; here it is there at once.
    harness.set_policy(job_in_flight=timedelta(0))
    service.arm(fault, operation, count=1 if fault == "not-ready" else 2)
    calls = service.calls()
    await harness.drop()
    run = await harness.received()
    if fault == "not-ready":  # it lasts until somebody ends it
        await harness.until(run, Stage.PROBING)
        await harness.tick()
        assert (await harness.known(run.id)).stage is Stage.PROBING
        return
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert service.jobs_of(run.id) == [run.job_id]
    assert (service.uploads(calls), service.files_of(run.id)) == (1, [])
    assert list(service.deployments()).count(str(run.deployment)) == 1
    if operation != "chat.create":  # a probe that fails is a model that is not ready yet
        assert await harness.messages(run, "waiting")


# What cannot strike in one and the same run: a job that is made although its answer is lost.
TOGETHER = [
    [
        ("unavailable", "files.list"),
        ("throttled", "files.list"),
        ("error-after", "files.create"),
        ("unavailable", "files.get"),
        ("error-before", "jobs.list"),
        ("throttled-ms", "jobs.create"),
        ("denied", "jobs.create"),
        ("reset-before", "jobs.create"),
        ("error-after", "jobs.create"),
        ("throttled-date", "jobs.get"),
        ("error-before", "jobs.get"),
        ("denied", "jobs.get"),
        ("unavailable", "deployments.get"),
        ("request-conflict", "deployments.put"),
        ("error-after", "deployments.put"),
        ("error-before", "chat.create"),
    ],
    [
        ("reset-before", "files.create"),
        ("error-before", "jobs.create"),
        ("reset-after", "jobs.create"),
        ("unavailable", "deployments.put"),
        ("reset-after", "deployments.put"),
        ("throttled", "chat.create"),
    ],
]


@on_stack
@pytest.mark.parametrize("faults", TOGETHER, ids=["errors", "resets"])
async def test_every_kind_of_outage_of_the_real_service_in_one_run(
    harness: RunHarness, service: ServiceControl, faults: list[tuple[str, str]]
) -> None:
    """Through the real SDKs, one after the other; each of them strikes."""
    harness.set_policy(job_in_flight=timedelta(0))
    for fault, operation in faults:
        options = {"retry_after": 0} if fault in ("unavailable", "throttled") else {}
        service.arm(fault, operation, **options)
    calls = service.calls()
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert service.struck() == {f"{fault} {operation}": 1 for fault, operation in faults}
    assert service.jobs_of(run.id) == [run.job_id]
    assert service.uploads(calls) == 1
    assert list(service.deployments()).count(str(run.deployment)) == 1
    messages = " ".join(await harness.messages(run, "waiting"))
    assert "Azure OpenAI could not be reached" in messages
    if ("denied", "jobs.get") in faults:
        assert "Cognitive Services OpenAI Contributor" in messages
    await harness.until_inactive()
    assert service.files_of(run.id) == []


async def test_every_dependency_out_at_once(harness: RunHarness, service: ServiceControl) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    for operation in ("files.*", "jobs.*", "deployments.*", "chat.*"):
        service.arm("unavailable", operation, count=3, retry_after=0)
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert service.jobs_of(run.id) == [run.job_id]


async def test_a_run_that_is_told_to_wait_waits_as_long(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("throttled", "files.list", retry_after=300)
    await harness.drop()
    run = await harness.received()
    await harness.tick()
    run = await harness.known(run.id)
    assert run.not_before
    assert timedelta(seconds=290) < run.not_before - harness.ctx.now() < timedelta(seconds=340)
    written, calls = run.etag, service.calls()
    await harness.pause(290)
    await harness.tick()
    assert (await harness.known(run.id)).etag == written
    assert service.calls() == calls
    await harness.pause(50)
    await harness.tick()
    assert (await harness.known(run.id)).stage is not Stage.CHECKED


async def test_a_right_that_is_missing_is_waited_for_and_nothing_is_paid_twice(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    service.arm("denied", "jobs.get")
    await harness.tick()
    run = await harness.known(run.id)
    assert run.stage is Stage.TRAINING
    assert "Cognitive Services OpenAI Contributor" in str(run.waiting_for)
    service.disarm()
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert service.jobs_of(run.id) == [run.job_id]


async def test_losses_that_cannot_be_had_do_not_cost_the_model(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    service.finish_job(str(run.job_id))
    results = service.result_file(str(run.job_id))
    service.delete_file(results)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert any(results in message for message in await harness.messages(run, "service"))


async def test_a_job_gone_from_the_service_ends_the_run_with_words(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    service.cancel_job(str(run.job_id))
    service.delete_job(str(run.job_id))
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "is gone" in run.failure.message
    assert f"tunedrop retry {run.id}" in run.failure.fix


async def test_a_job_cancelled_in_the_portal_is_told_apart_from_a_command(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    service.cancel_job(str(run.job_id))
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    assert run.failure
    assert "outside of Tunedrop" in run.failure.message


@pytest.mark.parametrize(
    ("fault", "blame", "fix"),
    [
        ("job-unsafe-data", "caller", "Take out the examples"),
        ("job-unsafe-model", "caller", "Balance the dataset"),
        ("job-failed", "service", "retry"),
        ("file-error", "caller", "drop the dataset again"),
        ("insufficient-quota", "caller", "quota"),
        ("provisioning-failed", "service", "retry"),
    ],
)
async def test_an_end_says_who_can_act_and_what_to_do(
    harness: RunHarness, service: ServiceControl, fault: str, blame: str, fix: str
) -> None:
    service.arm(fault)
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert run.failure.blame == blame
    assert fix in run.failure.fix


async def test_somebody_elses_deployment_is_neither_touched_nor_deleted(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SERVING)
    # The next version will be 1 again.
    await harness.ctx.clients.models.delete(f"{harness.model}.json")
    await harness.drop(dataset(11, harness.model))
    second = await harness.until(await harness.received(), *ENDS)
    assert second.stage is Stage.FAILED
    assert second.failure
    assert "is taken" in second.failure.message
    assert service.deployments()[str(first.deployment)] == first.fine_tuned_model


async def test_somebody_elses_failed_deployment_is_not_made_again(
    harness: RunHarness, service: ServiceControl
) -> None:
    assert isinstance(service, MemoryService)
    name, now = f"{harness.model}-v1", harness.ctx.now()
    service.deployed[name] = StoredDeployment(name, "of-somebody", now, now, "provisioning-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "is taken" in run.failure.message
    assert service.deployments() == {name: "of-somebody"}
