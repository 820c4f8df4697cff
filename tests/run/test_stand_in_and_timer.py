"""A timer that ticks again, or did so in the same moment; and what both do."""

import asyncio
from datetime import datetime, timedelta

import pytest

from shared.run import ticking
from shared.run.context import Context
from tests.support.runs import RunHarness
from tests.support.timers import LONG, beat_of, silent_for, standing_in


async def test_the_timer_that_ticks_again_is_left_alone(harness: RunHarness) -> None:
    assert harness.clock
    await silent_for(harness, LONG)
    standing = standing_in(harness)
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
    await standing_in(harness).look()
    assert (await beat_of(harness)).ticked == harness.ctx.now()


async def test_what_is_remembered_is_forgotten_once_a_day_without_a_timer(
    harness: RunHarness,
) -> None:
    assert harness.clock
    forgotten: list[datetime] = []

    async def forget() -> None:
        forgotten.append(harness.ctx.now())

    await silent_for(harness, LONG)
    begin = harness.ctx.now()
    instances = [standing_in(harness, forget) for _ in range(2)]
    for _ in range(50):
        await asyncio.gather(*(instance.look() for instance in instances))
        harness.clock.advance(3600)
    assert [round((at - begin) / timedelta(hours=1)) for at in forgotten] == [24, 48]


async def test_a_tick_does_whatever_a_share_does(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    async def wrong(ctx: Context) -> None:
        done.append("wrong")
        raise RuntimeError("a fault")

    async def right(ctx: Context) -> None:
        done.append("right")

    monkeypatch.setattr(ticking, "ALSO", {"a wrong one": wrong, "a right one": right})
    await ticking.tick(harness.ctx)
    assert done == ["wrong", "right"]
    await silent_for(harness, LONG)
    await standing_in(harness).look()
    assert sorted(done) == ["right", "right", "wrong", "wrong"]


async def test_what_a_frozen_host_has_left_another_call_does(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two requests a host may be frozen, or ended: its lease runs out."""
    assert harness.clock
    await silent_for(harness, LONG)
    begun = asyncio.Event()

    async def frozen(ctx: Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ticking, "ALSO", {"a frozen one": frozen})
    host = asyncio.create_task(standing_in(harness).look())
    await begun.wait()
    monkeypatch.undo()
    await harness.drop()
    run = await harness.received()
    harness.break_claims()
    harness.clock.advance(60)
    await standing_in(harness).look()
    assert (await harness.known(run.id)).stage is not run.stage
    host.cancel()
    await asyncio.gather(host, return_exceptions=True)
