"""Each deployment that may answer has its share of the time, until an answer has begun."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError

from shared.chat import streaming, upstream
from shared.chat.circuit_breaker import FAILURE_THRESHOLD
from shared.chat.relay import Relay
from shared.cloud import completions
from tests.chat import upstream as up
from tests.support.in_process import another_version, in_process

CHAT = "/v1/chat/completions"
SAID = [{"role": "user", "content": "Hi"}]
ONE = up.event("one")
# Azure's first event: no choices, but the filter's results for the prompt.
PREAMBLE = b'data: {"id":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error": {"code": "server_error", "message": "The server had an error."}}\n\n'
STREAM = "content-type: text/event-stream"


class App:
    def __init__(self, http: httpx.AsyncClient, relay: Relay, server: up.Upstream) -> None:
        self.http, self.relay, self.server = http, relay, server

    async def ask(self, model: str = "captain", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": SAID, **more}
        return await asyncio.wait_for(self.http.post(CHAT, json=body), 20)

    async def stream(self, model: str = "captain") -> httpx.Response:
        return await self.ask(model, stream=True)

    def failures(self, name: str) -> int:
        return self.relay.upstream.breakers[name].failures


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """`captain` has two versions, the second its champion; `previous` and `base` are fallbacks."""
    more = {"TUNEDROP_CHAT_FALLBACK": "previous, base"}
    async with (
        up.upstream() as server,
        in_process(server.url, monkeypatch, **more) as (http, relay, runs),
    ):
        await another_version(runs, 2)
        relay.upstream.sleep = no_pause
        yield App(http, relay, server)


async def no_pause(seconds: float) -> None:
    await asyncio.sleep(0)


# ---- shares of the time


async def test_a_silent_champion_leaves_time_for_its_healthy_fallback(app: App) -> None:
    app.relay.upstream.deadline_seconds = 2.0
    app.relay.upstream.breakers["captain@2"].failures = FAILURE_THRESHOLD - 1
    app.server.plan("captain-v2", up.silence(asyncio.Event()))
    for _ in range(2):
        answer = await app.ask()
        assert answer.status_code == 200
        assert answer.headers["x-tunedrop-model"] == "captain@1"
    assert app.server.asked() == ["captain-v2", "captain-v1", "captain-v1"]
    assert app.relay.upstream.breakers["captain@2"].retry_in() > 0
    assert app.failures("captain@1") == app.failures("base") == 0
    assert (await app.ask("captain@1")).status_code == 200


async def test_the_last_that_may_be_asked_has_all_of_the_time(app: App) -> None:
    """A deployment whose breaker is open takes none of it."""
    app.relay.upstream.deadline_seconds = 0.3
    for name in ("captain@1", "base"):
        for _ in range(5):
            app.relay.upstream.breakers[name].record_failure()
    app.server.plan("captain-v2", up.silence(asyncio.Event()))
    message = (await app.ask()).json()["error"]["message"]
    assert "captain@2 did not answer within 0.3 s" in message
    assert app.server.asked() == ["captain-v2"]


async def test_too_little_time_is_no_reason_to_shut_a_deployment_out(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.relay.upstream.deadline_seconds = 0.1
    app.server.plan("base", *[up.silence(asyncio.Event())] * 2)
    await app.ask("base")
    assert app.failures("base") == 1
    monkeypatch.setattr(upstream, "FAIR_SHARE", 2.0)  # more than any has
    await app.ask("base")
    assert app.failures("base") == 1


async def test_all_who_were_asked_are_told_with_what_they_said(app: App) -> None:
    app.server.plan("captain-v2", up.error(429, "slow", "retry-after: 60"))
    app.server.plan("captain-v1", up.error(404, "DeploymentNotFound"))
    app.server.plan("base", up.error(403, "Forbidden"))
    answer = await app.ask()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    message = answer.json()["error"]["message"]
    for said in ("captain@2", "captain@1", "base", "429 slow", "404 DeploymentNotFound", "403"):
        assert said in message


@pytest.mark.parametrize("first", ["base", "captain-v1"])
async def test_a_refusal_does_not_hide_that_another_try_may_help(app: App, first: str) -> None:
    app.server.plan("captain-v2", up.error(403, "Forbidden"))
    for name in ("captain-v1", "base"):
        app.server.plan(name, *[up.error(503) if name == first else up.error(423)] * 2)
    answer = await app.ask()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_unavailable")


async def test_what_ran_out_of_time_is_charged_whatever_the_others_said(app: App) -> None:
    """The service may have made an answer, although nobody has waited for it."""
    app.relay.upstream.deadline_seconds = 0.2
    app.server.plan("captain-v2", up.error(503))
    app.server.plan("captain-v1", up.silence(asyncio.Event()))
    app.server.plan("base", up.error(404))
    limits = app.relay.auth.limits
    limits.clock = lambda: 0.0
    answer = await app.http.post(
        CHAT, json={"model": "captain", "messages": SAID}, headers={"api-key": "metered"}
    )
    assert answer.status_code == 503
    assert limits.buckets["metered", "tokens"].level < 10_000


async def test_a_backend_is_not_blamed_for_a_token_that_nobody_gives_the_app(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def token() -> str:
        raise ServiceRequestError("identity is down")

    # A deployment of another resource is asked with a token.
    monkeypatch.setattr(completions, "token_provider", lambda *_: token)
    app.relay.router.fallback = ("other@http://127.0.0.1:9",)
    app.server.plan("captain-v2", *[up.error(500)] * 2)
    answer = await app.ask()
    assert "identity service" in answer.json()["error"]["message"]
    assert app.failures("captain@2") == 2
    assert app.failures("other@http://127.0.0.1:9") == 0


# ---- streams that end before they begin


async def headers_only(call: up.Call) -> None:
    """200, headers, and the connection is gone."""
    await call.send(f"HTTP/1.1 200 OK\r\n{STREAM}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    call.writer.transport.abort()


NEVER_BEGAN = {
    "headers only": headers_only,
    "no bytes": up.reply(200, b"", STREAM),
    "a comment": up.reply(200, b": hello\n\n", STREAM),
    "the filter's results only": up.reply(200, PREAMBLE, STREAM),
    "the filter's results without choices": up.reply(200, b'data: {"choices": null}\n\n', STREAM),
    "a gateway's ping": up.reply(200, b"event: ping\ndata: {}\n\n", STREAM),
    "half an event": up.reply(200, ONE[:20], STREAM),
    "cut in the first event": up.stream(PREAMBLE, ONE[:20], done=False),
    "done at once": up.stream(PREAMBLE),
    "an error": up.reply(200, ERROR, STREAM),
    "an error after the filter's results": up.stream(PREAMBLE, ERROR),
    "an error without its empty line": up.reply(200, ERROR.strip(), STREAM),
    "an error that is a text": up.reply(200, b'data: {"error": "overloaded"}\n\n', STREAM),
}


@pytest.mark.parametrize("begun", NEVER_BEGAN.values(), ids=NEVER_BEGAN)
async def test_a_stream_that_never_began_is_asked_for_again(app: App, begun: up.Behaviour) -> None:
    app.server.plan("captain-v2", begun, up.stream(PREAMBLE, ONE))
    answer = await app.stream()
    assert answer.headers["x-tunedrop-model"] == "captain@2"
    assert answer.content == PREAMBLE + ONE + DONE
    assert app.server.asked() == ["captain-v2"] * 2


@pytest.mark.parametrize("begun", NEVER_BEGAN.values(), ids=NEVER_BEGAN)
async def test_a_stream_that_never_begins_is_an_error_with_a_status(
    app: App, begun: up.Behaviour
) -> None:
    app.server.plan("base", begun, begun)
    answer = await app.stream("base")
    assert answer.status_code in (502, 503)
    assert "base" in answer.json()["error"]["message"]
    assert app.failures("base") == 2


async def test_a_stream_whose_headers_come_and_nothing_else_has_a_fallback(app: App) -> None:
    app.relay.upstream.deadline_seconds = 0.4
    app.server.plan("captain-v2", up.stream(asyncio.Event()))
    app.server.plan("captain-v1", up.stream(ONE))
    answer = await app.stream()
    assert answer.headers["x-tunedrop-fallback-for"] == "captain@2"
    assert answer.content == ONE + DONE
    await asyncio.wait_for(app.server.calls[0].ended.wait(), 10)


async def test_the_last_such_stream_is_passed_on_and_kept_alive(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else could answer, and its caller's proxy must not take it for dead."""
    monkeypatch.setattr(upstream, "FIRST_EVENT_SECONDS", 0.02)
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.02)
    go_on = asyncio.Event()
    app.server.plan("base", up.stream(PREAMBLE, go_on, ONE))
    asking = asyncio.create_task(app.stream("base"))
    await asyncio.wait_for(app.server.called.wait(), 10)
    asyncio.get_running_loop().call_later(0.2, go_on.set)
    answer = await asking
    assert b"keep-alive" in answer.content
    assert answer.content.replace(b": keep-alive\n", b"") == PREAMBLE + ONE + DONE


