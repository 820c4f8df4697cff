"""Outages, throttling, odd statuses, things taken away: a run waits, says why, and goes on."""

import asyncio
import re
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.cloud import AzureClients
from shared.run import jobs, reconciler
from shared.run.context import Context
from shared.run.stages import ENDS, Stage
from tests.conftest import Loop, wait_for
from tests.support.datasets import dataset
from tests.support.faults import Faults
from tests.support.runs import RunHarness


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
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
    ],
)
async def test_an_outage_is_waited_for_and_told_and_nothing_is_done_twice(
    loop: Loop,
    harness: RunHarness,
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    operation: str | None,
) -> None:
    # An unanswered "create job" is given minutes to show itself; here it is there at once.
    harness.set_policy(job_in_flight=timedelta(0))
    faults.arm(fault, operation, count=1 if fault == "not-ready" else 2)
    calls = loop.calls()
    await harness.drop()
    run = await harness.received()
    if fault == "not-ready":  # it lasts until somebody ends it
        await harness.until(run, Stage.PROBING)
        await reconciler.tick(harness.ctx)
        assert (await harness.known(run.id)).stage is Stage.PROBING
        return
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert loop.jobs_of(run.id) == [run.job_id]
    assert (loop.uploads(calls), loop.files_of(run.id)) == (1, [])
    deployments = [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]
    assert deployments.count(run.deployment) == 1
    if operation != "chat.create":  # a probe that fails is a model that is not ready yet
        told = [line["message"] for line in await harness.log(run) if line["kind"] == "waiting"]
        assert told


