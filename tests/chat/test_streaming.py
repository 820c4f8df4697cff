"""Streams: as they come, cut, silent, and left by their caller."""

import asyncio

import openai
import pytest

from shared.chat import streaming
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION, ChatHarness


async def test_a_stream_is_relayed_event_by_event(harness: ChatHarness) -> None:
    """The second event is only sent once the first has come through."""
    seen = asyncio.Event()
    harness.upstream.plan("captain-v2", up.stream(up.event("one"), seen, up.event("two")))
    texts = []
    stream = await harness.openai.chat.completions.create(
        model="captain", messages=QUESTION, stream=True
    )
    async for chunk in stream:
        texts.append(chunk.choices[0].delta.content)
        seen.set()
    assert texts == ["one", "two"]


@pytest.mark.parametrize("cut", ["aborted", "ended without [DONE]"])
async def test_a_cut_stream_ends_with_an_error_and_keeps_what_came(
    harness: ChatHarness, cut: str
) -> None:
    seen = asyncio.Event()
    aborted = up.stream(up.event("one"), seen, done=False)
    ended = up.reply(200, up.event("one"), "content-type: text/event-stream")
    harness.upstream.plan("captain-v2", aborted if cut == "aborted" else ended)
    texts = []
    with pytest.raises(openai.APIError) as error:
        async for chunk in await harness.openai.chat.completions.create(
            model="captain", messages=QUESTION, stream=True
        ):
            texts.append(chunk.choices[0].delta.content)
            seen.set()
    assert texts == ["one"]
    assert error.value.code == "upstream_unavailable"


async def test_a_silent_stream_is_kept_alive_by_comments_that_clients_skip(
    harness: ChatHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", 0.02)
    go_on = asyncio.Event()
    harness.upstream.plan("captain-v2", up.stream(up.event("one"), go_on, up.event("two")))
    body = {"model": "captain", "messages": QUESTION, "stream": True}
    seen = b""
    async with harness.http.stream("POST", "/v1/chat/completions", json=body) as response:
        async for chunk in response.aiter_bytes():
            seen += chunk
            if b": keep-alive\n\n" in seen:
                go_on.set()
    assert seen.index(b"one") < seen.index(b": keep-alive") < seen.index(b"two")
    assert seen.endswith(b"data: [DONE]\n\n")


# ---- callers who leave


async def test_hanging_up_in_a_stream_ends_the_call_upstream(harness: ChatHarness) -> None:
    never = asyncio.Event()
    harness.upstream.plan("captain-v2", up.stream(up.event("one"), never))
    body = {"model": "captain", "messages": QUESTION, "stream": True}
    async with harness.http.stream("POST", "/v1/chat/completions", json=body) as response:
        async for _ in response.aiter_bytes():
            break
    await asyncio.wait_for(harness.upstream.calls[0].ended.wait(), 10)


async def test_hanging_up_before_the_answer_ends_the_call_upstream(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v2", up.silence(asyncio.Event()))
    asking = asyncio.create_task(harness.ask())
    await asyncio.wait_for(harness.upstream.called.wait(), 10)
    asking.cancel()
    await asyncio.wait_for(harness.upstream.calls[0].ended.wait(), 10)
    assert harness.upstream.asked() == ["captain-v2"]
