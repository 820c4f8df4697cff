"""A key's limit is one limit: whichever API of OpenAI a request is for, and whichever of the two
URL families it comes by. Of both LiteLLM has had reports: one was not counted, so it was free."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.chat import cost
from shared.chat.apis import COMPLETIONS, EMBEDDINGS, RESPONSES
from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.support.in_process import METERED, in_process

LIMIT = 10_000
SAID = [{"role": "user", "content": "Hi"}]
REQUESTS: dict[str, dict[str, Any]] = {
    "chat/completions": {"messages": SAID},
    "responses": {"input": "Hi"},
    "completions": {"prompt": "Hi"},
    "embeddings": {"input": "Hi"},
}
FAMILIES = [
    "/v1/{}",
    "/openai/v1/{}",
    "/openai/{}?api-version=2025-04-01-preview",
    "/openai/deployments/base/{}?api-version=2024-10-21",
]
App = tuple[httpx.AsyncClient, Relay, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        relay.auth.limits.clock = lambda: 0.0
        http.headers["api-key"] = METERED
        yield http, relay, server


def used(relay: Relay) -> float:
    return LIMIT - relay.auth.limits.buckets["metered", "tokens"].level


@pytest.mark.parametrize("path", REQUESTS)
async def test_each_way_to_an_api_counts_against_the_same_limit(app: App, path: str) -> None:
    http, relay, _ = app
    for number, family in enumerate(FAMILIES, 1):
        answer = await http.post(family.format(path), json={"model": "base", **REQUESTS[path]})
        assert answer.status_code == 200
        assert used(relay) == 7 * number


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_limit_that_is_used_up_is_used_up_for_all_of_them(app: App, path: str) -> None:
    http, relay, server = app
    relay.auth.limits.take("metered", "tokens", LIMIT, LIMIT)
    for family in FAMILIES:
        answer = await http.post(family.format(path), json={"model": "base", **REQUESTS[path]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(answer.headers["retry-after"]) > 0
    assert server.calls == []


NAMED = {"total_tokens": 900}  # by a caller, in what the service repeats


@pytest.mark.parametrize("later", [{}, {"a_field_of_tomorrow": NAMED}])
async def test_a_streamed_response_costs_what_it_says_at_its_end(
    app: App, later: dict[str, Any]
) -> None:
    http, relay, server = app
    server.plan("base", up.response_stream("Arr!", **later))
    await http.post("/v1/responses", json={"model": "base", "input": "Hi", "stream": True})
    assert used(relay) == 7


async def test_a_response_that_tells_no_usage_costs_its_text_once(app: App) -> None:
    """It comes four times: in deltas, and in each of the events that end a part of it."""
    http, relay, server = app
    words = ["word " * 400] * 3
    server.plan("base", up.response_stream(*words, usage=None))
    body = {"model": "base", "input": "Hi", "stream": True}
    await http.post("/v1/responses", json=body)
    text = sum(map(len, words)) // cost.BYTES_PER_TOKEN
    assert text * 0.8 < used(relay) < text * 1.2


@pytest.mark.parametrize(
    ("more", "reserved"),
    [({}, cost.ANSWER_TOKENS), ({"max_output_tokens": 50}, 50), ({"max_tokens": 50}, 1000)],
)
async def test_what_a_response_may_have_is_reserved(
    app: App, more: dict[str, int], reserved: int
) -> None:
    http, relay, server = app
    go_on = asyncio.Event()
    server.plan("base", up.silence(go_on))
    body = {"model": "base", "input": "Hi", **more}
    call = asyncio.create_task(http.post("/v1/responses", json=body))
    await asyncio.wait_for(server.called.wait(), 10)
    assert reserved < used(relay) < reserved + 50
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    go_on.set()


def test_pictures_of_a_response_count_as_pictures() -> None:
    url = "data:image/png;base64,AAAA"
    picture = {"type": "input_image", "image_url": url}
    shown = {"type": "function_call_output", "call_id": "x", "output": [picture]}
    screen = {"type": "computer_call_output", "output": {"image_url": url}}
    items = [{"role": "user", "content": [picture, {"type": "input_text"}]}, shown, screen]
    assert RESPONSES.pictures({"input": items}) == [url] * 3
    assert RESPONSES.pictures({"input": "Hi"}) == []


@pytest.mark.parametrize(
    ("body", "answers", "tokens"),
    [
        ({"prompt": "a"}, 1, 16),
        ({"prompt": ["a", "b"], "n": 2}, 4, 64),
        ({"prompt": [1, 2, 3]}, 1, 16),
        ({"prompt": [[1, 2], [3]], "max_tokens": 5}, 2, 10),
        ({"prompt": "a", "n": 1, "best_of": 3}, 3, 48),
    ],
)
def test_each_prompt_of_a_text_completion_has_its_answers(
    body: dict[str, Any], answers: int, tokens: int
) -> None:
    assert COMPLETIONS.answers(body) == answers
    assert COMPLETIONS.answer_tokens(body) == tokens


def test_an_embedding_has_no_answer_to_be_reserved() -> None:
    assert EMBEDDINGS.answer_tokens({"input": ["a"] * 100, "n": 7}) == 0
