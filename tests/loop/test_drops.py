"""Drops that race with the run they belong to, on real storage: moved by hand, step by step."""

import uuid
from collections.abc import AsyncIterator

import pytest

from local.emulator.auth import DEFAULT_KEY
from shared.cloud import Cloud
from shared.errors import Changed
from shared.run import intake, keeper
from shared.run.ledger import Ledger
from shared.run.record import Run
from shared.run.stages import Seen, Stage
from shared.settings import Settings
from tests.conftest import Loop
from tests.loop.test_loop import dataset


@pytest.fixture
async def cloud(loop: Loop) -> AsyncIterator[Cloud]:
    """The stack's storage and service, with containers that the app itself does not look at."""
    apart = uuid.uuid4().hex[:8]
    settings = {
        "TunedropStorage": loop.stack.storage,
        "AZURE_OPENAI_ENDPOINT": loop.stack.openai_url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "AZURE_SUBSCRIPTION_ID": "s",
        "AZURE_RESOURCE_GROUP": "g",
        "AZURE_OPENAI_ACCOUNT": "a",
        "TUNEDROP_QUIET_SECONDS": "0.1",
    }
    for name in ("datasets", "runs", "models"):
        settings[f"TUNEDROP_{name.upper()}_CONTAINER"] = f"{name}-{apart}"
        loop.blobs.create_container(f"{name}-{apart}")
    async with Cloud(Settings.load(settings)) as cloud:
        yield cloud


async def drop(cloud: Cloud, content: bytes) -> None:
    await cloud.datasets.put("m/training.jsonl", content, "application/json")


async def received(cloud: Cloud) -> Run:
    run_id = await intake.take("m/training.jsonl", cloud)
    assert run_id
    return await known(cloud, run_id)


async def known(cloud: Cloud, run_id: str) -> Run:
    run = await Ledger(cloud.runs).load(run_id)
    assert run
    return run


async def test_the_same_content_dropped_while_it_waits_does_not_end_the_run(cloud: Cloud) -> None:
    await drop(cloud, dataset(10))
    run = await received(cloud)
    await drop(cloud, dataset(10))
    await keeper.advance(run.id, cloud)
    await keeper.advance(run.id, cloud)
    after = await known(cloud, run.id)
    assert after.stage not in (Stage.RECEIVED, Stage.SUPERSEDED)
    assert after.training.etag != run.training.etag


async def test_replaced_content_supersedes_the_run_and_its_return_takes_it_up_again(
    cloud: Cloud,
) -> None:
    await drop(cloud, dataset(10))
    run = await received(cloud)
    await drop(cloud, dataset(11))
    await keeper.advance(run.id, cloud)
    assert (await known(cloud, run.id)).stage is Stage.SUPERSEDED
    assert await Ledger(cloud.runs).active() == []

    await drop(cloud, dataset(10))
    assert (await received(cloud)).id == run.id
    assert (await known(cloud, run.id)).stage is Stage.RECEIVED
    assert [id for id, _ in await Ledger(cloud.runs).active()] == [run.id]


async def test_only_one_worker_moves_a_run(cloud: Cloud) -> None:
    await drop(cloud, dataset(9))
    run = await received(cloud)
    async with Ledger(cloud.runs).claim(run.id) as claim:
        assert claim
        await keeper.advance(run.id, cloud)
        assert (await known(cloud, run.id)).stage is Stage.RECEIVED
    await keeper.advance(run.id, cloud)
    assert (await known(cloud, run.id)).stage is Stage.REJECTED


async def test_a_lost_race_is_noticed(cloud: Cloud) -> None:
    await drop(cloud, dataset(10))
    mine = await received(cloud)
    theirs = await known(cloud, mine.id)
    await Ledger(cloud.runs).move(theirs, Seen.GOOD)
    with pytest.raises(Changed):
        await Ledger(cloud.runs).save(mine)
