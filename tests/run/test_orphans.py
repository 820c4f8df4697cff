"""What lies at the service under the app's marks and no record knows: told with its price, ended
only where that is wished; what may be another's is left alone."""

import logging

import pytest

from shared.cloud.deployments import Deployment
from shared.errors import Unavailable
from shared.run import orphans, reconciler
from shared.run.stages import Stage
from tests.support.orphaned import ended, found, owned, training, wished
from tests.support.placed import MADE, PlacedRun
from tests.support.runs import RunHarness


@pytest.fixture
def placed() -> PlacedRun:
    return PlacedRun()


# ---- ended where it is wished


async def test_an_orphan_is_ended_once_it_is_an_hour_old(placed: PlacedRun) -> None:
    wished(placed)
    await training(placed)
    placed.jobs.put("running", owned(placed))
    await found(placed)
    placed.wait(minutes=59)
    assert await found(placed) == [("job", "J2")]
    assert placed.jobs.alive == ["J1", "J2"], "a worker may be in the middle of it"
    placed.wait(minutes=2)
    assert await found(placed) == []
    assert placed.jobs.alive == ["J1"]


async def test_by_default_nothing_is_ended(placed: PlacedRun) -> None:
    await training(placed)
    placed.jobs.put("running", owned(placed))
    placed.control.there["m-v7"] = Deployment("m-v7", MADE, "Succeeded", "GlobalStandard")
    await placed.version()
    for _ in range(3):
        assert await found(placed) == [("job", "J2"), ("deployment", "m-v7")]
        placed.wait(days=2)


async def test_an_orphan_is_told_once_a_day(
    placed: PlacedRun, caplog: pytest.LogCaptureFixture
) -> None:
    placed.jobs.put("running", owned(placed))
    for _ in range(5):  # days
        for _ in range(12):
            await orphans.look(placed.ctx)
            placed.wait(hours=2)
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 5


async def test_an_orphan_that_comes_back_is_young_again(placed: PlacedRun) -> None:
    wished(placed)
    placed.jobs.put("running", owned(placed))
    await found(placed)
    await placed.run(Stage.SUBMITTING)
    assert await found(placed) == []
    placed.wait(hours=2)
    await ended(placed)
    assert await found(placed) == [("job", "J1")]
    assert placed.jobs.alive == ["J1"]


async def test_what_cannot_be_listed_ends_nothing_and_forgets_nothing(placed: PlacedRun) -> None:
    placed.jobs.put("running", owned(placed))
    before = await found(placed)

    async def down() -> list[Deployment]:
        raise Unavailable("503")

    placed.control.list = down  # type: ignore[method-assign]
    assert await found(placed) == before


async def test_a_document_that_cannot_be_read_is_replaced(placed: PlacedRun) -> None:
    placed.jobs.put("running", owned(placed))
    await placed.clients.runs.put(orphans.NAME, b"{", "")
    assert await found(placed) == [("job", "J1")]


# ---- files


async def test_a_file_of_an_ended_run_is_told_and_deleted(placed: PlacedRun) -> None:
    wished(placed)
    await ended(placed)
    placed.jobs.names["F1"] = "m-1-1-training.jsonl"
    assert await found(placed) == [("file", "F1")]
    placed.wait(hours=2)
    assert await found(placed) == []
    assert not placed.jobs.names


async def test_files_of_an_active_run_are_left(placed: PlacedRun) -> None:
    wished(placed)
    await placed.run(Stage.CANCELLED)
    for _ in range(2):
        assert await found(placed) == []
        placed.wait(hours=2)


async def test_a_file_that_a_job_of_whomever_is_made_from_is_left(placed: PlacedRun) -> None:
    """The same dataset in a staging app: one run id, one name of the file."""
    wished(placed)
    await ended(placed)
    placed.jobs.names["F1"] = "m-1-1-training.jsonl"
    placed.jobs.made_from[placed.jobs.put("running", "m-1 another-app")] = ("F1",)
    for _ in range(2):
        assert await found(placed) == []
        placed.wait(hours=2)
    assert placed.jobs.names


async def test_a_file_of_an_unknown_run_is_told_and_never_deleted(placed: PlacedRun) -> None:
    wished(placed)
    placed.jobs.names["F9"] = "m-77-1-training.jsonl"
    for _ in range(3):
        assert await found(placed) == [("file", "F9")]
        placed.wait(hours=2)
    assert "F9" in placed.jobs.names