async def test_a_stream_is_not_held_without_end(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "MAX_HELD_BYTES", 1000)
    comments = b": still there\n\n" * 100
    app.server.plan("captain-v2", up.stream(comments, ONE))
    answer = await app.stream()
    assert answer.content == comments + ONE + DONE


@pytest.mark.parametrize(
    "error",
    [
        b'{"error": {"code": "content_filter", "message": "m"}}',
        b'{"error": {"type": "invalid_request_error", "message": "m"}}',
        b'{"error": {"code": "x", "status": 400, "message": "m"}}',
    ],
)
async def test_a_callers_own_mistake_told_in_a_stream_is_passed_on(app: App, error: bytes) -> None:
    app.server.plan("captain-v2", up.stream(b"data: " + error + b"\n\n"))
    answer = await app.stream()
    assert answer.content == b"data: " + error + b"\n\n" + DONE
    assert app.server.asked() == ["captain-v2"]


async def test_throttling_told_in_a_stream_is_throttling(app: App) -> None:
    error = b'data: {"error": {"code": "429", "message": "Please retry after 45 seconds."}}\n\n'
    app.server.plan("base", up.reply(200, error, STREAM))
    answer = await app.stream("base")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "45")
    assert app.failures("base") == 0


# ---- streams that the service itself ends with an error


