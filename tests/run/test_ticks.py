"""Ticks that come late, overlap or meet something bad: what is stuck ends, nothing else suffers."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request

from shared import api
from shared.errors import Unavailable
from shared.run import delivery, heartbeat, ledger, notify, reconciler, standin, steps
from shared.run.ledger import Ledger
from shared.run.notifications import Kind
from shared.run.outcome import Outcome
from shared.run.record import Action, Run
from shared.run.results import read_results
from shared.run.stages import ENDS, Stage
from shared.run.standin import Standin
from tests.support.control import ServiceControl
from tests.support.harness import on_both, on_stack
from tests.support.limits import with_settings
from tests.support.receiver import receiver
from tests.support.runs import RunHarness
from tests.support.timers import runs_nothing

HANG = 60  # seconds, against a loop that never ends


async def test_what_is_truly_stuck_is_abandoned_with_the_reason_and_its_job_ended(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    await harness.backdate(run, days=8)
    await harness.ticked(days=8)
    await harness.tick()
    run = await harness.known(run.id)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "while submitted" in run.failure.message
    (job,) = service.jobs_of(run.id)
    assert service.job_status(job) == "cancelled"


async def test_a_month_of_downtime_abandons_nothing(harness: RunHarness) -> None:
    run = await harness.queued()
    await harness.backdate(run, days=31)
    await harness.ticked(days=9, until=harness.ctx.now() - timedelta(days=31))
    await harness.tick()
    assert (await harness.known(run.id)).stage is Stage.SUBMITTED


async def test_a_bad_run_and_a_slow_one_do_not_delay_the_others(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    good = await harness.received()
    await harness.ctx.clients.runs.put("active/broken-1", b"", "text/plain")
    await harness.ctx.clients.runs.put("broken-1/run.json", b'{"id": 1}', "application/json")
    await harness.ctx.clients.runs.put("newest/0000000001-broken-1", b"", "text/plain")
    release = asyncio.Event()

    async def slow(cloud: object) -> None:
        await release.wait()

    monkeypatch.setattr(reconciler, "sweep", slow)
    harness.set_policy(tick_timeout=0.05)
    await asyncio.wait_for(harness.until(good, *ENDS), HANG)
    release.set()
    await asyncio.sleep(0)
    assert [run.id for run in await harness.runs()] == [good.id]  # and the list shows the good one


@on_both
async def test_two_ticks_at_once_do_no_harm(harness: RunHarness, service: ServiceControl) -> None:
    await harness.drop()
    run = await harness.received()
    while not (await harness.known(run.id)).ended:
        await asyncio.gather(*(harness.tick() for _ in range(3)))
        await harness.pause(1 if harness.clock else 0)
    run = await harness.known(run.id)
    assert run.stage is Stage.SERVING
    assert service.jobs_of(run.id) == [run.job_id]
    assert len(await harness.messages(run, "stage")) == len(run.timeline)


async def test_a_lost_race_is_given_up_after_some(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes the run whenever its worker is about to."""
    await harness.drop()
    run = await harness.received()
    commit, tried = Ledger.commit, 0

    async def beaten(self: Ledger, before: Run, outcome: Outcome) -> Run:
        nonlocal tried
        tried += 1
        assert tried < 50, "it spins"
        await harness.rewrite(before, last_warning=f"warning {tried}")
        return await commit(self, before, outcome)

    with monkeypatch.context() as racing:
        racing.setattr(Ledger, "commit", beaten)
        await asyncio.wait_for(reconciler.advance(run.id, harness.ctx), HANG)
    assert tried == harness.ctx.policy.max_conflicts
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


