"""Drops that race with the run they belong to, or whose event was lost."""

import asyncio
from typing import Any

import pytest

from shared.errors import Conflict, Unavailable
from shared.run import intake, keeper
from shared.run.drops import Drops, missed
from shared.run.folder import PROBLEM
from shared.run.ledger import Ledger
from shared.run.record import Run, Share, What
from shared.run.stages import Seen, Stage
from tests.loop.test_loop import dataset
from tests.run.conftest import Shore, order


async def test_the_same_content_dropped_while_it_waits_does_not_end_the_run(shore: Shore) -> None:
    await shore.drop()
    run = await shore.received()
    await shore.drop()
    await keeper.advance(run.id, shore.cloud)
    await keeper.advance(run.id, shore.cloud)
    after = await shore.known(run.id)
    assert after.stage not in (Stage.RECEIVED, Stage.SUPERSEDED)
    assert after.training.etag != run.training.etag


async def test_replaced_content_supersedes_the_run_and_its_return_takes_it_up_again(
    shore: Shore,
) -> None:
    await shore.drop(dataset(10))
    run = await shore.received()
    await shore.drop(dataset(11))
    await keeper.advance(run.id, shore.cloud)
    ended = await shore.known(run.id)
    assert ended.stage is Stage.SUPERSEDED
    assert ended.failure
    assert "replaced" in ended.failure.message
    assert await shore.ledger.active() == []

    await shore.drop(dataset(10))
    assert (await shore.received()).id == run.id
    assert (await shore.known(run.id)).stage is Stage.RECEIVED
    assert [id for id, _ in await shore.ledger.active()] == [run.id]


async def test_only_one_worker_moves_a_run(shore: Shore) -> None:
    await shore.drop(dataset(9))
    run = await shore.received()
    async with shore.ledger.claim(run.id) as claim:
        assert claim
        await keeper.advance(run.id, shore.cloud)
        assert (await shore.known(run.id)).stage is Stage.RECEIVED
    await keeper.advance(run.id, shore.cloud)
    assert (await shore.known(run.id)).stage is Stage.REJECTED


async def test_a_lost_race_is_noticed(shore: Shore) -> None:
    await shore.drop()
    mine = await shore.received()
    theirs = await shore.known(mine.id)
    await shore.ledger.move(theirs, Seen.GOOD)
    with pytest.raises(Conflict):
        await shore.ledger.save(mine)


async def test_one_drop_delivered_many_times_at_once_is_one_run(shore: Shore) -> None:
    await shore.drop()
    path = f"{shore.model}/training.jsonl"
    await asyncio.gather(*(keeper.dataset_dropped(path, shore.cloud) for _ in range(5)))
    (run,) = await shore.runs()
    assert [line["message"] for line in await shore.log(run)].count("received") == 1


async def test_a_renamed_training_file_is_the_same_run(shore: Shore) -> None:
    await shore.drop()
    run = await shore.received()
    await shore.drop(name="train-2.jsonl")
    await shore.cloud.datasets.delete(f"{shore.model}/training.jsonl")
    assert (await shore.received("train-2.jsonl")).id == run.id
    assert (await shore.known(run.id)).training.name.endswith("train-2.jsonl")


# ---- events that never came


async def test_the_sweep_takes_a_drop_whose_event_was_lost_and_only_once(shore: Shore) -> None:
    await shore.drop()
    await shore.drop_unheard(dataset(3, "Aye"), "validation.jsonl")
    await keeper.sweep(shore.cloud)
    (run,) = await shore.runs()
    assert run.validation
    written = run._etag
    await keeper.sweep(shore.cloud)
    (again,) = await shore.runs()
    assert again._etag == written


async def test_the_sweep_finds_what_was_changed_without_an_event(shore: Shore) -> None:
    await shore.drop()
    await shore.received()
    await shore.drop_unheard(dataset(12, shore.model))
    await keeper.sweep(shore.cloud)
    assert len(await shore.runs()) == 2


async def test_the_sweep_explains_a_strange_name_once(shore: Shore) -> None:
    await shore.cloud.datasets.put("Captain/training.jsonl", b"{}", "text/plain")
    await keeper.sweep(shore.cloud)
    told = await shore.cloud.datasets.info(f"Captain/training.jsonl{PROBLEM}")
    assert told
    await keeper.sweep(shore.cloud)
    again = await shore.cloud.datasets.info(f"Captain/training.jsonl{PROBLEM}")
    assert again
    assert again.etag == told.etag