async def test_every_dependency_out_at_once(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    for operation in ("files.*", "jobs.*", "deployments.*", "chat.*"):
        faults.arm("unavailable", operation, count=3, retry_after=0)
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert loop.jobs_of(run.id) == [run.job_id]


async def test_a_run_that_is_told_to_wait_waits_as_long(
    harness: RunHarness, faults: Faults
) -> None:
    faults.arm("throttled", "files.list", retry_after=300)
    await harness.drop()
    run = await harness.received()
    await reconciler.tick(harness.ctx)
    run = await harness.known(run.id)
    assert run.not_before
    assert timedelta(seconds=290) < run.not_before - harness.ctx.now() < timedelta(seconds=340)
    written = run.etag
    await reconciler.tick(harness.ctx)
    assert (await harness.known(run.id)).etag == written


async def test_a_right_that_is_missing_is_waited_for_and_told_and_nothing_is_paid_twice(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    faults.arm("denied", "jobs.get")
    await reconciler.tick(harness.ctx)
    run = await harness.known(run.id)
    assert run.stage is Stage.TRAINING
    assert "Cognitive Services OpenAI Contributor" in str(run.waiting_for)
    faults.disarm()
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert loop.jobs_of(run.id) == [run.job_id]


async def test_an_app_that_nobody_vouches_for_waits_and_says_so(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    run = await harness.received()
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/nobody")
    keyless = replace(harness.ctx.settings, openai_key="")
    async with AzureClients(keyless) as clients:
        ctx = Context.of(clients)
        await reconciler.tick(ctx)
    run = await harness.known(run.id)
    assert run.stage is Stage.CHECKED
    assert "There is no token" in str(run.waiting_for) or "identity" in str(run.waiting_for)


async def test_an_account_that_does_not_exist_ends_the_run_with_words(harness: RunHarness) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As Resource Manager does for whatever lies below a resource that is not there."""
        request = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", request, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        body = b'{"error": {"code": "ResourceNotFound", "message": "It was not found."}}'
        head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as nobody:
        url = f"http://127.0.0.1:{nobody.sockets[0].getsockname()[1]}"
        settings = replace(harness.ctx.settings, arm_endpoint=url, account="nobody")
        async with AzureClients(settings) as clients:
            ctx = Context.of(clients)
            while not run.ended:
                await reconciler.tick(ctx)
                run = await harness.known(run.id)
    assert run.failure
    assert "no account nobody" in run.failure.message
    assert "AZURE_OPENAI_ACCOUNT" in run.failure.fix


async def test_losses_that_cannot_be_had_do_not_cost_the_model(
    loop: Loop, harness: RunHarness
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    job = wait_for(lambda: succeeded(loop, str(run.job_id)))
    loop.service.files.delete(job.result_files[0])
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    said = [line["message"] for line in await harness.log(run) if line["kind"] == "service"]
    assert any(job.result_files[0] in message for message in said)


def succeeded(loop: Loop, job_id: str) -> Any:
    job = loop.service.fine_tuning.jobs.retrieve(job_id)
    return job if job.status == "succeeded" else None


async def test_a_job_gone_from_the_service_ends_the_run_with_words(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    run = await harness.queued(faults)
    loop.service.fine_tuning.jobs.cancel(str(run.job_id))
    loop.delete_job(str(run.job_id))
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "is gone" in run.failure.message
    assert f"tunedrop retry {run.id}" in run.failure.fix


async def test_a_job_cancelled_in_the_portal_is_told_apart_from_an_order(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    run = await harness.queued(faults)
    loop.service.fine_tuning.jobs.cancel(str(run.job_id))
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
        ("file-error", "service", "drop the dataset again"),
        ("insufficient-quota", "caller", "quota"),
        ("provisioning-failed", "service", "retry"),
    ],
)
async def test_an_end_says_whose_move_it_is_and_what_to_do(
    harness: RunHarness, faults: Faults, fault: str, blame: str, fix: str
) -> None:
    faults.arm(fault)
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert run.failure.blame == blame
    assert fix in run.failure.fix


@pytest.mark.parametrize("fault", ["error-before", "error-after"])
async def test_a_service_that_drops_metadata_gets_no_second_job_and_no_run_anothers(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    asked = jobs.request
    monkeypatch.setattr(jobs, "request", lambda run: replace(asked(run), metadata={}))
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SERVING)
    await harness.drop(b"hyperparameters: {n_epochs: 1}", "run.yaml")
    second = await harness.received()
    faults.arm(fault, "jobs.create")
    second = await harness.until(second, *ENDS)
    assert second.stage is Stage.SERVING, second.failure
    ours = {first.training.file_id, second.training.file_id}
    paid = [j.id for j in loop.service.fine_tuning.jobs.list() if j.training_file in ours]
    assert sorted(paid) == sorted([str(first.job_id), str(second.job_id)])
    assert first.job_id != second.job_id


async def test_somebody_elses_deployment_is_neither_touched_nor_deleted(
    loop: Loop, harness: RunHarness
) -> None:
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SERVING)
    await harness.ctx.clients.models.delete(
        f"{harness.model}.json"
    )  # the next version will be 1 again
    await harness.drop(dataset(11, harness.model))
    second = await harness.until(await harness.received(), *ENDS)
    assert second.stage is Stage.FAILED
    assert second.failure
    assert "is taken" in second.failure.message
    there = loop.control.deployments.get(GROUP, ACCOUNT, str(first.deployment))
    assert there.properties
    assert there.properties.model
    assert there.properties.model.name == first.fine_tuned_model


async def test_a_full_queue_is_asked_less_and_less_often_and_is_told_once(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.set_policy(job_in_flight=timedelta(seconds=0.3))  # of two minutes
    faults.set(queue_limit=0)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SUBMITTING)
    until = time.monotonic() + 5
    silent = 0
    while time.monotonic() < until:
        await reconciler.tick(harness.ctx)
        run = await harness.known(run.id)
        silent += run.waiting_for is None
        await asyncio.sleep(0.05)
    told = [line for line in await harness.log(run) if line["kind"] == "waiting"]
    assert (len(told), silent) == (1, 0), (len(told), silent, run.tries)


async def test_a_right_that_is_missing_to_start_the_job_is_told_until_it_is_there(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("denied", "jobs.create", count=3)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SUBMITTING)
    for _ in range(2):
        await reconciler.tick(harness.ctx)
        assert "role" in str((await harness.known(run.id)).waiting_for)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert loop.jobs_of(run.id) == [run.job_id]