async def test_what_is_in_the_way_is_told_once_until_something_else_is(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    for fault in ("unavailable", "denied", "unavailable"):
        service.arm(fault, "jobs.get", count=5, retry_after=1)
        for _ in range(5):
            run = await harness.rewrite(run, not_before=None)
            await harness.tick()
    messages = await harness.messages(run, "waiting")
    assert [("401" in message, "503" in message) for message in messages] == [
        (False, True),
        (True, False),
        (False, True),
    ]


async def test_a_heartbeat_that_cannot_be_read_is_written_anew(harness: RunHarness) -> None:
    await harness.ctx.clients.runs.put(heartbeat.NAME, b'{"last": 1', "application/json")
    await harness.tick()
    heart = await heartbeat.latest(harness.ctx.clients.runs)
    assert heart
    assert harness.ctx.now() - heart.last < timedelta(minutes=1)


async def test_the_log_tells_every_change_with_who_and_what_the_service_says_once(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    lines = await harness.log(run)
    service = [line["message"] for line in lines if line["kind"] == "service"]
    assert [service.count(said) for said in ("Job started.", "Job succeeded.")] == [1, 1]
    assert not any(said.startswith("Step") for said in service)  # those make the curve
    stages = [line["message"].split(":")[0] for line in lines if line["kind"] == "stage"]
    assert stages == [moment.stage for moment in run.timeline]
    assert {line["who"] for line in lines} == {"tunedrop"}
    assert json.dumps(lines).count(run.training.sha256) == 0


async def test_a_loss_without_bounds_does_not_break_the_answer(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    curve = [{"step": 1, "train_loss": 2.0}, {"step": 2, "train_loss": None}]
    steps = read_results("step,train_loss\n1,2.0\n2,inf\n")
    assert [{"step": s.step, "train_loss": s.train_loss} for s in steps] == curve
    await harness.ledger.keep(run.id, ledger.CURVE, json.dumps(curve).encode(), "application/json")
    request = Request({"type": "http", "path_params": {"id": run.id}, "query_string": b""})
    answer = await api.run(request, harness.ctx)
    assert answer.status_code == 200


async def test_events_that_cannot_be_had_do_not_hold_up_a_run_whose_job_has_ended(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    service.arm("error-before", "jobs.events", count=None)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.waiting_for


async def test_no_line_of_the_log_is_missing_although_storage_stutters(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await harness.queued()
    container = harness.ctx.clients.runs
    append = container.append
    struck: list[str] = []

    async def stutter(name: str, line: str) -> None:
        if '"stage"' in line and not struck:
            struck.append(line)
            raise Unavailable("Storage answered 503 for events.jsonl.")
        await append(name, line)

    monkeypatch.setattr(container, "append", stutter)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    told = [(line["message"], line["who"]) for line in await harness.log(run)]
    assert ("cancelled: Cancelled by Ada: because", "Ada") in told, told


async def test_a_run_that_raises_anything_is_abandoned_in_the_end(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await harness.queued()
    await harness.backdate(run, days=8)
    await harness.ticked(days=8)

    async def broken(*args: Any) -> Any:
        raise AttributeError("a shape that nobody expected")

    monkeypatch.setitem(steps.STEPS, Stage.SUBMITTED, broken)
    await harness.tick()
    run = await harness.known(run.id)
    assert run.waiting_for or run.failure, "and nobody is told"
    assert run.stage is Stage.FAILED


@on_both
async def test_a_record_that_somebody_holds_does_not_make_its_run_spin(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    service.disarm()
    service.cancel_job(str(run.job_id))
    before = service.calls()
    async with harness.held_record(run):
        await asyncio.wait_for(reconciler.advance(run.id, harness.ctx), HANG)
    assert service.calls() - before < 20
    assert (await harness.until(run, *ENDS)).stage is Stage.CANCELLED


@on_stack
async def test_what_is_told_waits_in_real_storage_and_is_sent_once(harness: RunHarness) -> None:
    async with receiver() as there:
        with_settings(harness, webhook_url=there.url)
        ctx, data = harness.ctx, {"setting": "TUNEDROP_DAILY_RUNS"}
        for id in ("one", "two", "one"):
            await notify.add(ctx, Kind.BUDGET, "TUNEDROP_DAILY_RUNS", data, id)
        await asyncio.gather(*(delivery.deliver(ctx) for _ in range(3)))
        await notify.add(ctx, Kind.BUDGET, "TUNEDROP_DAILY_RUNS", data, "one")
        await delivery.deliver(ctx)
    assert sorted(there.ids) == ["one", "two"]
    assert [blob.name async for blob in ctx.clients.runs.list("outbox/")] == []


@on_stack
async def test_one_of_several_calls_stands_in_for_a_dead_timer_in_real_storage(
    harness: RunHarness,
) -> None:
    last = harness.ctx.now() - timedelta(minutes=10)
    await harness.ticked(days=1, until=last)
    runs = harness.ctx.clients.runs
    instances = [Standin(harness.ctx, runs_nothing) for _ in range(3)]
    await asyncio.gather(*(instance.look() for instance in instances))
    heart = await heartbeat.latest(runs)
    assert heart
    assert heart.ticked == last < heart.last
    await harness.ticked(days=1, until=last)
    async with runs.lease(standin.NAME) as lease:  # another instance does its share
        assert lease
        await Standin(harness.ctx, runs_nothing).look()
        again = await heartbeat.latest(runs)
        assert again
        assert again.last == last