async def test_a_drop_that_cannot_be_taken_is_reported_beside_it_and_taken_later(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host calls five times and then gives the event up; the sweep does not."""
    await shore.drop_unheard()
    container = shore.cloud.runs
    with monkeypatch.context() as broken:
        broken.setattr(shore.cloud, "runs", _Down(container.client), raising=False)
        with pytest.raises(Unavailable):
            await intake.take(f"{shore.model}/training.jsonl", shore.cloud)
    problem = await shore.cloud.datasets.read(f"{shore.model}/training.jsonl{PROBLEM}")
    assert problem
    assert b"tried again" in problem.data
    await keeper.sweep(shore.cloud)
    assert len(await shore.runs()) == 1
    assert not await shore.cloud.datasets.read(f"{shore.model}/training.jsonl{PROBLEM}")


class _Down:
    """A container whose storage is out: what the first call meets."""

    def __init__(self, client: object) -> None:
        self.name = "runs"

    def list(self, prefix: str = "") -> object:
        raise Unavailable("Storage could not be reached.")


# ---- a dataset that stands for itself


async def test_a_lone_dataset_is_split_and_trained(shore: Shore) -> None:
    await shore.drop(dataset(40, shore.model), "lone")
    run = await shore.received("lone")
    run = await shore.until(run, Stage.TRAINED, Stage.DEPLOYING, Stage.PROBING, Stage.SERVING)
    assert run.validation
    assert (run.training.share, run.validation.share) == (Share.TRAINING, Share.VALIDATION)
    assert (run.training.examples, run.validation.examples) == (36, 4)
    assert all(epoch.valid_loss for epoch in run.epochs)


async def test_a_short_lone_dataset_is_not_split(shore: Shore) -> None:
    await shore.drop(dataset(12, shore.model), "lone")
    run = await shore.received("lone")
    assert run.validation is None


async def test_a_drop_that_was_told_half_way_is_taken_up(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shore.drop()
    await shore.drop(b"start: manual", "run.yaml")
    run = await shore.until(await shore.received(), Stage.READY)
    run = await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    await shore.drop()  # again
    take_up = Ledger.take_up

    async def killed(*args: Any, **more: Any) -> None:
        monkeypatch.setattr(Ledger, "take_up", take_up)
        raise Unavailable("killed, or storage is out, or 'another worker is busy'")

    monkeypatch.setattr(Ledger, "take_up", killed)
    with pytest.raises(Unavailable):
        await shore.received()
    run = await shore.received()  # the host calls again
    assert run.stage is Stage.RECEIVED


async def test_an_orphan_that_is_being_entered_is_not_cleared(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an hour's downtime: the tick clears the orphan while its own sweep enters the run."""
    await shore.drop_unheard()
    run = await shore.received()
    blob = await shore.cloud.runs.read(f"{run.id}/run.json")
    assert blob
    await shore.cloud.runs.delete(f"{run.id}/run.json")  # killed between marker and run
    load = Ledger.load
    beside: list[asyncio.Task[bool]] = []

    async def slow_load(self: Ledger, run_id: str) -> Run | None:
        found = await load(self, run_id)
        monkeypatch.setattr(Ledger, "load", load)
        beside.append(asyncio.create_task(shore.ledger.create(run)))  # by the sweep
        await asyncio.wait(beside, timeout=0.5)
        return found

    monkeypatch.setattr(Ledger, "load", slow_load)
    await keeper._clear_orphan(run.id, shore.cloud)
    assert await asyncio.gather(*beside) == [True]
    assert await shore.ledger.load(run.id)
    assert [run_id for run_id, _ in await shore.ledger.active()] == [run.id]


async def test_a_folder_and_a_lone_file_of_one_second_are_not_missed_for_ever(
    shore: Shore,
) -> None:
    for _ in range(5):
        await shore.drop(name="lone")
        await shore.drop(dataset(12, shore.model))
        lone = await shore.cloud.datasets.info(f"{shore.model}.jsonl")
        other = await shore.cloud.datasets.info(f"{shore.model}/training.jsonl")
        assert lone
        assert other
        if lone.modified == other.modified:
            break
    await asyncio.sleep(0.5)
    await shore.received()
    assert await missed(shore.cloud) == []


async def test_two_folders_that_hold_the_same_bytes_twice_are_not_a_lone_dataset(
    shore: Shore,
) -> None:
    content = dataset(30, shore.model)
    await shore.drop(content, "lone")
    lone = await shore.received("lone")
    await asyncio.sleep(1.1)
    await shore.drop(content)
    await shore.drop(content, "validation.jsonl")
    both = await shore.received()
    assert both.id != lone.id or both.validation == lone.validation, (
        lone.validation and lone.validation.share,
        both.validation and (both.validation.name, both.validation.share),
    )


async def test_an_explanation_goes_when_the_other_file_s_event_takes_the_drop(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shore.drop()
    await shore.drop(dataset(3, "Aye"), "validation.jsonl")
    taken = Drops.taken

    async def out(*args: Any) -> bool:
        raise Unavailable("Storage answered 503.")

    monkeypatch.setattr(Drops, "taken", out)
    with pytest.raises(Unavailable):  # the host gives this event up in the end
        await shore.received("validation.jsonl")
    monkeypatch.setattr(Drops, "taken", taken)
    await shore.received()
    assert await shore.cloud.datasets.info(f"{shore.model}/validation.jsonl.problem.txt") is None


async def test_the_newest_of_two_training_files_is_taken_and_the_other_is_told_of(
    shore: Shore,
) -> None:
    await shore.drop(name="train-a.jsonl")
    await shore.drop(dataset(11, shore.model), "train-b.jsonl")
    run = await shore.received("train-a.jsonl")
    assert run.training.name.endswith("train-b.jsonl")
    told = [line["message"] for line in await shore.log(run) if line["kind"] == "drop"]
    assert told == [f"left out, for newer ones lie there: {shore.model}/train-a.jsonl"]