@pytest.mark.parametrize("name", ["mine.jsonl", "m-training.jsonl", "../m-1-1-training.jsonl"])
async def test_a_file_of_another_name_is_not_looked_at(placed: PlacedRun, name: str) -> None:
    await ended(placed)
    placed.jobs.names = {"F1": name}
    assert await found(placed) == []


# ---- deployments


async def test_a_deployment_of_no_version_is_told_with_its_price(placed: PlacedRun) -> None:
    await placed.version()
    placed.control.there["m-v7"] = Deployment("m-v7", MADE, "Succeeded", "GlobalStandard")
    assert await found(placed) == [("deployment", "m-v7")]
    (orphan,) = await orphans.known(placed.clients.runs)
    assert orphan.price == "1,224 USD a month"


async def test_a_deployment_of_no_version_is_deleted_where_it_is_wished(placed: PlacedRun) -> None:
    wished(placed)
    await placed.version()
    placed.control.has("m-v1")
    placed.control.has("m-v7")
    await found(placed)
    placed.wait(hours=2)
    assert await found(placed) == []
    assert list(placed.control.there) == ["m-v1"]


async def test_a_deployment_of_a_withdrawn_version_is_told(placed: PlacedRun) -> None:
    await placed.version(withdrawn=True)
    placed.control.has("m-v1")
    assert await found(placed) == [("deployment", "m-v1")]
    await placed.run(Stage.CANCELLED)  # active: its end is being brought about
    assert await found(placed) == []


async def test_a_deployment_is_known_by_the_job_that_made_its_model(placed: PlacedRun) -> None:
    """The registry has lost the version, or its whole model."""
    placed.jobs.put("succeeded", owned(placed))
    placed.control.has("m-v1")
    assert await found(placed) == [("deployment", "m-v1")]


@pytest.mark.parametrize(
    ("name", "model"), [("gpt-v1", "gpt-4.1"), ("m-v7", "ft:another"), ("captain", MADE)]
)
async def test_a_deployment_without_both_marks_is_left(
    placed: PlacedRun, name: str, model: str
) -> None:
    wished(placed)
    await placed.version()
    placed.control.has(name, model)
    for _ in range(3):
        assert await found(placed) == []
        placed.wait(hours=2)
    assert name in placed.control.there


# ---- with the rest of the sweep


async def test_a_look_is_one_listing_each(harness: RunHarness) -> None:
    await harness.drop()
    await harness.until(await harness.received(), Stage.SERVING)
    await harness.until_inactive()
    journal = harness.ctx.clients.service.journal  # type: ignore[attr-defined]
    journal.clear()
    await orphans.look(harness.ctx)
    assert sorted(journal) == ["deployments.list", "files.list", "jobs.list"]
    assert await orphans.known(harness.ctx.clients.runs) == ()


async def looks(placed: PlacedRun) -> bool:
    """Whether a sweep looks at the service now."""
    placed.jobs.put("running", owned(placed, "m-2"), "J9")
    await reconciler.sweep(placed.ctx)
    ids = [orphan.id for orphan in await orphans.known(placed.clients.runs)]
    del placed.jobs.jobs["J9"]
    return ids == ["J9"]


async def test_a_sweep_looks_every_quarter_of_an_hour(placed: PlacedRun) -> None:
    assert not await looks(placed), "the first sweep of a new app"
    placed.wait(minutes=14)
    assert not await looks(placed)
    placed.wait(minutes=1)
    assert await looks(placed)


async def test_a_look_in_the_future_holds_no_other_back(placed: PlacedRun) -> None:
    """The clock was a day ahead for a while."""
    assert not await looks(placed)
    placed.wait(days=-1)
    assert await looks(placed)


async def test_a_service_that_does_not_answer_is_asked_by_the_next_sweep(
    placed: PlacedRun,
) -> None:
    await looks(placed)
    placed.wait(minutes=20)
    listed = placed.control.list

    async def down() -> list[Deployment]:
        raise Unavailable("503")

    placed.control.list = down  # type: ignore[method-assign]
    assert not await looks(placed)
    placed.control.list = listed  # type: ignore[method-assign]
    assert await looks(placed)
