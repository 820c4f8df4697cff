"""A run's files at the service: brought once, again if they go, and deleted when it has ended."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.run import files, keeper
from shared.run.stages import ENDS, Stage
from tests.conftest import Loop
from tests.loop.test_loop import dataset, jobs_of
from tests.run.conftest import Shore, Trouble


async def test_a_file_deleted_at_the_service_is_brought_again(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("file-stuck", "files.create")
    await shore.drop()
    run = await shore.received()
    await keeper.tick(shore.cloud)
    file_id = (await shore.known(run.id)).training.file_id
    assert file_id
    loop.service.files.delete(file_id)
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.file_id != file_id


async def test_a_file_deleted_before_its_job_is_asked_for_is_brought_again(
    loop: Loop, shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.run.jobs.IN_FLIGHT", timedelta(0))
    run = await shore.uploaded(trouble)
    (file_id,) = [file.file_id for file in run.files]
    loop.service.files.delete(str(file_id))
    trouble.set(queue_limit=20)
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert run.training.file_id != file_id
    assert jobs_of(loop, run.id) == [run.job_id]


async def test_a_resource_without_room_for_files_is_waited_for(loop: Loop, shore: Shore) -> None:
    there = len(list(loop.service.files.list(purpose="fine-tune")))
    content = dataset(1)
    others = [
        loop.service.files.create(file=(f"{shore.model}-{n}", content), purpose="fine-tune").id
        for n in range(100 - there)
    ]
    await shore.drop()
    run = await shore.received()
    await keeper.advance(run.id, shore.cloud)
    run = await shore.known(run.id)
    assert run.stage is Stage.CHECKED
    assert "100 fine-tuning files already" in str(run.waiting_for)
    assert "other runs have ended" in str(run.waiting_for)
    for file_id in others:
        loop.service.files.delete(file_id)
    assert (await shore.until(run, *ENDS)).stage is Stage.SERVING


async def test_the_files_of_an_ended_run_are_deleted_and_nobody_elses(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    name = f"{shore.model}-of-somebody.jsonl"
    loop.service.files.create(file=(name, dataset(10, shore.model)), purpose="fine-tune")
    trouble.arm("unavailable", "files.delete", count=2)
    await shore.drop()
    await shore.drop(dataset(3, "Aye"), "validation.jsonl")
    run = await shore.until(await shore.received(), Stage.TRAINING, Stage.TRAINED)
    assert len(loop.files_of(run.id)) == 2
    run = await shore.until(run, Stage.SERVING)
    while await shore.ledger.active():
        await keeper.tick(shore.cloud)
    assert loop.files_of(f"{shore.model}-") == [name]
    told = [line["message"] for line in await shore.log(run) if line["kind"] == "files"]
    assert told
    loop.clear_service(f"{shore.model}-")


async def test_an_ended_run_is_left_alone_although_its_files_cannot_be_deleted(
    loop: Loop, shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LEAVING", timedelta(0))
    trouble.arm("denied", "files.delete")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.SERVING)
    await keeper.tick(shore.cloud)
    assert await shore.ledger.active() == []
    assert loop.files_of(run.id)
    loop.clear_service(f"{shore.model}-")


async def test_a_file_that_is_listed_but_gone_does_not_spin(
    loop: Loop, shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists lag behind deletions."""
    monkeypatch.setattr("shared.run.jobs.IN_FLIGHT", timedelta(0))
    run = await shore.uploaded(trouble)
    stale = await shore.cloud.finetuning.find_file(files.name_at_service(run.training, run))

    async def listed(name: str) -> Any:
        return stale

    monkeypatch.setattr(shore.cloud.finetuning, "find_file", listed)
    loop.service.files.delete(str(run.training.file_id))
    trouble.set(queue_limit=20)
    run = await shore.known(run.id)
    run.not_before = None
    await shore.ledger.save(run)
    before = len(await shore.log(run))
    await asyncio.wait_for(keeper.advance(run.id, shore.cloud), 4)
    assert len(await shore.log(run)) - before < 10
