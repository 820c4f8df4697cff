"""A stream's usage is always asked for, and only those see it who have asked."""

import json
from typing import Any

import openai
import pytest

from shared.chat import events
from shared.chat.events import EventSplitter, is_account, is_done
from shared.errors import Unavailable
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION, ChatHarness

ACCOUNT = {"prompt_tokens": 60, "completion_tokens": 10, "total_tokens": 70}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
USAGE = b"data: " + json.dumps({**CHUNK, "choices": [], "usage": ACCOUNT}).encode() + b"\n\n"
# Azure's first event has no choices either.
FILTERS = b'data: {"choices":[],"prompt_filter_results":[],"usage":null}\n\n'
DONE = b"data: [DONE]\n\n"


async def streamed(harness: ChatHarness, **more: Any) -> bytes:
    return (await harness.ask(stream=True, **more)).content


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stream_options": None},
        {"stream_options": {}},
        {"stream_options": {"include_usage": False}},
        {"stream_options": {"include_usage": None, "include_obfuscation": False}},
    ],
)
async def test_who_has_not_asked_gets_the_stream_without_the_account(
    harness: ChatHarness, options: dict[str, Any]
) -> None:
    """`chunk.choices[0]` is what half of all clients write: it fails for the account."""
    harness.upstream.plan("captain-v2", up.stream(FILTERS, up.event("one"), up.event("two"), USAGE))
    assert await streamed(harness, **options) == FILTERS + up.event("one") + up.event("two") + DONE
    given = options.get("stream_options") or {}
    sent = harness.upstream.calls[0].body["stream_options"]
    assert sent == {**given, "include_usage": True}


async def test_who_has_asked_gets_all_of_it(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v2", up.stream(up.event("one"), USAGE))
    options = {"stream_options": {"include_usage": True}}
    assert await streamed(harness, **options) == up.event("one") + USAGE + DONE


async def test_the_sdk_reads_a_stream_whose_account_was_taken_out(harness: ChatHarness) -> None:
    with_null = json.loads(up.event("one").removeprefix(b"data: ")) | {"usage": None}
    event = b"data: " + json.dumps(with_null).encode() + b"\n\n"
    harness.upstream.plan("captain-v2", up.stream(event, USAGE))
    stream = await harness.openai.chat.completions.create(
        model="captain", messages=QUESTION, stream=True
    )
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["one"]


async def test_an_answer_that_is_no_stream_is_asked_for_as_it_was(harness: ChatHarness) -> None:
    assert (await harness.ask(stream=False)).json()["usage"]
    assert "stream_options" not in harness.upstream.calls[0].body


@pytest.mark.parametrize("options", ["x", 1, [], [1], {"include_usage": "yes"}])
async def test_options_that_the_service_would_refuse_are_refused(
    harness: ChatHarness, options: Any
) -> None:
    response = await harness.ask(stream=True, stream_options=options)
    if not options:
        assert response.status_code == 200
        return
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "stream_options"
    assert harness.upstream.calls == []


@pytest.mark.parametrize(
    "refusal",
    [
        "Unrecognized request argument supplied: stream_options",
        "Validation error at #/stream_options: Extra inputs are not permitted",
    ],
)
async def test_a_service_that_takes_no_options_is_asked_without(
    harness: ChatHarness, refusal: str
) -> None:
    harness.upstream.plan("captain-v2", up.error(400, refusal), up.stream(up.event("one")))
    assert await streamed(harness) == up.event("one") + DONE
    asked = [call.body.get("stream_options") for call in harness.upstream.calls]
    assert asked == [{"include_usage": True}, None]


async def test_what_the_caller_has_asked_for_is_refused_in_the_services_words(
    harness: ChatHarness,
) -> None:
    harness.upstream.plan("captain-v2", up.error(400, "stream_options is not supported"))
    with pytest.raises(openai.BadRequestError):
        await harness.openai.chat.completions.create(
            model="captain",
            messages=QUESTION,
            stream=True,
            stream_options={"include_usage": True},
        )
    assert len(harness.upstream.calls) == 1


# ---- events


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 10_000])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_events_are_whole_however_they_come(size: int, end: bytes) -> None:
    whole = [b"data: " + str(n).encode() * n + end for n in range(1, 40)]
    stream, splitter = b"".join(whole) + b"data: ha", EventSplitter()
    found: list[bytes] = []
    for at in range(0, len(stream), size):
        found += splitter.feed(stream[at : at + size])
    assert found == whole
    assert splitter.rest() == b"data: ha"


def test_an_event_without_an_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 1000)
    splitter = EventSplitter()
    with pytest.raises(Unavailable, match="One event had more than"):
        for _ in range(100):
            assert list(splitter.feed(b"x" * 100)) == []
    assert len(splitter.rest()) == 0


async def test_an_endless_event_ends_the_stream_with_an_error(
    harness: ChatHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 100_000)
    harness.upstream.plan("captain-v2", up.stream(up.event("one"), b"data: " + b"x" * 300_000))
    got = await streamed(harness)
    assert got.startswith(up.event("one") + b'data: {"error"')
    assert len(got) < 2000


async def test_a_model_that_says_done_has_not_ended_its_stream(harness: ChatHarness) -> None:
    """What it says stands within JSON; half an event is no event."""
    half = up.event("data: [DONE]") + b'data: {"choices": [{"delta": {"content": "ha'
    said = up.reply(200, half, "content-type: text/event-stream")
    harness.upstream.plan("captain-v2", said)
    got = await streamed(harness)
    assert got.startswith(up.event("data: [DONE]") + b'data: {"error"')
    await harness.idle()
    assert await harness.cloud.feedback.read("answers/c") is None


@pytest.mark.parametrize(
    "event",
    [
        b"data: [DONE]\n\n",
        b"data:[DONE]\n\n",
        b"data: [DONE]",
        b": comment\ndata: [DONE]\r\n\r\n",
    ],
)
def test_the_end_is_known_however_it_is_written(event: bytes) -> None:
    assert is_done(event)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[],"usage":null}\n\n',
        b'data: {"choices":[{"delta":{"content":"usage"}}],"usage":{"total_tokens":1}}\n\n',
        b'data: {"usage": [' + b"[" * 20_000,
        b'data: {"usage": \n\n',
        b'data: ["usage"]\n\n',
        b'data: {"choices":[],"usage":{"x":"' + b"x" * 70_000 + b'"}}\n\n',
        b": usage\n\n",
    ],
)
def test_what_is_more_than_an_account_is_passed_on(event: bytes) -> None:
    assert not is_account(event)


def test_an_account_is_known_in_several_lines() -> None:
    assert is_account(b'data: {"choices":[],\ndata: "usage":{"total_tokens":1}}\n\n')
