"""Whoever leaves before the end of an answer pays for what the service may have made by then."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.chat import cost
from shared.chat.limits import Limits
from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.support.in_process import METERED, in_process

CHAT = "/v1/chat/completions"
SAID = [{"role": "user", "content": "Hi"}]
LIMIT = 10_000
AT_ONCE = int(cost.TOKENS_PER_SECOND * cost.SECONDS_UNTIL_NOTICED)  # what leaving costs at least

App = tuple[httpx.AsyncClient, Relay, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Its clock stands still."""
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        relay.auth.limits.clock = lambda: 0.0
        relay.upstream.deadline_seconds = 60
        http.headers["api-key"] = METERED
        yield http, relay, server


def used(relay: Relay) -> float:
    return LIMIT - relay.auth.limits.buckets["metered", "tokens"].level


async def leave(app: App, **more: Any) -> None:
    """Ask, and leave as soon as the deployment has been asked, or when the call was refused."""
    http, _, server = app
    server.called.clear()
    call = asyncio.create_task(http.post(CHAT, json={"model": "base", "messages": SAID} | more))
    called = asyncio.create_task(server.called.wait())
    await asyncio.wait({call, called}, return_when=asyncio.FIRST_COMPLETED)
    for task in (call, called):
        task.cancel()
    await asyncio.gather(call, called, return_exceptions=True)


async def test_leaving_does_not_begin_more_answers_than_the_limit_has_tokens_for(app: App) -> None:
    """Sixty times four answers of 16,000 tokens each would be begun for 21 tokens a call."""
    _, _, server = app
    go_on = asyncio.Event()
    server.plan("base", *[up.silence(go_on)] * 60)
    for _ in range(60):
        await leave(app, max_tokens=16_000, n=4)
    assert len(server.calls) == 3  # 4,000 tokens each, and the last one owes
    go_on.set()


async def test_who_waits_longer_before_leaving_pays_more(app: App) -> None:
    _, relay, server = app
    server.plan("base", up.silence(asyncio.Event()))
    clock = [0.0]
    relay.auth.limits.clock = lambda: clock[0]
    call = asyncio.create_task(app[0].post(CHAT, json=asked(max_tokens=9_000)))
    await asyncio.wait_for(server.called.wait(), 10)
    clock[0] = 7.0
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert used(relay) == pytest.approx(7 * cost.TOKENS_PER_SECOND + AT_ONCE + 15, abs=10)


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "base", "messages": SAID} | more


async def test_leaving_costs_no_more_than_was_reserved(app: App) -> None:
    _, relay, server = app
    server.plan("base", up.silence(asyncio.Event()))
    await leave(app, max_tokens=50)
    assert 50 < used(relay) < 100


@pytest.mark.parametrize("events", [1, 1500])
async def test_leaving_a_stream_costs_what_came_or_what_may_have_been_made(
    app: App, events: int
) -> None:
    http, relay, server = app
    go_on = asyncio.Event()
    come = [up.event("x")] * (events - 1) + [up.event("last")]
    server.plan("base", up.stream(b"".join(come), go_on))
    body = asked(stream=True, max_tokens=9_000)
    call = asyncio.create_task(http.post(CHAT, json=body))
    await asyncio.wait_for(server.called.wait(), 10)
    await asyncio.sleep(0.5)  # until it has come through
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert used(relay) == pytest.approx(max(events, AT_ONCE) + 20, abs=15)


async def test_an_answer_that_runs_out_of_time_is_charged_as_one_that_was_left(app: App) -> None:
    """It would be the same way out: to ask for more than can be answered in time."""
    http, relay, server = app
    relay.upstream.deadline_seconds = 0.2
    server.plan("base", up.silence(asyncio.Event()))
    assert (await http.post(CHAT, json=asked(max_tokens=9_000))).status_code == 503
    assert used(relay) == pytest.approx(AT_ONCE + 15, abs=10)


@pytest.mark.parametrize(
    ("come", "seconds", "charged"),
    [(0, 0.0, 1010), (0, 10.0, 3010), (0, 60.0, 5000), (4000, 0.0, 4000), (6000, 60.0, 6000)],
)
def test_at_least_what_came_and_else_at_most_what_is_reserved(
    come: int, seconds: float, charged: int
) -> None:
    clock = [0.0]
    limits = Limits(lambda: clock[0])
    reservation = limits.reserve("web", 100_000, 5000)
    clock[0] = seconds
    reservation.abandon(come, prompt=10, answers=1)
    reservation.settle(0)
    assert limits.buckets["web", "tokens"].level == 100_000 - charged
