"""Ticks that come late, overlap or meet something bad: what is stuck ends, nothing else suffers."""

import asyncio
import json
from datetime import timedelta

import pytest

from shared.run import heartbeat, keeper
from shared.run.record import now
from shared.run.stages import ENDS, Stage
from tests.conftest import Loop
from tests.loop.test_loop import jobs_of
from tests.run.conftest import Shore, Trouble, backdate, ticked


async def test_what_is_truly_stuck_is_given_up_with_the_reason_and_its_job_ended(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    run = await shore.queued(trouble)
    await backdate(shore, run, days=8)
    await ticked(shore, days=8, until=now())
    await keeper.tick(shore.cloud)
    run = await shore.known(run.id)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "while submitted" in run.failure.what
    (job,) = jobs_of(loop, run.id)
    assert loop.service.fine_tuning.jobs.retrieve(job).status == "cancelled"


async def test_a_month_of_downtime_gives_nothing_up(shore: Shore, trouble: Trouble) -> None:
    run = await shore.queued(trouble)
    await backdate(shore, run, days=31)
    await ticked(shore, days=9, until=now() - timedelta(days=31))
    await keeper.tick(shore.cloud)
    assert (await shore.known(run.id)).stage is Stage.SUBMITTED


async def test_a_bad_run_and_a_slow_one_do_not_delay_the_others(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shore.drop()
    good = await shore.received()
    await shore.cloud.runs.put("active/broken-1", b"", "text/plain")
    await shore.cloud.runs.put("broken-1/run.json", b'{"id": 1}', "application/json")
    release = asyncio.Event()

    async def slow(cloud: object) -> None:
        await release.wait()

    monkeypatch.setattr(keeper, "sweep", slow)
    monkeypatch.setattr(keeper, "TURN", 2.0)
    await shore.until(good, *ENDS)
    release.set()
    await asyncio.sleep(0)
    assert [run.id for run in await shore.runs()] == [good.id]  # and the list shows the good one


async def test_two_ticks_at_once_do_no_harm(loop: Loop, shore: Shore) -> None:
    await shore.drop()
    run = await shore.received()
    while not (await shore.known(run.id)).ended:
        await asyncio.gather(*(keeper.tick(shore.cloud) for _ in range(3)))
    assert (await shore.known(run.id)).stage is Stage.SERVING
    assert jobs_of(loop, run.id) == [(await shore.known(run.id)).job_id]


async def test_a_heartbeat_that_cannot_be_read_is_written_anew(shore: Shore) -> None:
    await shore.cloud.runs.put(heartbeat.NAME, b'{"last": 1', "application/json")
    await keeper.tick(shore.cloud)
    heart = await heartbeat.latest(shore.cloud.runs)
    assert heart
    assert now() - heart.last < timedelta(minutes=1)


async def test_the_log_tells_every_change_with_who_and_what_the_service_says_once(
    shore: Shore,
) -> None:
    await shore.drop()
    run = await shore.until(await shore.received(), *ENDS)
    lines = await shore.log(run)
    service = [line["message"] for line in lines if line["kind"] == "service"]
    assert [service.count(said) for said in ("Job started.", "Job succeeded.")] == [1, 1]
    assert not any(said.startswith("Step") for said in service)  # those make the curve
    stages = [line["message"].split(":")[0] for line in lines if line["kind"] == "stage"]
    assert stages == [moment.stage for moment in run.timeline]
    assert {line["who"] for line in lines} == {"tunedrop"}
    assert json.dumps(lines).count(run.training.sha256) == 0
