"""Ticks that come late, overlap or meet something bad: what is stuck ends, nothing else suffers."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobLeaseClient
from starlette.requests import Request

from shared import api
from shared.errors import Unavailable
from shared.run import heartbeat, jobs, keeper, steps
from shared.run.ledger import Ledger
from shared.run.record import Run, What, now
from shared.run.stages import ENDS, Stage
from tests.conftest import Loop
from tests.loop.test_loop import jobs_of
from tests.run.conftest import Shore, Trouble, backdate, order, ticked


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
    assert "while submitted" in run.failure.message
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


@pytest.mark.parametrize("absent", ["metrics", "fine_tuned_model_checkpoint"])
async def test_a_checkpoint_without_everything_does_not_cost_the_model(
    shore: Shore, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.TRAINING)
    checkpoints = shore.cloud.finetuning.client.fine_tuning.jobs.checkpoints
    listed = checkpoints.list

    async def bare(job_id: str) -> Any:
        async for checkpoint in listed(job_id):
            if absent == "metrics":
                checkpoint.metrics = None  # type: ignore[assignment]
            else:
                delattr(checkpoint, absent)  # as the SDK makes what was absent
            yield checkpoint

    monkeypatch.setattr(checkpoints, "list", bare)
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.SERVING, (run.stage, run.waiting_for)


async def test_a_loss_without_bounds_does_not_break_the_answer(shore: Shore) -> None:
    await shore.drop()
    run = await shore.received()
    await jobs._keep_results("step,train_loss\n1,2.0\n2,inf\n", run, shore.cloud)
    request = Request({"type": "http", "path_params": {"id": run.id}, "query_string": b""})
    answer = await api.run(request, shore.cloud)
    assert answer.status_code == 200


async def test_events_that_cannot_be_had_do_not_hold_up_a_run_whose_job_has_ended(
    shore: Shore, trouble: Trouble
) -> None:
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.TRAINING)
    trouble.arm("error-before", "jobs.events", count=None)
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.waiting_for


async def test_no_line_of_the_log_is_missing_although_storage_stutters(
    shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await shore.queued(trouble)
    tell = Ledger.tell
    struck: list[str] = []

    async def stutter(self: Ledger, run: Run, kind: str, *rest: Any, **more: Any) -> None:
        if kind == "stage" and not struck:
            struck.append(kind)
            raise Unavailable("Storage answered 503 for events.jsonl.")
        await tell(self, run, kind, *rest, **more)

    monkeypatch.setattr(Ledger, "tell", stutter)
    run = await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    told = [(line["message"], line["who"]) for line in await shore.log(run)]
    assert ("cancelled: Cancelled by Ada: because", "Ada") in told, told


async def test_a_run_that_raises_anything_is_given_up_in_the_end(
    shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await shore.queued(trouble)
    await backdate(shore, run, days=8)
    await ticked(shore, days=8, until=now())

    async def broken(*args: Any) -> Any:
        raise AttributeError("a shape that nobody expected")

    monkeypatch.setitem(steps.STEPS, Stage.SUBMITTED, broken)
    await keeper.tick(shore.cloud)
    run = await shore.known(run.id)
    assert run.waiting_for or run.failure, "and nobody is told"
    assert run.stage is Stage.FAILED


async def test_a_record_that_somebody_holds_does_not_make_its_run_spin(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    """By a lease from the portal, or a policy of immutability."""
    run = await shore.queued(trouble)
    trouble.disarm()
    blob = loop.blobs.get_blob_client(f"runs-{shore.model}", f"{run.id}/run.json")
    lease = BlobLeaseClient(blob)
    loop.service.fine_tuning.jobs.cancel(str(run.job_id))
    lease.acquire(-1)
    before = loop.calls()
    try:
        await asyncio.wait_for(keeper.advance(run.id, shore.cloud), 4)
    finally:
        lease.release()
    assert loop.calls() - before < 20
