"""What docs/how-to/backup.md promises: records that were put back are gone on with, and nothing is
trained a second time for it."""

import pytest

from shared.cloud.container import Container
from shared.run import reconciler
from shared.run.stages import ENDS, Stage
from tests.support.datasets import dataset
from tests.support.deploying import memory
from tests.support.runs import RunHarness

HOUR = 3600.0
DAY = 24 * HOUR
PLACES = ("feedback", "models", "runs", "datasets")  # in the page's order
Backup = dict[str, dict[str, bytes]]


def container(harness: RunHarness, place: str) -> Container:
    found = getattr(harness.ctx.clients, place)
    assert isinstance(found, Container)
    return found


async def backed_up(harness: RunHarness) -> Backup:
    kept: Backup = {}
    for place in PLACES:
        kept[place] = {}
        async for blob in container(harness, place).list():
            content = await container(harness, place).read(blob.name)
            assert content
            kept[place][blob.name] = content.data
    return kept


async def put_back(harness: RunHarness, kept: Backup) -> None:
    """All of it was lost, and every blob is an ordinary one afterwards."""
    harness.break_claims()
    for place in PLACES:
        for blob in [blob async for blob in container(harness, place).list()]:
            await container(harness, place).delete(blob.name)
        for name, data in kept[place].items():
            await container(harness, place).put(name, data, "application/octet-stream")
    await harness.pause(DAY)


async def looked_after(harness: RunHarness) -> None:
    await reconciler.sweep(harness.ctx)
    await harness.until_inactive()
    await harness.pause(HOUR)
    await reconciler.sweep(harness.ctx)
    await harness.until_inactive()


@pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.DEPLOYING, Stage.SERVING])
async def test_a_run_goes_on_from_a_backup_and_is_paid_for_once(
    harness: RunHarness, stage: Stage
) -> None:
    """The backup is of that stage; the run had served by the time of the loss."""
    await harness.drop(dataset(12))
    run = await harness.until(await harness.received(), stage)
    kept = await backed_up(harness)
    await harness.until(run, *ENDS)
    await put_back(harness, kept)
    await looked_after(harness)
    run = await harness.known(run.id)
    assert run.stage is Stage.SERVING
    assert len(await harness.runs()) == 1
    assert len(memory(harness).jobs) == 1
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert model.champion == 1


async def test_a_log_that_was_put_back_is_shown_with_what_comes_after(harness: RunHarness) -> None:
    await harness.drop(dataset(12))
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    kept = await backed_up(harness)
    before = await harness.log(run)
    await put_back(harness, kept)
    await harness.until(run, *ENDS)
    after = await harness.log(run)
    assert after[: len(before)] == before
    assert [line["message"] for line in after if line["kind"] == "stage"][-1].startswith("serving")


async def test_a_deleted_dataset_takes_nothing_from_a_model_that_serves(
    harness: RunHarness,
) -> None:
    """As docs/how-to/delete.md says, and a run that has not sent it says that it is gone."""
    await harness.drop(dataset(12))
    run = await harness.until(await harness.received(), *ENDS)
    await container(harness, "datasets").delete(harness.path("training.jsonl"))
    await harness.pause(HOUR)
    await looked_after(harness)
    assert (await harness.known(run.id)).stage is Stage.SERVING
