"""Jobs under the app's marks that no record knows are told with their price; others are left."""

import logging
from dataclasses import replace

import pytest

from shared.errors import Unavailable
from shared.run import orphans
from shared.run.stages import Stage
from tests.support.orphaned import ended, found, owned, training, wished
from tests.support.placed import PlacedRun


@pytest.fixture
def placed() -> PlacedRun:
    return PlacedRun()


async def test_a_job_of_a_run_is_no_orphan(placed: PlacedRun) -> None:
    await training(placed)
    assert await found(placed) == []


async def test_a_job_beside_the_runs_own_is_told_with_both_ids(
    placed: PlacedRun, caplog: pytest.LogCaptureFixture
) -> None:
    await training(placed)
    placed.jobs.put("running", owned(placed))
    assert await found(placed) == [("job", "J2")]
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert "J2" in line
    assert "m-1 has the job J1" in line
    assert placed.jobs.alive == ["J1", "J2"], "it only tells"


async def test_a_job_of_no_run_is_told(placed: PlacedRun) -> None:
    placed.jobs.put("queued", owned(placed, "m-2"))
    assert await found(placed) == [("job", "J1")]


async def test_a_job_of_an_ended_run_is_told(placed: PlacedRun) -> None:
    placed.jobs.put("running", owned(placed))
    await ended(placed, job_id="J1")
    assert await found(placed) == [("job", "J1")]


async def test_a_run_that_is_being_ended_keeps_its_job_until_then(placed: PlacedRun) -> None:
    placed.jobs.put("running", owned(placed))
    await placed.run(Stage.CANCELLED, job_id="J1")
    assert await found(placed) == []


async def test_a_job_that_no_answer_has_told_of_yet_is_no_orphan(placed: PlacedRun) -> None:
    """The next look of its run finds it."""
    placed.jobs.put("running", owned(placed))
    await placed.run(Stage.SUBMITTING)
    assert await found(placed) == []


async def test_a_run_that_was_paid_for_twice_is_told_what_that_cost(placed: PlacedRun) -> None:
    for name in ("J1", "J2"):
        placed.jobs.put("succeeded", owned(placed), name)
        placed.jobs.jobs[name] = replace(placed.jobs.jobs[name], trained_tokens=2_000_000)
    await ended(placed, Stage.SERVING, job_id="J1")
    assert await found(placed) == [("job", "J2")]
    (orphan,) = await orphans.known(placed.clients.runs)
    assert not orphan.endable
    assert orphan.price == "succeeded, 3.00 USD were trained"
    wished(placed)
    placed.wait(hours=2)
    assert await found(placed) == [("job", "J2")]


async def test_another_apps_job_is_nobodys_business(placed: PlacedRun) -> None:
    wished(placed)
    placed.jobs.put("running", "m-1 another-app")
    placed.jobs.put("running", "m-1")
    for _ in range(3):
        assert await found(placed) == []
        placed.wait(hours=2)
    assert placed.jobs.alive == ["J1", "J2"]


async def test_a_record_that_cannot_be_read_condemns_no_job(placed: PlacedRun) -> None:
    wished(placed)
    placed.jobs.put("running", owned(placed))
    await placed.clients.runs.put("m-1/run.json", b"{", "")
    assert await found(placed) == []


async def test_a_second_job_that_could_not_be_cancelled_is_tried_again(placed: PlacedRun) -> None:
    """Its run's record says that it is not meant: no setting is asked."""
    await training(placed, past_jobs=("J2",))
    placed.jobs.put("running", owned(placed))
    cancel = placed.jobs.cancel

    async def down(job_id: str) -> None:
        raise Unavailable("503")

    placed.jobs.cancel = down  # type: ignore[method-assign]
    assert await found(placed) == [("job", "J2")]
    placed.jobs.cancel = cancel  # type: ignore[method-assign]
    assert await found(placed) == []
    assert placed.jobs.alive == ["J1"]
