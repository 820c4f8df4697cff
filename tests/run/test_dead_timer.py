"""The timer is dead and HTTP lives on: calls do its work, one share at a time, and it is said."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable
from shared.run import heartbeat, reconciler, ticking, timer
from shared.run.context import Context
from shared.run.heartbeat import Heartbeat
from shared.run.schedule import EACH_MINUTE, Schedule
from shared.run.stages import Stage
from tests.support.runs import RunHarness
from tests.support.timers import LONG, beat_of, done, silent_for, standing_in

SCHEDULE = Schedule.read(EACH_MINUTE)


async def test_a_call_does_not_wait_for_the_look(harness: RunHarness) -> None:
    await silent_for(harness, LONG)
    standing = standing_in(harness)
    standing.called()  # not awaited: nothing can have happened yet
    assert (await beat_of(harness)).last < harness.ctx.now()
    await done(standing)
    assert (await beat_of(harness)).last == harness.ctx.now()


async def test_while_the_timer_is_well_a_process_looks_once_a_minute_and_does_nothing(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert harness.clock
    await silent_for(harness, timedelta(seconds=30))
    before = await beat_of(harness)
    looks = 0
    latest = heartbeat.latest

    async def counted(runs: MemoryContainer) -> Heartbeat | None:
        nonlocal looks
        looks += 1
        return await latest(runs)

    monkeypatch.setattr(heartbeat, "latest", counted)
    standing = standing_in(harness)
    for _ in range(120):
        standing.called()
        await done(standing)
        harness.clock.advance(1)
    assert looks == 2
    monkeypatch.undo()
    assert await beat_of(harness) == before


async def test_several_instances_do_one_share_for_each_missing_tick(harness: RunHarness) -> None:
    assert harness.clock
    silent = await silent_for(harness, LONG)
    instances = [standing_in(harness) for _ in range(5)]
    beats = set()
    for _ in range(4):
        await asyncio.gather(*(instance.look() for instance in instances))
        beats.add((await beat_of(harness)).last)
        harness.clock.advance(20)
        await asyncio.gather(*(instance.look() for instance in instances))
        assert (await beat_of(harness)).last in beats  # no tick is missing since then
        harness.clock.advance(40)
    assert len(beats) == 4
    assert (await beat_of(harness)).ticked == silent


async def test_nobody_does_a_share_beside_another(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert harness.clock
    await silent_for(harness, LONG)
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Context) -> None:
        begun.set()
        await release.wait()

    monkeypatch.setattr(ticking, "ALSO", {"a slow one": slow})
    first = asyncio.create_task(standing_in(harness).look())
    await begun.wait()
    one = await beat_of(harness)
    harness.clock.advance(120)
    await standing_in(harness).look()
    assert await beat_of(harness) == one
    release.set()
    await first
    await standing_in(harness).look()
    assert (await beat_of(harness)).last == harness.ctx.now()


async def test_a_share_is_bounded_and_each_run_has_its_turn(harness: RunHarness) -> None:
    assert harness.clock
    harness.set_policy(share_runs=2)
    await harness.declined()
    waiting = [f"active/m{number}-gone" for number in range(8)]
    for name in waiting:  # markers without a run, which whoever looks after one clears
        await harness.ctx.clients.runs.put(name, b"", "text/plain")
    await silent_for(harness, LONG)
    standing = standing_in(harness)
    left = [len(waiting) + 1]
    while left[-1] > 1 and len(left) < 200:
        await standing.look()
        left.append(len(await harness.ledger.active()))
        harness.clock.advance(60)
    assert left[-1] == 1
    assert max(before - after for before, after in pairwise(left)) == 2


async def broken(harness: RunHarness, count: int) -> set[str]:
    """Active runs whose records cannot be read: each look at one is told in the log."""
    names = {f"m-{number:08x}" for number in range(count)}
    for name in names:
        await harness.ctx.clients.runs.put(f"active/{name}", b"", "text/plain")
        await harness.ctx.clients.runs.put(f"{name}/run.json", b"{", "application/json")
    return names


def looked_at(names: set[str], caplog: pytest.LogCaptureFixture) -> set[str]:
    return {name for name in names if f"run {name}: " in caplog.text}


async def test_runs_that_stay_are_looked_after_in_turn(
    harness: RunHarness, caplog: pytest.LogCaptureFixture
) -> None:
    assert harness.clock
    harness.set_policy(share_runs=2)
    names = await broken(harness, 6)
    await silent_for(harness, LONG)
    standing = standing_in(harness)
    for _ in range(200):
        await standing.look()
        harness.clock.advance(60)
        if looked_at(names, caplog) == names:
            return
    raise AssertionError(looked_at(names, caplog))


async def test_work_that_does_not_end_is_not_piled_up(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert harness.clock
    release = asyncio.Event()

    async def endless(ctx: Context) -> None:
        await release.wait()

    monkeypatch.setattr(ticking, "ALSO", {"an endless one": endless})
    harness.set_policy(share_runs=1, tick_timeout=0.01)
    await silent_for(harness, LONG)
    standing = standing_in(harness)
    await standing.look()
    names = await broken(harness, 3)
    for _ in range(3):
        harness.clock.advance(60)
        await standing.look()
    assert looked_at(names, caplog) == set()
    assert len(harness.ctx.overrunning) == 1
    release.set()
    await asyncio.wait(set(harness.ctx.overrunning))
    harness.clock.advance(60)
    await standing.look()
    assert len(looked_at(names, caplog)) == 1


async def test_a_share_does_one_thing_after_the_other(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that are answered meanwhile wait for one of them at most."""
    under_way, most = 0, 0

    async def one(ctx: Context) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    monkeypatch.setattr(ticking, "ALSO", {str(number): one for number in range(4)})
    await silent_for(harness, LONG)
    await standing_in(harness).look()
    assert most == 1


