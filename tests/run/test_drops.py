"""Drops that race with the run they belong to, or whose event was lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Conflict, Unavailable
from shared.run import reconciler
from shared.run.drops import Drops, missed
from shared.run.folder import PROBLEM
from shared.run.ledger import Ledger
from shared.run.outcome import Outcome
from shared.run.record import Action, Run, Share
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
    run = await harness.received()
    assert run.validation
    assert run.validation.modified
    assert run.since >= run.validation.modified + quiet
    assert len(slept) == 2


# ---- events that never came


@on_both
async def test_the_sweep_takes_a_drop_whose_event_was_lost_and_only_once(
    harness: RunHarness,
) -> None:
    await harness.drop()
    await harness.drop_without_event(dataset(3, "Aye"), "validation.jsonl")
    await reconciler.sweep(harness.ctx)
    (run,) = await harness.runs()
    assert run.validation
    written = run.etag
    await reconciler.sweep(harness.ctx)
    (again,) = await harness.runs()
    assert again.etag == written


async def test_the_sweep_finds_what_was_changed_without_an_event(harness: RunHarness) -> None:
    await harness.drop()
    await harness.received()
    await harness.drop_without_event(dataset(12, harness.model))
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 2


async def test_the_sweep_explains_a_strange_name_once(harness: RunHarness) -> None:
    await harness.ctx.clients.datasets.put("Captain/training.jsonl", b"{}", "text/plain")
    await reconciler.sweep(harness.ctx)
    first = await harness.ctx.clients.datasets.info(f"Captain/training.jsonl{PROBLEM}")
    assert first
    await reconciler.sweep(harness.ctx)
    again = await harness.ctx.clients.datasets.info(f"Captain/training.jsonl{PROBLEM}")
    assert again
    assert again.etag == first.etag


async def test_a_drop_that_cannot_be_taken_is_reported_beside_it_and_taken_later(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host calls five times and then gives the event up; the sweep does not."""
    await harness.drop_without_event()
    container = harness.ctx.clients.runs
    with monkeypatch.context() as broken:
        broken.setattr(container, "list", _down)
        with pytest.raises(Unavailable):
            await harness.received()
    problem = await harness.ctx.clients.datasets.read(f"{harness.model}/training.jsonl{PROBLEM}")
    assert problem
    assert b"tried again" in problem.data
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1
    assert not await harness.ctx.clients.datasets.read(f"{harness.model}/training.jsonl{PROBLEM}")


def _down(prefix: str = "") -> object:
    """Storage is out: what the first call meets."""
    raise Unavailable("Storage could not be reached.")


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


async def test_a_drop_that_was_taken_half_way_is_taken_again(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    await harness.drop(b"start: manual", "run.yaml")
    run = await harness.until(await harness.received(), Stage.READY)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    await harness.drop()  # again
    reopen = Ledger.reopen

    async def killed(*args: Any, **more: Any) -> None:
        monkeypatch.setattr(Ledger, "reopen", reopen)
        raise Unavailable("killed, or storage is out, or 'another worker is busy'")

    monkeypatch.setattr(Ledger, "reopen", killed)
    with pytest.raises(Unavailable):
        await harness.received()
    run = await harness.received()  # the host calls again
    assert run.stage is Stage.RECEIVED


async def test_an_orphan_that_is_being_entered_is_not_cleared(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an hour's downtime: the tick clears the orphan while its own sweep enters the run."""
    await harness.drop_without_event()
    run = await harness.received()
    blob = await harness.ctx.clients.runs.read(f"{run.id}/run.json")
    assert blob
    await harness.ctx.clients.runs.delete(f"{run.id}/run.json")  # killed between marker and run
    load = Ledger.load
    beside: list[asyncio.Task[bool]] = []

    async def slow_load(self: Ledger, run_id: str) -> Run | None:
        found = await load(self, run_id)
        monkeypatch.setattr(Ledger, "load", load)
        beside.append(asyncio.create_task(harness.ledger.create(run)))  # by the sweep
        await asyncio.wait(beside, timeout=0.005)
        return found

    monkeypatch.setattr(Ledger, "load", slow_load)
    await reconciler.advance(run.id, harness.ctx)
    assert await asyncio.gather(*beside) == [True]
    assert await harness.ledger.load(run.id)
    assert await harness.ledger.active() == [run.id]


async def test_a_folder_and_a_lone_file_of_one_second_are_not_missed_for_ever(
    harness: RunHarness,
) -> None:
    await harness.drop(name="lone")
    await harness.drop(dataset(12, harness.model))
    lone = await harness.ctx.clients.datasets.info(f"{harness.model}.jsonl")
    other = await harness.ctx.clients.datasets.info(f"{harness.model}/training.jsonl")
    assert lone
    assert other
    assert lone.modified == other.modified
    await harness.pause(1)
    await harness.received()
    assert await missed(harness.ctx) == []


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


async def test_an_explanation_goes_when_the_other_file_s_event_takes_the_drop(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    await harness.drop(dataset(3, "Aye"), "validation.jsonl")
    taken = Drops.taken

    async def out(*args: Any) -> bool:
        raise Unavailable("Storage answered 503.")

    monkeypatch.setattr(Drops, "taken", out)
    with pytest.raises(Unavailable):  # the host gives this event up in the end
        await harness.received("validation.jsonl")
    monkeypatch.setattr(Drops, "taken", taken)
    await harness.received()
    assert (
        await harness.ctx.clients.datasets.info(f"{harness.model}/validation.jsonl.problem.txt")
        is None
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
