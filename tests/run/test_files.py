"""A run's files at the service: brought once, again if they go, and deleted when it has ended."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.run import files, reconciler
from shared.run.stages import ENDS, Stage
from tests.conftest import Loop
from tests.support.datasets import dataset
from tests.support.faults import Faults
from tests.support.runs import RunHarness


async def test_a_file_deleted_at_the_service_is_brought_again(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("file-stuck", "files.create")
    await harness.drop()
    run = await harness.received()
    await reconciler.tick(harness.ctx)
    file_id = (await harness.known(run.id)).training.file_id
    assert file_id
    loop.service.files.delete(file_id)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.file_id != file_id


async def test_a_file_deleted_before_its_job_is_asked_for_is_brought_again(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.set_policy(job_in_flight=timedelta(0))
    run = await harness.declined(faults)
    (file_id,) = [file.file_id for file in run.files]
    loop.service.files.delete(str(file_id))
    faults.set(queue_limit=20)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.file_id != file_id
    assert loop.jobs_of(run.id) == [run.job_id]


async def test_a_resource_without_room_for_files_is_waited_for(
    loop: Loop, harness: RunHarness
) -> None:
    there = len(list(loop.service.files.list(purpose="fine-tune")))
    content = dataset(1)
    others = [
        loop.service.files.create(file=(f"{harness.model}-{n}", content), purpose="fine-tune").id
        for n in range(100 - there)
    ]
    await harness.drop()
    run = await harness.received()
    await reconciler.advance(run.id, harness.ctx)
    run = await harness.known(run.id)
    assert run.stage is Stage.CHECKED
    assert "100 fine-tuning files already" in str(run.waiting_for)
    assert "other runs have ended" in str(run.waiting_for)
    for file_id in others:
        loop.service.files.delete(file_id)
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


async def test_the_files_of_an_ended_run_are_deleted_and_nobody_elses(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    name = f"{harness.model}-of-somebody.jsonl"
    loop.service.files.create(file=(name, dataset(10, harness.model)), purpose="fine-tune")
    faults.arm("unavailable", "files.delete", count=2)
    await harness.drop()
    await harness.drop(dataset(3, "Aye"), "validation.jsonl")
    run = await harness.until(await harness.received(), Stage.TRAINING, Stage.TRAINED)
    assert len(loop.files_of(run.id)) == 2
    run = await harness.until(run, Stage.SERVING)
    while await harness.ledger.active():
        await reconciler.tick(harness.ctx)
    assert loop.files_of(f"{harness.model}-") == [name]
    told = [line["message"] for line in await harness.log(run) if line["kind"] == "files"]
    assert told
    loop.clear_service(f"{harness.model}-")


async def test_an_ended_run_is_left_alone_although_its_files_cannot_be_deleted(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.set_policy(leave_after=timedelta(0))
    faults.arm("denied", "files.delete")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    await reconciler.tick(harness.ctx)
    assert await harness.ledger.active() == []
    assert loop.files_of(run.id)
    loop.clear_service(f"{harness.model}-")


async def test_a_file_that_is_listed_but_gone_does_not_spin(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists lag behind deletions."""
    harness.set_policy(job_in_flight=timedelta(0))
    run = await harness.declined(faults)
    stale = await harness.ctx.clients.finetuning.find_file(files.name_at_service(run.training, run))

    async def listed(name: str) -> Any:
        return stale

    monkeypatch.setattr(harness.ctx.clients.finetuning, "find_file", listed)
    loop.service.files.delete(str(run.training.file_id))
    faults.set(queue_limit=20)
    run = await harness.rewrite(run, not_before=None)
    before = len(await harness.log(run))
    await asyncio.wait_for(reconciler.advance(run.id, harness.ctx), 4)
    assert len(await harness.log(run)) - before < 10
