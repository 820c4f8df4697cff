"""What cannot be remembered is told, and what an export leaves out is counted in its answer."""

import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared import model_api
from shared.chat import export, feedback, transcripts
from shared.chat.examples import Reason
from shared.chat.protocol import parse_chat
from shared.cloud import container
from tests.chat.remembered import CORRECTED, GOOD, QUESTION, Example, Remembered, whole


async def test_a_line_is_whole_or_says_why_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask may be longer than what it hides, and a line longer than any log takes."""
    monkeypatch.setattr(feedback, "LONGEST_LINE", 1000)
    monkeypatch.setattr(container, "LONGEST_LINE", 1000)
    remembered = Remembered()
    for mails in (40, 100):
        text = "a@b.cc " * mails
        await remembered.said(whole(), GOOD, messages=[{"role": "user", "content": text}])
    logs = remembered.store.container.list("conversations/")
    lines = [line async for log in logs async for line in _lines(remembered, log.name)]
    assert [line.get("left_out") for line in lines] == [None, Reason.TOO_LARGE]
    assert len(await remembered.examples()) == 1
    assert remembered.left_out == {Reason.TOO_LARGE: 1}


async def _lines(remembered: Remembered, name: str) -> AsyncIterator[Example]:
    async for page in remembered.store.container.lines(name):
        for line in page:
            yield json.loads(line)


async def test_letters_of_other_languages_take_no_more_room_than_they_did() -> None:
    remembered = Remembered()
    text = "\u0436" * (2**20 - 2**11)
    await remembered.said(whole(), GOOD, messages=[{"role": "user", "content": text}])
    (example,) = await remembered.examples()
    assert example["messages"][0]["content"] == text
    (blob,) = [b async for b in remembered.store.container.list("conversations/")]
    assert blob.size < 2 * 2**20


async def test_what_cannot_be_masked_is_counted_where_it_was_rated() -> None:
    remembered = Remembered()
    sound = [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]
    await remembered.said(whole(), GOOD, messages=[{"role": "user", "content": sound}])
    assert await remembered.examples() == []
    assert remembered.left_out == {Reason.NOT_MASKABLE: 1}


async def test_what_is_too_large_to_be_looked_at_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    store = Remembered().store
    assert not store.samples("captain", transcripts.MAX_CONVERSATION_BYTES + 1)
    assert "its request has 2,097,153 bytes" in caplog.text
    chat = parse_chat(json.dumps({"model": "captain", "messages": QUESTION}).encode())
    await store.record("captain@1", chat, whole("x" * feedback.MAX_ANSWER_BYTES))
    assert "its answer has 1,04" in caplog.text
    assert [blob.name async for blob in store.container.list()] == []


# ---- the route


async def asked(remembered: Remembered, query: str = "") -> httpx.Response:
    async def body(request: Request) -> Response:
        return await model_api.examples(request, lambda: remembered.store)

    app = Starlette(routes=[Route("/models/{name}/examples", body)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
        return await client.get(f"/models/captain/examples?{query}")


async def test_the_answer_tells_its_length_its_examples_and_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export, "IN_MEMORY", 10)
    monkeypatch.setattr(export, "CHUNK", 7)
    remembered = Remembered()
    await remembered.said(whole(), CORRECTED)
    await remembered.store.container.append("conversations/captain/2026-11-02/12.jsonl", "{torn")
    for query in ("", "method=supervised", "method=dpo", "provenance=1"):
        answer = await asked(remembered, query)
        assert answer.status_code == 200
        assert answer.headers["content-length"] == str(len(answer.content))
        assert answer.headers["x-tunedrop-examples"] == str(answer.text.count("\n")) == "1"
        assert answer.headers["x-tunedrop-left-out"] == "unreadable=1"
        assert ("input" in answer.json()) == (query == "method=dpo")


async def test_nothing_rated_is_an_empty_answer_that_says_so() -> None:
    answer = await asked(Remembered())
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-tunedrop-examples"] == "0"
    assert "x-tunedrop-left-out" not in answer.headers


async def test_an_unknown_method_is_refused_by_name() -> None:
    answer = await asked(Remembered(), "method=rft")
    assert answer.status_code == 400
    assert "'rft'" in answer.json()["error"]["message"]
    assert "supervised or dpo" in answer.json()["error"]["fix"]
