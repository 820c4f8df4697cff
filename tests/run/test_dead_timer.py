"""The timer is dead and HTTP lives on: calls do its work, one share at a time, and it is said.

As on the Flex Consumption plan, where timers have stopped for good after a deployment.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import httpx
import pytest

import function_app
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable
from shared.run import heartbeat, standin, timer
from shared.run.context import Context
from shared.run.heartbeat import Heartbeat
from shared.run.schedule import EACH_MINUTE, Schedule
from shared.run.stages import Stage
from shared.run.standin import Standin
from tests.chat import upstream as up
from tests.support.in_process import in_process
from tests.support.runs import RunHarness

SCHEDULE = Schedule.read(EACH_MINUTE)
LONG = timedelta(minutes=10)


def at_the_clock(harness: RunHarness) -> Context:
    """Its process is as old as the test's time says."""
    assert harness.clock
    clock, begin = harness.clock, harness.clock.now()
    return replace(harness.ctx, uptime=lambda: (clock.now() - begin).total_seconds())


async def beat_of(harness: RunHarness) -> Heartbeat:
    found = await heartbeat.latest(harness.ctx.clients.runs)
    assert found
    return found


async def done(standing: Standin) -> None:
    """What the last call has begun."""
    if standing._task:
        await standing._task


async def silent_for(harness: RunHarness, silence: timedelta) -> datetime:
    """The timer has ticked for a day, and not since then."""
    last = harness.ctx.now() - silence
    await harness.ticked(days=1, until=last)
    return last


@asynccontextmanager
async def without_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[httpx.AsyncClient, RunHarness, Standin]]:
    """The app's own functions over HTTP, with the look that precedes each call."""
    context, relay_of = function_app.context, function_app.relay
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, runs):
        ctx = at_the_clock(runs)
        standing = Standin(ctx)
        for name, value in (("opened", ctx), ("opened_relay", relay), ("standin", standing)):
            monkeypatch.setattr(function_app, name, lambda value=value: value)
        monkeypatch.setattr(function_app, "context", context)
        monkeypatch.setattr(function_app, "relay", relay_of)
        yield http, runs, standing


async def test_a_drop_comes_to_serve_by_chats_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with without_timer(monkeypatch) as (http, runs, standing):
        assert runs.clock
        await silent_for(runs, LONG)
        await runs.drop()
        run = await runs.received()
        chats = 0
        while (await runs.known(run.id)).stage is not Stage.SERVING:
            chats += 1
            assert chats < 60, (await runs.known(run.id)).stage
            body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
            assert (await http.post("/v1/chat/completions", json=body)).status_code == 200
            await done(standing)
            runs.clock.advance(60)
        model = await runs.ctx.registry.load("m")
        assert model
        assert model.champion == 1


@pytest.mark.parametrize("path", ["/health", "/runs", "/models", "/v1/models"])
async def test_any_call_does_a_share(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with without_timer(monkeypatch) as (http, runs, standing):
        silent = await silent_for(runs, LONG)
        assert (await http.get(path)).status_code == 200
        await done(standing)
        assert (await beat_of(runs)).last == runs.ctx.now()
        assert (await beat_of(runs)).ticked == silent


async def test_a_call_does_not_wait_for_the_look(harness: RunHarness) -> None:
    await silent_for(harness, LONG)
    standing = Standin(at_the_clock(harness))
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
    standing = Standin(at_the_clock(harness))
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
    instances = [Standin(at_the_clock(harness)) for _ in range(5)]
    beats = set()
    for _ in range(4):
        await asyncio.gather(*(instance.look() for instance in instances))
        beats.add((await beat_of(harness)).last)
        harness.clock.advance(60)
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

    monkeypatch.setattr(standin, "ALSO", {"a slow one": slow})
    first = asyncio.create_task(Standin(at_the_clock(harness)).look())
    await begun.wait()
    one = await beat_of(harness)
    harness.clock.advance(120)
    await Standin(at_the_clock(harness)).look()
    assert await beat_of(harness) == one
    release.set()
    await first
    await Standin(at_the_clock(harness)).look()
    assert (await beat_of(harness)).last == harness.ctx.now()


async def test_a_share_is_bounded_and_each_run_has_its_turn(harness: RunHarness) -> None:
    assert harness.clock
    harness.set_policy(share_runs=2)
    await harness.declined()
    waiting = [f"active/m{number}-gone" for number in range(8)]
    for name in waiting:  # markers without a run, which whoever looks after one clears
        await harness.ctx.clients.runs.put(name, b"", "text/plain")
    await silent_for(harness, LONG)
    standing = Standin(at_the_clock(harness))
    left = [len(waiting) + 1]
    while left[-1] > 1 and len(left) < 200:
        await standing.look()
        left.append(len(await harness.ledger.active()))
        harness.clock.advance(60)
    assert left[-1] == 1
    assert max(before - after for before, after in pairwise(left)) == 2


async def test_no_step_is_begun_once_the_time_is_over(harness: RunHarness) -> None:
    assert harness.clock
    await harness.drop()
    run = await harness.received()
    await silent_for(harness, LONG)
    harness.set_policy(share_seconds=0.0)
    await Standin(at_the_clock(harness)).look()
    assert (await harness.known(run.id)).stage is Stage.RECEIVED
    harness.set_policy(share_seconds=5.0)
    harness.clock.advance(60)
    await Standin(at_the_clock(harness)).look()
    assert (await harness.known(run.id)).stage is not Stage.RECEIVED


async def test_an_app_whose_timer_has_never_ticked_is_looked_after(harness: RunHarness) -> None:
    assert harness.clock
    first = harness.ctx.now()
    standing = Standin(at_the_clock(harness))
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
    standing = Standin(at_the_clock(harness))
    await standing.look()
    assert (await beat_of(harness)).last == harness.ctx.now()
    await harness.ticked(days=1, until=harness.ctx.now() + timedelta(days=400))
    await standing.look()
    heart = await beat_of(harness)
    assert (heart.last, heart.ticked) == (harness.ctx.now(), harness.ctx.now())


async def test_the_timer_that_ticks_again_is_left_alone(harness: RunHarness) -> None:
    assert harness.clock
    await silent_for(harness, LONG)
    standing = Standin(at_the_clock(harness))
    await standing.look()
    harness.clock.advance(60)
    await harness.tick()
    ticked = await beat_of(harness)
    assert ticked.ticked == ticked.last == harness.ctx.now()
    harness.clock.advance(61)
    await standing.look()
    assert await beat_of(harness) == ticked


async def test_a_tick_in_the_same_moment_is_not_undone(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has read the heartbeat before the tick writes nothing over it."""
    await silent_for(harness, LONG)
    runs = harness.ctx.clients.runs
    replace_it = runs.replace

    async def too_late(name: str, data: bytes, etag: str) -> str:
        await harness.tick()
        return await replace_it(name, data, etag)

    monkeypatch.setattr(runs, "replace", too_late)
    await Standin(at_the_clock(harness)).look()
    assert (await beat_of(harness)).ticked == harness.ctx.now()


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
    standing = Standin(at_the_clock(harness))
    for _ in range(50):
        standing.called()
        await done(standing)
    assert asked == 1
    assert caplog.text.count("whether the timer is alive is not known") == 1
