"""Pauses, limits and ids of requests: read wherever the service puts them, and passed on."""

from collections.abc import AsyncIterator, Mapping

import httpx
import openai
import pytest

from shared.cloud.throttling import retry_after, throttled_for
from shared.cloud.translate import service_error
from shared.errors import Throttled
from tests.chat import upstream as up
from tests.support.in_process import in_process

CHAT = "/v1/chat/completions"
BASE = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
App = tuple[httpx.AsyncClient, up.Upstream]
LIMITS = {
    "x-ratelimit-limit-tokens": "50000",
    "x-ratelimit-remaining-tokens": "61353",
    "x-ratelimit-remaining-requests": "79",
    "x-ratelimit-reset-requests": "120ms",
    "x-rate-limit-reset-tokens": "55",
    "apim-request-id": "3fa85f64",
    "x-ms-region": "Sweden Central",
}


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, _, _):
        yield http, server


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "120"}, 0.12),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "9", "x-ratelimit-reset-tokens": "55"}, 9),
        ({"x-ratelimit-reset-tokens": "55"}, 55),
        ({"x-rate-limit-reset-tokens": "55"}, 55),
        ({"x-ratelimit-reset-requests": "1s"}, 1),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-reset-requests": "1h2m3.5s"}, 3723.5),
        # The limit that is used up counts, not the one that takes longer.
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "900",
                "x-ratelimit-reset-tokens": "50s",
            },
            2,
        ),
        ({"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "50s"}, 50),
    ],
)
def test_each_way_to_say_how_long(headers: Mapping[str, str], seconds: float) -> None:
    assert throttled_for(headers) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "said", ["-1", "0", "", "soon", "1x", "s", "inf", "nan", "1e999", "9" * 400 + "s", "1s2m"]
)
def test_what_says_nothing_is_no_pause(said: str) -> None:
    assert throttled_for({"x-ratelimit-reset-tokens": said}) is None


@pytest.mark.parametrize("said", ["inf", "nan", "1e999"])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"])
def test_nobody_waits_for_ever(name: str, said: str) -> None:
    assert retry_after({name: said}) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "Your requests have exceeded the token rate limit. Please retry after 45 seconds.",
        "Rate limit is exceeded. Try again in 45 seconds.",
    ],
)
def test_a_pause_that_is_only_said_is_read(sentence: str) -> None:
    assert throttled_for({}, sentence) == 45
    assert throttled_for({"retry-after": "7"}, sentence) == 7


def test_a_reset_is_no_pause_of_a_service_that_is_merely_broken() -> None:
    """It stands on every answer."""
    assert retry_after({"x-ratelimit-reset-tokens": "55"}) is None


def test_the_run_waits_by_the_same_headers() -> None:
    response = httpx.Response(429, headers={"x-ratelimit-reset-requests": "6m0s"})
    response.request = httpx.Request("POST", "http://service")
    error = openai.RateLimitError("slow", response=response, body=None)  # type: ignore[arg-type]
    raised = service_error("Azure OpenAI", "create a job", error)
    assert isinstance(raised, Throttled)
    assert raised.retry_after == 360


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["retry-after: 60"], "60"),
        (["x-ratelimit-reset-requests: 6m0s"], "360"),
        (["x-ms-retry-after-ms: 59100"], "60"),  # never sooner than was asked
        (["retry-after: 86400"], "86400"),
    ],
)
async def test_a_callers_retry_after_is_the_services_pause(
    app: App, headers: list[str], seconds: str
) -> None:
    http, server = app
    server.plan("base", up.error(429, "429", *headers))
    answer = await http.post(CHAT, json=BASE)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, seconds)
    name, _, value = headers[0].partition(": ")
    assert answer.headers[name] == value
    assert server.asked() == ["base"]  # a pause of more than 5 seconds is not waited for


async def test_a_pause_without_end_is_an_error_of_nobodys(app: App) -> None:
    http, server = app
    server.plan("base", *[up.error(429, "429", "retry-after: 1e999", "retry-after-ms: inf")] * 2)
    assert (await http.post(CHAT, json=BASE)).status_code == 429


# ---- headers that are passed on


def with_headers(kind: str, headers: Mapping[str, str]) -> up.Behaviour:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if kind == "stream":
        event = up.event("one") + b"data: [DONE]\n\n"
        return up.reply(200, event, "content-type: text/event-stream", *lines)
    if kind == "answer":
        body = b'{"choices": [{"message": {}}]}'
        return up.reply(200, body, "content-type: application/json", *lines)
    return up.error(int(kind), "", "retry-after: 60", *lines)


@pytest.mark.parametrize("kind", ["answer", "stream", "400", "403", "404", "429", "500"])
async def test_limits_and_ids_are_passed_on(app: App, kind: str) -> None:
    http, server = app
    sent = {**LIMITS, "x-request-id": "theirs"}
    server.plan("base", with_headers(kind, sent))
    body = {**BASE, "stream": kind == "stream"}
    answer = await http.post(CHAT, json=body, headers={"x-request-id": "mine"})
    passed_on = {name: answer.headers.get(name) for name in LIMITS}
    assert passed_on == LIMITS
    assert answer.headers["x-request-id"] == "mine"
    assert answer.headers["x-upstream-request-id"] == "theirs"


@pytest.mark.parametrize("kind", ["answer", "stream", "429"])
async def test_what_could_steer_a_caller_is_not_passed_on(app: App, kind: str) -> None:
    http, server = app
    odd = {
        "x-ratelimit-note": "x" * 300,
        "x-ms-region": "Malm\u00f6\u20ac",
        "set-cookie": "a=b",
        "location": "http://elsewhere",
        "x-tunedrop-model": "another",
        "access-control-allow-origin": "*",
    }
    server.plan("base", with_headers(kind, odd))
    answer = await http.post(CHAT, json={**BASE, "stream": kind == "stream"})
    assert answer.status_code in (200, 429)
    assert not {*odd} - {"x-tunedrop-model"} & {*answer.headers}
    assert answer.headers.get("x-tunedrop-model", "base") == "base"


async def test_a_redirect_is_not_followed_with_the_resources_key(app: App) -> None:
    http, server = app
    moved = up.reply(307, b"", f"location: {server.url}/elsewhere")
    server.plan("base", moved, moved)
    answer = await http.post(CHAT, json=BASE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_no_answer")
    assert server.asked() == ["base"]
