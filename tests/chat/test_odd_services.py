"""Services, gateways and callers that do what is allowed and seldom done."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive

from shared.chat import streaming
from shared.chat.events import EventSplitter
from shared.chat.examples import Method
from shared.chat.feedback import parse_rating
from shared.chat.parsing import BadRequest
from shared.chat.protocol import parse_chat
from shared.chat.transcripts import read_answer
from shared.cloud.throttling import retry_after
from tests.chat import upstream as up
from tests.chat.remembered import Remembered, whole
from tests.support.in_process import KEY, in_process

CHAT = "/v1/chat/completions"
ASKED = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
ONE = b'data: {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
EVENT_STREAM = "content-type: text/event-stream"
App = tuple[httpx.AsyncClient, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, _, _):
        yield http, server


# ---- time


async def test_only_its_own_silence_ends_a_stream(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.02)
    monkeypatch.setattr(streaming, "SILENCE_SECONDS", 0.1)
    http, server = app
    never = asyncio.Event()
    server.plan("captain-v1", up.stream(ONE, never))
    answer = await asyncio.wait_for(http.post(CHAT, json={**ASKED, "stream": True}), 20)
    assert answer.content.startswith(ONE + b": keep-alive\n")
    assert b"has sent nothing for 0.1 s" in answer.content
    assert server.asked() == ["captain-v1"]


async def test_the_client_has_no_time_limit_of_its_own_on_an_answer(app: App) -> None:
    """The deadline is a setting: an answer may take all of it."""
    http, server = app
    hold = asyncio.Event()

    async def late(call: up.Call) -> None:
        await hold.wait()
        await up.answer()(call)

    server.plan("captain-v1", late)
    asking = asyncio.create_task(http.post(CHAT, json=ASKED))
    await asyncio.wait_for(server.called.wait(), 10)
    asyncio.get_running_loop().call_later(0.2, hold.set)
    assert (await asking).status_code == 200
    assert server.asked() == ["captain-v1"]


@pytest.mark.parametrize(
    "said",
    ["Wed, 21 Oct 99999999999 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 +9999999999999", "soon"],
)
def test_a_date_that_is_none_is_no_pause(said: str) -> None:
    assert retry_after({"retry-after": said}) is None


@pytest.mark.parametrize(
    ("said", "told"), [("-5", "1"), ("Wed, 21 Oct 2015 07:28:00 GMT", "1"), ("1e300", "86400")]
)
async def test_callers_are_told_a_pause_that_they_can_read(app: App, said: str, told: str) -> None:
    http, server = app
    throttled = up.error(429, "429", f"retry-after: {said}")
    server.plan("captain-v1", *[throttled] * 9)
    answer = await http.post(CHAT, json=ASKED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, told)


# ---- forms


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n"])
def test_any_two_line_ends_in_a_row_end_an_event(end: bytes) -> None:
    for size in (1, 2, 3, 100):
        body, events = b"data: a" + end + b"data: b" + end, EventSplitter()
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        found = [event for piece in pieces for event in events.feed(piece)]
        assert [event.strip() for event in found] == [b"data: a", b"data: b"]


@pytest.mark.parametrize("begins", [b"id: 1\n", b"event: message\n", b"retry: 10\n", b": hi\n"])
def test_an_answer_is_read_whatever_its_events_begin_with(begins: bytes) -> None:
    odd = b'data:\n\nevent: ping\ndata: {}\n\ndata: {"usage": {"total_tokens": 1}}\n\n'
    lines = (
        b'data: {"id": "chatcmpl-1", "choices":\ndata: [{"index": 0, "delta": {"content": "!"}}]}'
    )
    said = read_answer(begins + ONE + odd + lines + b"\n\ndata: [DONE]\n\n")
    assert said is not None
    assert (said.id, said.message["content"]) == ("chatcmpl-1", "Hi!")


async def test_an_error_in_the_form_of_a_stream_is_read_like_any_other(app: App) -> None:
    http, server = app
    sentence = "Please retry after 45 seconds."
    body = json.dumps({"error": {"code": "429", "message": sentence}}).encode()
    server.plan("captain-v1", *[up.reply(429, body, EVENT_STREAM)] * 9)
    answer = await http.post(CHAT, json={**ASKED, "stream": True})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "45")
    assert server.asked() == ["captain-v1"]


async def test_an_encoding_that_is_none_is_none_however_it_is_written(app: App) -> None:
    http, server = app
    body = json.dumps({"id": "chatcmpl-1", "choices": [{"message": {"content": "Hi"}}]}).encode()
    as_json = "content-type: application/json"
    server.plan("captain-v1", up.reply(200, body, as_json, "content-encoding: Identity"))
    assert (await http.post(CHAT, json=ASKED)).status_code == 200


# ---- callers


@pytest.mark.parametrize("path", [CHAT, "/feedback"])
async def test_who_hangs_up_while_it_sends_is_no_fault_of_the_app(app: App, path: str) -> None:
    http, server = app
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await http._transport.app(_scope(path), _half_a_body(), send)  # type: ignore[attr-defined]
    assert statuses == [499]
    assert server.calls == []


def _half_a_body() -> Receive:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"model": "cap', "more_body": True}
    ]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"api-key", KEY.encode()), (b"content-length", b"1000")],
    }


@pytest.mark.parametrize("path", ["/runs/x/cancel", "/doctor", "/nonsense"])
async def test_no_page_may_ask_for_what_is_not_the_chats(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "http://localhost:5173"
    allowed = {"TUNEDROP_ALLOWED_ORIGINS": page}
    question = {"origin": page, "access-control-request-method": "POST"}
    async with (
        up.upstream() as server,
        in_process(server.url, monkeypatch, **allowed) as (http, *_),
    ):
        answer = await http.options(path, headers=question)
        may = await http.options(CHAT, headers=question)
    assert answer.status_code in (404, 405)
    assert may.status_code == 200


# ---- ratings


async def test_a_correction_of_blanks_is_refused_and_blanks_around_it_teach_nothing() -> None:
    people = Remembered()
    with pytest.raises(BadRequest):
        parse_rating(b'{"id": "chatcmpl-1", "rating": "bad", "correction": " "}')
    await people.said(whole("Hello"), {"rating": "bad", "correction": "Hello "})
    assert await people.examples(Method.DPO) == []
    assert people.left_out == {"same": 1}


async def test_an_answer_that_nobody_could_rate_is_told(caplog: pytest.LogCaptureFixture) -> None:
    people = Remembered()
    answer = whole().replace(b"chatcmpl-1", b"an:odd.id")
    request: Any = json.dumps({"model": "captain", "messages": [{"role": "user", "content": "?"}]})
    await people.store.record("captain@1", parse_chat(request.encode()), answer)
    assert "is not recorded: its answer has no message, or no id" in caplog.text
