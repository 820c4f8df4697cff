"""Streams under Microsoft's engine: as they come, and for as long as somebody listens."""

import json
from typing import Any

import pytest

from tests.engine.hosts import SUCCEEDED, Call, Engine
from tests.engine.story import APP_KEY, QUESTION, Told
from tests.support.stack import StackHarness, wait_for

LONG = 2000  # tokens, far more than anybody waits for


def chat(most: int) -> Call:
    body: dict[str, Any] = {"model": Engine.model, "messages": QUESTION, "max_tokens": most}
    body["stream"] = True
    return Call("POST", "v1/chat/completions", {"api-key": APP_KEY}, json.dumps(body).encode())


@pytest.mark.contract("streams")
def test_a_stream_comes_piece_by_piece(engine: Engine, under_engine: Told) -> None:
    invocation, response = engine.stream("chat", chat(8))
    pieces = [piece for piece in response.iter_raw() if piece.strip()]
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert len(pieces) > 1
    assert pieces[-1].strip().endswith(b"data: [DONE]")
    assert engine.status(invocation) == SUCCEEDED


@pytest.mark.contract("client-leaves")
def test_a_client_that_leaves_ends_the_stream(
    engine: Engine, under_engine: Told, stack: StackHarness
) -> None:
    """The engine tells the host of success when the answer begins; what follows is the server's."""
    invocation, response = engine.stream("chat", chat(LONG))
    assert next(response.iter_raw())
    response.close()
    assert engine.status(invocation) == SUCCEEDED
    wait_for(lambda: not stack.emulator("state", method="GET")["chats"]["generating"])


@pytest.mark.contract("client-leaves")
def test_a_client_that_leaves_before_the_answer_ends_the_call(
    engine: Engine, under_engine: Told, stack: StackHarness
) -> None:
    """The service would answer after an hour: that the invocation ends at all shows it."""
    stack.emulator(
        "faults", {"fault": "slow", "operation": "chat.create", "seconds": 3600, "count": None}
    )
    call = chat(8)
    invocation = engine.begin("chat", {})
    with engine.raw(invocation, call):
        wait_for(lambda: struck(stack))
    assert engine.status(invocation) == SUCCEEDED
    stack.emulator("faults", method="DELETE")


def struck(stack: StackHarness) -> bool:
    faults = stack.emulator("faults", method="GET")["armed"]
    return any(fault["fault"] == "slow" and fault["struck"] for fault in faults)


def test_the_engine_works_on_after_that(engine: Engine, under_engine: Told) -> None:
    assert engine.ask("health", Call("GET", "health", {})).status_code == 200
