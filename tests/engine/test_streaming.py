"""Streams under Microsoft's engine: as they come, and for as long as somebody listens."""

import json
from typing import Any

from tests.engine.hosts import SUCCEEDED, Call, Engine
from tests.engine.story import APP_KEY, QUESTION, Told
from tests.support.stack import StackHarness, wait_for

LONG = 2000  # tokens, far more than anybody waits for


def chat(most: int) -> Call:
    body: dict[str, Any] = {"model": Engine.model, "messages": QUESTION, "max_tokens": most}
    body["stream"] = True
    return Call("POST", "v1/chat/completions", {"api-key": APP_KEY}, json.dumps(body).encode())


def test_a_stream_comes_piece_by_piece(engine: Engine, under_engine: Told) -> None:
    invocation, response = engine.stream("chat", chat(8))
    pieces = [piece for piece in response.iter_raw() if piece.strip()]
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert len(pieces) > 1
    assert pieces[-1].strip().endswith(b"data: [DONE]")
    assert engine.status(invocation) == SUCCEEDED


def test_a_client_that_leaves_ends_the_chat(
    engine: Engine, under_engine: Told, stack: StackHarness
) -> None:
    """The engine tells the host of success when the answer begins; what follows is the server's."""
    invocation, response = engine.stream("chat", chat(LONG))
    assert next(response.iter_raw())
    response.close()
    assert engine.status(invocation) == SUCCEEDED
    id = response.headers["x-request-id"]
    ask = Call("GET", f"trace/{id}", {})

    def traced() -> Any:
        answer = engine.ask("trace", ask)
        return answer.json()["chats"] if answer.status_code == 200 else None

    (line,) = wait_for(traced)
    print(line)


def test_the_engine_works_on_after_it(engine: Engine, under_engine: Told) -> None:
    answer = engine.ask("health", Call("GET", "health", {}))
    assert answer.status_code == 200
