"""A file that is removed starts nothing: only what is dropped does."""

import pytest

from shared.run import drops, reconciler
from shared.run.stages import ENDS
from tests.support.datasets import dataset
from tests.support.deploying import memory
from tests.support.drops import storage, taken
from tests.support.runs import RunHarness

HOUR = 3600.0


async def remove(harness: RunHarness, name: str) -> None:
    await harness.pause(HOUR)
    await storage(harness).delete(harness.path(name))
    await harness.pause(HOUR)


async def looked_after(harness: RunHarness) -> int:
    """How many jobs there are when the app has looked at the folder, also by a late event."""
    await reconciler.sweep(harness.ctx)
    await taken(harness, harness.path("training.jsonl"))
    await harness.until_inactive()
    return len(memory(harness).jobs)


@pytest.mark.parametrize("name", ["run.yaml", "validation.jsonl", "training_2.jsonl"])
async def test_a_file_removed_from_a_drop_that_serves_starts_nothing(
    harness: RunHarness, name: str
) -> None:
    await harness.drop(dataset(12))
    await harness.pause(2)
    await harness.drop(dataset(11, "Aye") if name != "run.yaml" else b"budget: 5\nseed: 3\n", name)
    await harness.until(await harness.received(name), *ENDS)
    await remove(harness, name)
    assert await looked_after(harness) == 1


async def test_a_refused_run_yaml_that_is_removed_leaves_its_dataset_alone(
    harness: RunHarness,
) -> None:
    await harness.drop()
    await harness.drop(b"budgt: 0\n", "run.yaml")
    assert await taken(harness, harness.path("run.yaml")) is None
    await remove(harness, "run.yaml")
    assert await looked_after(harness) == 0
    await harness.drop(b"start: manual\n", "run.yaml")
    run = await taken(harness, harness.path("run.yaml"))
    assert run
    assert run.spec.start == "manual"


async def test_what_is_dropped_again_without_the_removed_file_is_taken(
    harness: RunHarness,
) -> None:
    await harness.drop()
    await harness.drop(b"seed: 3\n", "run.yaml")
    await harness.until(await harness.received(), *ENDS)
    await remove(harness, "run.yaml")
    await harness.drop()
    await harness.pause(HOUR)
    await reconciler.sweep(harness.ctx)
    assert [run.spec.seed for run in await harness.runs()] == [None, 3]


async def test_a_drop_that_nobody_has_taken_yet_is_taken_without_the_removed_file(
    harness: RunHarness,
) -> None:
    await harness.drop()
    await harness.drop(b"", "validation.jsonl")
    assert await taken(harness, harness.path("training.jsonl")) is None
    await remove(harness, "validation.jsonl")
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1


async def test_a_file_removed_and_put_back_starts_nothing_new(harness: RunHarness) -> None:
    await harness.drop()
    await harness.drop(b"start: manual\n", "run.yaml")
    run = await harness.received()
    await harness.ctx.clients.datasets.delete(harness.path("run.yaml"))
    await harness.drop_without_event(b"start: manual\n", "run.yaml")
    await reconciler.sweep(harness.ctx)
    assert [known.id for known in await harness.runs()] == [run.id]


async def test_a_folder_with_a_file_less_is_of_no_drop_missed(harness: RunHarness) -> None:
    await harness.drop()
    await harness.drop(b"seed: 3\n", "run.yaml")
    await harness.received()
    await remove(harness, "run.yaml")
    assert (await drops.due(harness.ctx)).missed == []
