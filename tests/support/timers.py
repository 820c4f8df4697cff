"""Apps whose timer is dead, or has been, and calls that stand in for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

import function_app
from shared.run import heartbeat
from shared.run.context import Context
from shared.run.heartbeat import Heartbeat
from shared.run.standin import Standin
from tests.support.in_process import in_process
from tests.support.runs import RunHarness

LONG = timedelta(minutes=10)


def at_the_clock(harness: RunHarness) -> Context:
    """Its process is as old as the test's time says."""
    assert harness.clock
    clock, begin = harness.clock, harness.clock.now()
    return replace(harness.ctx, uptime=lambda: (clock.now() - begin).total_seconds())


async def runs_nothing() -> None:
    pass


def standing_in(
    harness: RunHarness, forget: Callable[[], Awaitable[None]] = runs_nothing
) -> Standin:
    return Standin(at_the_clock(harness), forget)


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


def returning(value: object) -> Callable[[], object]:
    return lambda: value


@asynccontextmanager
async def without_timer(
    upstream_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx.AsyncClient, RunHarness, Standin]]:
    """The app's own functions over HTTP, with the look that precedes each call."""
    context, relay_of = function_app.context, function_app.relay
    async with in_process(upstream_url, monkeypatch) as (http, relay, runs):
        ctx = at_the_clock(runs)
        standing = Standin(ctx, runs_nothing)
        for name, value in (("opened", ctx), ("opened_relay", relay), ("standin", standing)):
            monkeypatch.setattr(function_app, name, returning(value))
        monkeypatch.setattr(function_app, "context", context)
        monkeypatch.setattr(function_app, "relay", relay_of)
        yield http, runs, standing
