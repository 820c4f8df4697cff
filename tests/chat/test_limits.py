"""Nobody gets more tokens than a key's limit: by many calls at once, by leaving, by any answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.chat import cost
from shared.chat.limits import Limits, TokenBucket
from shared.chat.protocol import RateLimitExceeded
from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.support.in_process import METERED, in_process

CHAT = "/v1/chat/completions"
SAID = [{"role": "user", "content": "Hi"}]
LIMIT = 10_000


@pytest.fixture
async def app(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[httpx.AsyncClient, Relay, up.Upstream]]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        relay.auth.limits.clock = lambda: 0.0
        http.headers["api-key"] = METERED
        yield http, relay, server


App = tuple[httpx.AsyncClient, Relay, up.Upstream]


def used(relay: Relay) -> float:
    """Tokens of the metered key that are used or reserved."""
    bucket = relay.auth.limits.buckets["metered", "tokens"]
    return LIMIT - bucket.level


async def ask(http: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await http.post(CHAT, json={"model": "base", "messages": SAID} | more)


async def test_a_hundred_calls_at_once_get_no_more_than_the_limit(app: App) -> None:
    """Each reserves what it may cost: the last tokens of a bucket do not admit all of them."""
    http, relay, server = app
    go_on = asyncio.Event()
    server.plan("base", *[up.silence(go_on)] * 100)
    relay.upstream.deadline_seconds = 60
    calls = [asyncio.create_task(ask(http)) for _ in range(100)]
    await asyncio.sleep(0.5)
    refused = [call for call in calls if call.done()]
    assert {call.result().status_code for call in refused} == {429}
    assert 100 - len(refused) <= LIMIT / cost.ANSWER_TOKENS + 1
    assert len(server.calls) == 100 - len(refused)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    go_on.set()


async def test_what_was_reserved_too_much_comes_back(app: App) -> None:
    http, relay, server = app
    for _ in range(30):
        assert (await ask(http, max_tokens=9000)).status_code == 200
    assert used(relay) == 30 * 7
    assert len(server.calls) == 30


@pytest.mark.parametrize("more", [{"max_tokens": 10**18}, {"n": 128}, {"max_completion_tokens": 1}])
async def test_what_a_request_allows_its_answers_is_reserved(
    app: App, more: dict[str, int]
) -> None:
    http, relay, server = app
    go_on = asyncio.Event()
    server.plan("base", up.silence(go_on))
    call = asyncio.create_task(ask(http, **more))
    await asyncio.wait_for(server.called.wait(), 10)
    small = more == {"max_completion_tokens": 1}
    assert used(relay) < 100 if small else used(relay) == LIMIT
    assert (await http.get("/v1/models")).status_code == (200 if small else 429)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert used(relay) == (pytest.approx(20, abs=10) if small else LIMIT if "n" in more else 1023)


def body_size(**more: Any) -> int:
    return len(json.dumps({"model": "base", "messages": SAID} | more, separators=(",", ":")))


@pytest.mark.parametrize(
    ("behaviour", "status", "costs"),
    [
        (up.answer(), 200, lambda size: 7),
        (up.answer(usage=None), 200, lambda size: size // 4 + 50),
        (up.answer(usage={"total_tokens": 0}), 200, lambda size: size // 4 + 50),
        (up.answer('"total_tokens": 1', usage=None), 200, lambda size: size // 4 + 50),
        (up.error(400, "content_filter"), 400, lambda size: size // 4 + 10),
        (up.error(429, "", "retry-after: 60"), 429, lambda size: 0),
        (up.error(404), 502, lambda size: 0),
        (up.error(401), 502, lambda size: 0),
        (up.stream(up.event("one"), up.event("two")), 200, lambda size: size // 4 + 2),
        (up.stream(up.event("x" * 4000)), 200, lambda size: size // 4 + 920),
        (up.stream(up.event("x"), done=False), 200, lambda size: size // 4 + 1),
        (up.stream(up.event("x"), up.event('"total_tokens": 1')), 200, lambda size: size // 4 + 2),
    ],
)
async def test_each_end_is_charged_once(app: App, behaviour: Any, status: int, costs: Any) -> None:
    """By the answer's own account, otherwise by what was said and came; a model cannot forge it.
    Azure bills what was answered with 200 or 400, and nothing that was answered with 429."""
    http, relay, server = app
    server.plan("base", behaviour)
    response = await ask(http, stream=True)
    assert response.status_code == status
    expected = costs(body_size(stream=True))
    assert used(relay) == pytest.approx(expected, abs=0 if expected in (0, 7) else 60)
    assert used(relay) > 0 or expected == 0


async def test_a_call_that_runs_out_of_time_costs_its_prompt_and_what_was_made(app: App) -> None:
    http, relay, server = app
    relay.upstream.deadline_seconds = 0.2
    server.plan("base", up.silence(asyncio.Event()))
    assert (await ask(http, metadata={"a": "x" * 400})).status_code == 503
    made = cost.of_unfinished(answers=1, seconds=0)
    assert used(relay) == body_size(metadata={"a": "x" * 400}) // 4 + made


async def test_a_picture_is_charged_as_one_and_not_by_its_bytes(app: App) -> None:
    http, relay, server = app
    server.plan("base", up.answer(usage=None))
    url = {"url": f"data:image/png;base64,{'A' * 400_000}"}
    content = [{"type": "image_url", "image_url": url}]
    assert (await ask(http, messages=[{"role": "user", "content": content}])).status_code == 200
    assert cost.PICTURE_TOKENS < used(relay) < cost.PICTURE_TOKENS + 200


def test_a_settled_reservation_is_settled() -> None:
    limits = Limits(lambda: 0.0)
    reservation = limits.reserve("web", 100, 40)
    assert limits.buckets["web", "tokens"].level == 60
    for tokens in (10, 90, 0):
        reservation.settle(tokens)
    assert limits.buckets["web", "tokens"].level == 90


def test_nothing_is_reserved_where_there_is_no_limit() -> None:
    limits = Limits(lambda: 0.0)
    limits.reserve("web", None, 10**9).settle(10**9)
    assert not limits.buckets


def test_a_bucket_that_is_not_empty_admits_one_call_of_any_size() -> None:
    limits = Limits(lambda: 0.0)
    limits.reserve("web", 100, 10**9)
    with pytest.raises(RateLimitExceeded) as refused:
        limits.reserve("web", 100, 1)
    assert refused.value.retry_after <= 1  # it held no more than the bucket


def test_a_bucket_is_never_fuller_than_full() -> None:
    bucket = TokenBucket(60, 0.0)
    bucket.take(60, 0.0)
    assert bucket.take(1, 3600.0) == 0
    assert bucket.level == 59