@pytest.mark.parametrize(
    "end",
    [
        up.stream(ONE, ERROR),
        up.reply(200, ONE + ERROR, STREAM),
        up.reply(200, ONE + ERROR.strip(), STREAM),
        up.stream(ONE, ERROR, done=False),
        up.reply(200, ONE + b"event: error\n" + ERROR, STREAM),
    ],
    ids=["and [DONE]", "at its end", "without an empty line", "cut", "named"],
)
async def test_a_stream_that_the_service_ends_with_an_error_has_one_error(
    app: App, end: up.Behaviour
) -> None:
    app.server.plan("captain-v2", end)
    answer = await app.stream()
    assert answer.content.count(b'"error"') == 1
    assert b"had an error" in answer.content
    assert answer.content.replace(DONE, b"").endswith(b"\n\n")
    assert app.server.asked() == ["captain-v2"]


async def test_an_answer_that_ends_with_an_error_is_not_remembered(app: App) -> None:
    """Also where its event has the shape of any other, and [DONE] follows it."""
    like_others = ERROR.replace(b'{"error"', b'{"choices": [], "error"')
    ends = ((ERROR,), (like_others,), ())
    app.server.plan("captain-v2", *[up.stream(ONE, *end) for end in ends])
    for _ in range(2):
        await app.stream()
        assert await app.relay.feedback.container.read("answers/c") is None
    await app.stream()
    assert await app.relay.feedback.container.read("answers/c")


async def test_a_filter_that_failed_beside_a_choice_is_no_error_of_the_stream(app: App) -> None:
    """Azure says so of each choice while its filter is down; the answer itself goes on."""
    error = b'"content_filter_results":{"error":{"code":"content_filter_error","message":"m"}}'
    event = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},' + error + b"}]}\n\n"
    cut = up.reply(200, event, STREAM)
    app.server.plan("captain-v2", cut)
    assert (await app.stream()).content.startswith(event + b'data: {"error"')
