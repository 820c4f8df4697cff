"""How a response and its events are read, also those of services that write them oddly."""

import json
from typing import Any

import pytest

from shared.chat.response_events import Signs
from tests.chat import upstream as up

SIGNS = Signs()


@pytest.mark.parametrize(
    ("more", "answers"),
    [
        ({}, True),
        ({"output": []}, True),  # completed without a word
        ({"status": "incomplete", "output": []}, True),
        ({"status": "in_progress", "output": []}, False),
        ({"status": "queued", "output": None}, False),
        ({"status": "failed", "output": []}, False),
        ({"status": "failed"}, True),  # what it has said before
        ({"status": 7, "usage": "x", "error": 1}, True),
    ],
)
def test_what_counts_as_an_answer(more: dict[str, Any], answers: bool) -> None:
    body = json.dumps(up.response_object(up.message_item("Hi"), **more)).encode()
    assert SIGNS.has_answer(body) == answers


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"choices": [{}]}', b"{" * 1000])
def test_what_is_no_response_is_no_answer(body: bytes) -> None:
    assert not SIGNS.has_answer(body)
    assert SIGNS.counted(body) is None
    assert SIGNS.error_in(body) is None


@pytest.mark.parametrize(
    "event",
    [
        up.typed("error", 1, code=429, message="Slow down.", param=None),
        up.typed("error", 1, error={"code": 429, "message": "Slow down."}),
        b'data: {"message": "Slow down.", "code": 429, "type": "error"}\n\n',
        b'data: {"error": {"code": 429, "message": "Slow down."}}\n\n',
        b'event: error\r\ndata:{"type":"error","code":429,"message":"Slow down."}\r\n\r\n',
    ],
)
def test_an_error_is_read_in_each_form(event: bytes) -> None:
    error = SIGNS.error_in(event)
    assert error
    assert (error["code"], error["message"]) == (429, "Slow down.")
    assert not SIGNS.is_preamble(event)
    assert not SIGNS.is_end(event)


@pytest.mark.parametrize(
    "event",
    [
        b": keep-alive\n\n",
        up.typed("keepalive"),
        up.typed("response.created", response=up.response_object(status="in_progress")),
        up.typed("response.queued"),
        up.typed("response.in_progress"),
    ],
)
def test_before_an_answer_nothing_has_begun_or_cost(event: bytes) -> None:
    assert SIGNS.is_preamble(event)
    assert SIGNS.counted(event) is None
    assert SIGNS.tokens_in(event) == 0


@pytest.mark.parametrize("usage", [None, {}, "x", {"total_tokens": "7"}, {"total_tokens": 0}])
def test_an_account_that_is_none_is_not_counted(usage: object) -> None:
    event = up.typed("response.completed", response=up.response_object(usage=usage))
    assert SIGNS.is_end(event)
    assert SIGNS.counted(event) is None


def test_a_model_that_says_an_event_ends_nothing() -> None:
    said = '\ndata: {"type": "response.completed"}\n\n[DONE]'
    event = up.typed("response.output_text.delta", delta=said)
    assert not SIGNS.is_end(event)
    assert SIGNS.error_in(event) is None
