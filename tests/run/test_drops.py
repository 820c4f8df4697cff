"""Drops that race with the run they belong to, or whose event was lost."""

import asyncio

import pytest

from shared.errors import Changed, Unavailable
from shared.run import intake, keeper
from shared.run.folder import PROBLEM
from shared.run.record import Share
from shared.run.stages import Seen, Stage
from tests.loop.test_loop import dataset
from tests.run.conftest import Shore


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
    assert "replaced" in ended.failure.what
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
    with pytest.raises(Changed):
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
