"""Drops that come again, together, changed, or alone; and when a drop is complete."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.cloud.container import BlobInfo
from shared.errors import Conflict
from shared.run import intake, reconciler
from shared.run.outcome import Outcome
from shared.run.record import Share
from shared.run.stages import ENDS, Event, Stage
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.harness import on_both
from tests.support.runs import RunHarness


async def test_files_replaced_before_their_upload_supersede_the_run(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("unavailable", "files.*")
    await harness.drop()
    run = await harness.received()
    await reconciler.advance(run.id, harness.ctx)
    assert (await harness.known(run.id)).stage is Stage.CHECKED
    await harness.drop(dataset(11, harness.model))
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SUPERSEDED
    assert service.files_of(run.id) == []


async def test_the_same_content_dropped_while_it_waits_does_not_end_the_run(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.received()
    await harness.drop()
    await reconciler.advance(run.id, harness.ctx)
    await reconciler.advance(run.id, harness.ctx)
    after = await harness.known(run.id)
    assert after.stage not in (Stage.RECEIVED, Stage.SUPERSEDED)
    assert after.training.etag != run.training.etag


@on_both
async def test_replaced_content_supersedes_the_run_and_its_return_takes_it_up_again(
    harness: RunHarness,
) -> None:
    await harness.drop(dataset(10))
    run = await harness.received()
    await harness.drop(dataset(11))
    await reconciler.advance(run.id, harness.ctx)
    ended = await harness.known(run.id)
    assert ended.stage is Stage.SUPERSEDED
    assert ended.failure
    assert "replaced" in ended.failure.message
    assert await harness.ledger.active() == []

    await harness.drop(dataset(10))
    assert (await harness.received()).id == run.id
    assert (await harness.known(run.id)).stage is Stage.RECEIVED
    assert await harness.ledger.active() == [run.id]


@on_both
async def test_only_one_worker_moves_a_run(harness: RunHarness) -> None:
    await harness.drop(dataset(9))
    run = await harness.received()
    async with harness.ledger.claim(run.id) as claim:
        assert claim
        await reconciler.advance(run.id, harness.ctx)
        assert (await harness.known(run.id)).stage is Stage.RECEIVED
    await reconciler.advance(run.id, harness.ctx)
    assert (await harness.known(run.id)).stage is Stage.REJECTED


@on_both
async def test_a_lost_race_is_noticed(harness: RunHarness) -> None:
    await harness.drop()
    mine = await harness.received()
    theirs = await harness.known(mine.id)
    accepted = Outcome(theirs, Event.DATASET_ACCEPTED)
    await harness.ledger.commit(theirs, accepted)
    with pytest.raises(Conflict):
        await harness.ledger.commit(mine, accepted)


@on_both
async def test_one_drop_delivered_many_times_at_once_is_one_run(harness: RunHarness) -> None:
    await harness.drop()
    path = f"{harness.model}/training.jsonl"
    await asyncio.gather(*(reconciler.dataset_dropped(path, harness.ctx) for _ in range(5)))
    (run,) = await harness.runs()
    assert [line["message"] for line in await harness.log(run)].count("received") == 1


async def test_a_renamed_training_file_is_the_same_run(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    await harness.drop(name="train-2.jsonl")
    await harness.ctx.clients.datasets.delete(f"{harness.model}/training.jsonl")
    assert (await harness.received("train-2.jsonl")).id == run.id
    assert (await harness.known(run.id)).training.name.endswith("train-2.jsonl")


# ---- a drop is complete when its folder is quiet


async def test_a_folder_is_left_alone_for_a_while_before_it_is_taken(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = timedelta(seconds=5)
    settings = replace(harness.ctx.settings, quiet_seconds=quiet.total_seconds())
    monkeypatch.setattr(harness.ctx.clients, "settings", settings)
    await harness.drop()
    dropped = await harness.ctx.clients.datasets.info(harness.path("training.jsonl"))
    assert dropped
    run = await harness.received()
    assert run.since >= dropped.modified + quiet


async def test_a_file_that_comes_while_the_folder_is_watched_belongs_to_the_drop(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = timedelta(seconds=5)
    settings = replace(harness.ctx.settings, quiet_seconds=quiet.total_seconds())
    monkeypatch.setattr(harness.ctx.clients, "settings", settings)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await harness.pause(seconds)
        if len(slept) == 1:
            await harness.drop(dataset(3, "Aye"), "validation.jsonl")

    harness.ctx = replace(harness.ctx, sleep=sleep)
    await harness.drop()
    async with harness.ctx.with_copies() as ctx:
        assert await intake.take(harness.path("training.jsonl"), ctx) is None
    assert await harness.runs() == [], "it is left to the event of the file that came"
    run = await harness.received("validation.jsonl")
    assert run.validation
    assert run.validation.modified
    assert run.since >= run.validation.modified + quiet
    assert len(slept) == 2


async def test_a_file_that_comes_while_the_folder_is_slowly_listed_belongs_to_the_drop(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list was made before the file came, and is judged when it has been there for long."""
    settings = replace(harness.ctx.settings, quiet_seconds=5.0)
    monkeypatch.setattr(harness.ctx.clients, "settings", settings)
    await harness.drop()
    datasets = harness.ctx.clients.datasets
    info = datasets.info

    async def slow(name: str) -> BlobInfo | None:
        monkeypatch.setattr(datasets, "info", info)
        await harness.drop(dataset(3, "Aye"), "validation.jsonl")
        await harness.pause(30)
        return await info(name)

    monkeypatch.setattr(datasets, "info", slow)
    run = await harness.received()
    assert run.validation, "taken without the half that came meanwhile"


# ---- a dataset that stands for itself


async def test_a_lone_dataset_is_split_and_trained(harness: RunHarness) -> None:
    await harness.drop(dataset(40, harness.model), "lone")
    run = await harness.received("lone")
    run = await harness.until(run, Stage.TRAINED, Stage.DEPLOYING, Stage.PROBING, Stage.SERVING)
    assert run.validation
    assert (run.training.share, run.validation.share) == (Share.TRAINING, Share.VALIDATION)
    assert (run.training.examples, run.validation.examples) == (36, 4)
    assert all(epoch.valid_loss for epoch in run.epochs)


async def test_a_short_lone_dataset_is_not_split(harness: RunHarness) -> None:
    await harness.drop(dataset(12, harness.model), "lone")
    run = await harness.received("lone")
    assert run.validation is None


async def test_two_folders_that_hold_the_same_bytes_twice_are_not_a_lone_dataset(
    harness: RunHarness,
) -> None:
    content = dataset(30, harness.model)
    await harness.drop(content, "lone")
    lone = await harness.received("lone")
    await harness.pause(2)
    await harness.drop(content)
    await harness.drop(content, "validation.jsonl")
    both = await harness.received()
    assert both.id != lone.id or both.validation == lone.validation, (
        lone.validation and lone.validation.share,
        both.validation and (both.validation.name, both.validation.share),
    )


async def test_the_newest_of_two_training_files_is_taken_and_the_other_is_named(
    harness: RunHarness,
) -> None:
    await harness.drop(name="train-a.jsonl")
    await harness.drop(dataset(11, harness.model), "train-b.jsonl")
    run = await harness.received("train-a.jsonl")
    assert run.training.name.endswith("train-b.jsonl")
    assert await harness.messages(run, "drop") == [
        f"left out, for newer ones lie there: {harness.model}/train-a.jsonl"
    ]