async def test_no_step_is_begun_once_the_time_is_over(harness: RunHarness) -> None:
    assert harness.clock
    await harness.drop()
    run = await harness.received()
    await silent_for(harness, LONG)
    harness.set_policy(share_seconds=0.0)
    await standing_in(harness).look()
    assert (await harness.known(run.id)).stage is Stage.RECEIVED
    harness.set_policy(share_seconds=5.0)
    harness.clock.advance(60)
    await standing_in(harness).look()
    assert (await harness.known(run.id)).stage is not Stage.RECEIVED


async def test_a_run_goes_no_further_than_the_time_allows(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    times = iter([0.0])
    bounded = replace(harness.ctx, until=0.5, uptime=lambda: next(times, 1.0))
    await reconciler.advance(run.id, bounded)
    one_step = await harness.known(run.id)
    await reconciler.advance(run.id, harness.ctx)
    assert run.stage is Stage.RECEIVED
    assert one_step.stage not in (run.stage, (await harness.known(run.id)).stage)


async def test_an_app_whose_timer_has_never_ticked_is_looked_after(harness: RunHarness) -> None:
    assert harness.clock
    first = harness.ctx.now()
    standing = standing_in(harness)
    await standing.look()
    assert timer.health(await beat_of(harness), EACH_MINUTE, harness.ctx.now())["status"] == "ok"
    harness.clock.advance(5 * 60)
    await standing.look()
    heart = await beat_of(harness)
    assert heart.last == harness.ctx.now()
    assert timer.dead_since(heart, SCHEDULE, harness.ctx.now()) == first


async def test_a_heartbeat_that_cannot_be_read_or_lies_ahead_holds_nothing_up(
    harness: RunHarness,
) -> None:
    assert harness.clock
    runs = harness.ctx.clients.runs
    await runs.put(heartbeat.NAME, b'{"last": 1', "application/json")
    standing = standing_in(harness)
    await standing.look()
    assert (await beat_of(harness)).last == harness.ctx.now()
    await harness.ticked(days=1, until=harness.ctx.now() + timedelta(days=400))
    await standing.look()
    heart = await beat_of(harness)
    assert (heart.last, heart.ticked) == (harness.ctx.now(), harness.ctx.now())


async def test_storage_that_is_away_costs_a_line_and_is_not_asked_at_every_call(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert harness.clock
    asked = 0

    async def away(runs: MemoryContainer) -> Heartbeat | None:
        nonlocal asked
        asked += 1
        raise Unavailable("Storage does not answer.", "Wait.")

    monkeypatch.setattr(heartbeat, "latest", away)
    standing = standing_in(harness)
    for _ in range(50):
        standing.called()
        await done(standing)
    assert asked == 1
    assert caplog.text.count("whether the timer is alive is not known") == 1
