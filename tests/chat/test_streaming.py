"""Streams: as they come, cut, silent, and left by their caller."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Scope

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
            if b": keep-alive\n" in seen:
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


# Below, the caller is a script that speaks ASGI, so that it can leave at an exact moment. A server
# of ASGI 2.3 (uvicorn) announces a caller who has left, one of 2.4 raises an error when sending.


@dataclass
class Caller:
    """Leaves instead of taking a message that `leaves_at` is in."""

    spec_version: str
    leaves_at: bytes
    key: bytes = b"k"
    left: asyncio.Event = field(default_factory=asyncio.Event)
    bodies: list[Message] = field(default_factory=list)

    async def chat(self, harness: ChatHarness, stream: bool = True) -> Any:
        """The response once it has been sent; it is held, so that nothing is closed by chance."""
        body = json.dumps({"model": "captain", "messages": QUESTION, "stream": stream}).encode()
        self.bodies = [{"type": "http.request", "body": body, "more_body": False}]
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "query_string": b"",
            "headers": [(b"api-key", self.key)],
            "asgi": {"version": "3.0", "spec_version": self.spec_version},
        }
        response = await harness.relay.complete(Request(scope, self.receive, self.send))
        assert response.status_code == 200
        with suppress(ClientDisconnect):
            await response(scope, self.receive, self.send)
        return response

    async def receive(self) -> Message:
        if self.bodies:
            return self.bodies.pop()
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.leaves_at in message.get("body", message["type"].encode()):
            self.left.set()
        if self.left.is_set():
            if self.spec_version >= "2.4":
                raise OSError
            await asyncio.sleep(60)  # it is cancelled here


BEFORE_THE_HEADERS = b"http.response.start"
USAGE = b'data: {"choices": [], "usage": {"total_tokens": 70}}\n\n'


@pytest.mark.parametrize("leaves_at", [BEFORE_THE_HEADERS, b"one"])
@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_however_a_caller_leaves_the_call_upstream_ends(
    harness: ChatHarness, spec_version: str, leaves_at: bytes
) -> None:
    """Before the first event nobody has iterated over the stream, so no `finally` in it runs."""
    harness.upstream.plan("captain-v2", up.stream(up.event("one"), asyncio.Event()))
    response = await Caller(spec_version, leaves_at).chat(harness)
    await asyncio.wait_for(harness.upstream.calls[0].ended.wait(), 10)
    assert response.stream.closed


@pytest.mark.parametrize("leaves_at", [BEFORE_THE_HEADERS, b"one", b"two"])
@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_however_a_caller_leaves_the_key_is_charged_once(
    harness: ChatHarness, spec_version: str, leaves_at: bytes
) -> None:
    """Where there is no account, what may have been made, here all that was reserved: nobody reads
    for nothing."""
    harness.relay.auth.limits.clock = lambda: 0.0
    first = up.stream(up.event("one"), asyncio.Event())
    both = up.stream(up.event("one"), up.event("two") + USAGE, asyncio.Event())
    harness.upstream.plan("captain-v2", both if leaves_at == b"two" else first)
    caller = Caller(spec_version, leaves_at, key=b"m")
    await caller.chat(harness)
    assert 60 - level(harness) == (70 if leaves_at == b"two" else 60)
    again = await harness.http.get("/v1/models", headers={"api-key": "m"})
    assert again.status_code == 429


def level(harness: ChatHarness) -> float:
    """What is left of the 60 tokens of the metered key."""
    return harness.relay.auth.limits.buckets["metered", "tokens"].level


@pytest.mark.parametrize("stream", [True, False])
async def test_a_response_has_ended_when_its_conversation_is_recorded(
    harness: ChatHarness, stream: bool
) -> None:
    """So that the host does not take the instance away before."""
    harness.upstream.plan("captain-v2", up.stream(up.event("one")) if stream else up.answer(id="c"))
    await Caller("2.3", leaves_at=b"never").chat(harness, stream)
    assert await harness.cloud.feedback.read("answers/c")


async def test_a_caller_who_leaves_at_the_last_event_has_the_whole_answer(
    harness: ChatHarness,
) -> None:
    """Clients hang up at [DONE] and do not wait for the connection to end."""
    done = up.stream(up.event("one"), b"data: [DONE]\n\n", asyncio.Event(), done=False)
    harness.upstream.plan("captain-v2", done)
    await Caller("2.3", leaves_at=b"[DONE]").chat(harness)
    assert await harness.cloud.feedback.read("answers/c")


async def test_half_an_answer_is_not_recorded(harness: ChatHarness) -> None:
    half = up.stream(up.event("one"), up.event("two"), asyncio.Event(), done=False)
    harness.upstream.plan("captain-v2", half)
    await Caller("2.3", leaves_at=b"two").chat(harness)
    assert await harness.cloud.feedback.read("answers/c") is None
