"""A run's files at the service: brought once, again if they go, and deleted when it has ended."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.cloud.remote import RemoteFile
from shared.run import files, reconciler
from shared.run.record import File, Run
from shared.run.spec import effective
from shared.run.stages import ENDS, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService
from tests.support.settings import SETTINGS

HANG = 60  # seconds, against a loop that never ends


async def test_a_files_id_is_written_down_before_it_is_waited_for(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    run = await harness.received()
    look = harness.ctx.clients.finetuning.file
    written: list[str | None] = []

    async def file(file_id: str) -> RemoteFile | None:
        written.append((await harness.known(run.id)).training.file_id)
        return await look(file_id)

    monkeypatch.setattr(harness.ctx.clients.finetuning, "file", file)
    run = await harness.until(run, Stage.TRAINING)
    assert set(written) == {run.training.file_id}


async def test_a_file_deleted_at_the_service_is_brought_again(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("file-stuck", "files.create")
    await harness.drop()
    run = await harness.received()
    await harness.tick()
    file_id = (await harness.known(run.id)).training.file_id
    assert file_id
    service.delete_file(file_id)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.file_id != file_id


async def test_a_file_deleted_before_its_job_is_asked_for_is_brought_again(
    harness: RunHarness, service: ServiceControl
) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    run = await harness.declined()
    (file_id,) = [file.file_id for file in run.files]
    service.delete_file(str(file_id))
    service.configure(queue_limit=20)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.file_id != file_id
    assert service.jobs_of(run.id) == [run.job_id]


async def test_a_resource_without_room_for_files_is_waited_for(
    harness: RunHarness, service: ServiceControl
) -> None:
    others = fill(harness, 100)
    await harness.drop()
    run = await harness.received()
    await reconciler.advance(run.id, harness.ctx)
    run = await harness.known(run.id)
    assert run.stage is Stage.CHECKED
    assert "100 fine-tuning files already" in str(run.waiting_for)
    assert "other runs have ended" in str(run.waiting_for)
    for file_id in others:
        service.delete_file(file_id)
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


def fill(harness: RunHarness, count: int) -> list[str]:
    """Files of others, up to so many in all."""
    there = len(harness.service.files_of(""))
    names = [f"{harness.model}-{n}" for n in range(count - there)]
    return [harness.service.add_file(name, dataset(1)) for name in names]


async def test_two_runs_with_room_for_one_do_not_wait_for_each_other(
    harness: RunHarness, service: ServiceControl
) -> None:
    others = fill(harness, 98)
    runs = []
    for n in (10, 11):
        await harness.drop(dataset(n, harness.model))
        await harness.drop(dataset(4 + n, "Aye"), "validation.jsonl")
        run = await harness.received()
        # so that the second drop does not supersede the first: a folder per run
        runs.append(run)
        copies = []
        for file in run.files:
            copy = f"{harness.model}x{n}/{file.name.split('/')[1]}"
            blob = await harness.ctx.clients.datasets.read(file.name)
            assert blob
            await harness.ctx.clients.datasets.put(copy, blob.data, "application/json")
            info = await harness.ctx.clients.datasets.info(copy)
            assert info
            copies.append(file.replace(name=copy, etag=info.etag))
        await harness.rewrite(run, training=copies[0], validation=copies[1])
    stages = {Stage.CHECKED}
    for _ in range(100):
        await asyncio.gather(*(reconciler.advance(run.id, harness.ctx) for run in runs))
        stages = {(await harness.known(run.id)).stage for run in runs}
        if stages != {Stage.CHECKED}:
            break
        await harness.pause(1)
    for file_id in others:
        service.delete_file(file_id)
    assert stages - {Stage.RECEIVED, Stage.CHECKED}


async def test_the_files_of_an_ended_run_are_deleted_and_nobody_elses(
    harness: RunHarness, service: ServiceControl
) -> None:
    name = f"{harness.model}-of-somebody.jsonl"
    service.add_file(name, dataset(10, harness.model))
    service.arm("unavailable", "files.delete", count=2)
    await harness.drop()
    await harness.drop(dataset(3, "Aye"), "validation.jsonl")
    run = await harness.until(await harness.received(), Stage.TRAINING, Stage.TRAINED)
    assert len(service.files_of(run.id)) == 2
    run = await harness.until(run, Stage.SERVING)
    await harness.until_inactive()
    assert service.files_of(f"{harness.model}-") == [name]
    assert await harness.messages(run, "files")


async def test_an_ended_run_is_left_although_its_files_cannot_be_deleted(
    harness: RunHarness, service: ServiceControl
) -> None:
    harness.set_policy(leave_after=timedelta(0))
    service.arm("denied", "files.delete", count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    await harness.tick()
    assert await harness.ledger.active() == []
    assert service.files_of(run.id)


async def test_files_that_cannot_be_deleted_are_tried_for_a_day_of_ticks(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("denied", "files.delete", count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    for hours in range(30):
        await harness.ticked(days=2)
        await harness.tick()
        if hours < 24:
            assert await harness.ledger.active() == [run.id]
        await harness.pause(3600)
    assert await harness.ledger.active() == []
    assert service.files_of(run.id)


async def test_a_file_that_is_listed_but_gone_does_not_spin(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists lag behind deletions."""
    harness.set_policy(job_in_flight=timedelta(0))
    run = await harness.declined()
    stale = await harness.ctx.clients.finetuning.find_file(files.name_at_service(run.training, run))

    async def listed(name: str) -> Any:
        return stale

    monkeypatch.setattr(harness.ctx.clients.finetuning, "find_file", listed)
    service.delete_file(str(run.training.file_id))
    service.configure(queue_limit=20)
    run = await harness.rewrite(run, not_before=None)
    before = len(await harness.log(run))
    await asyncio.wait_for(reconciler.advance(run.id, harness.ctx), HANG)
    assert len(await harness.log(run)) - before < 10


def test_no_two_runs_roles_or_attempts_share_a_name_at_the_service() -> None:
    """Each is deleted without asking who else may need it, and none is taken for another."""
    training = File(name="m/training.jsonl", etag="1", size=1, sha256="0" * 64)
    validation = training.replace(name="m/validation.jsonl", etag="2")
    spec = effective(None, SETTINGS)
    names = [
        files.name_at_service(file, run, attempt)
        for run_id in ("m-1", "m-2")
        for run in [Run(id=run_id, model="m", spec=spec, training=training, validation=validation)]
        for file in run.files
        for attempt in (1, 2)
    ]
    assert len(set(names)) == len(names)


async def test_the_services_table_of_losses_goes_once_the_run_has_it(harness: RunHarness) -> None:
    """One of each run would stay at the service for ever."""
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    assert harness.service.result_file(str(run.job_id)) in service_of(harness).files
    await harness.until(run, Stage.SERVING)
    await harness.until_inactive()
    assert service_of(harness).files == {}
    assert await harness.ledger.document(run.id, "metrics.csv")
    assert await harness.ledger.curve(run.id)


async def test_a_table_that_the_run_does_not_have_stays(harness: RunHarness) -> None:
    harness.service.arm("refused", "files.content", status=403, code="x", message="no", count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    await harness.until_inactive()
    assert await harness.ledger.document(run.id, "metrics.csv") is None
    assert list(service_of(harness).files) == [harness.service.result_file(str(run.job_id))]


def service_of(harness: RunHarness) -> MemoryService:
    assert isinstance(harness.service, MemoryService)
    return harness.service
