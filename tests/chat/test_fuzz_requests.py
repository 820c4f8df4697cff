"""Whatever a stranger sends to the routes of callers: an answer, or a refusal in OpenAI's shape,
and never an error of the app. `tests/support/fuzz.py` says how much is tried."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.chat import upstream as up
from tests.support.fuzz import fuzz
from tests.support.in_process import in_process

MOST_SECONDS = 5.0  # of the processor, for one request of a few kilobytes
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
PART = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["text", "image_url", "input_audio"]) | JSON,
        "text": JSON,
        "image_url": st.fixed_dictionaries({}, optional={"url": JSON}) | JSON,
    },
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"]) | JSON},
    optional={
        "content": st.text() | st.lists(PART | JSON, max_size=3) | JSON,
        "tool_calls": JSON,
        "name": JSON,
    },
)
CHAT = st.fixed_dictionaries(
    {"model": st.sampled_from(["captain", "base", "captain@1"]) | st.text() | JSON},
    optional={
        "messages": st.lists(MESSAGE, max_size=3) | JSON,
        "stream": st.booleans() | JSON,
        "stream_options": JSON | st.fixed_dictionaries({"include_usage": JSON}),
        "tools": JSON,
        "n": JSON,
        "max_tokens": JSON,
        "store": JSON,
        "service_tier": JSON,
    },
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"])
        | JSON,
        "role": st.sampled_from(["user", "assistant", "developer"]) | JSON,
        "content": st.text() | st.lists(PART | JSON, max_size=3) | JSON,
        "output": st.text() | st.lists(PART | JSON, max_size=3) | JSON,
        "name": JSON,
        "call_id": JSON,
        "arguments": JSON,
    },
)
RESPONSE = st.fixed_dictionaries(
    {"model": st.sampled_from(["captain", "base", "captain@1"]) | JSON},
    optional={
        "input": st.text() | st.lists(ITEM | JSON, max_size=3) | JSON,
        "instructions": JSON,
        "stream": st.booleans() | JSON,
        "tools": st.lists(JSON, max_size=2) | JSON,
        "store": JSON,
        "prompt": JSON,
        "previous_response_id": JSON,
        "max_output_tokens": JSON,
    },
)
BASE = st.fixed_dictionaries(
    {"model": st.just("base") | JSON}, optional={"input": JSON, "prompt": JSON, "n": JSON}
)
RATING = st.fixed_dictionaries(
    {},
    optional={
        "id": st.just("chatcmpl-1") | JSON,
        "rating": st.sampled_from(["good", "bad"]) | JSON,
        "correction": st.text() | JSON,
        "comment": JSON,
        "x": JSON,
    },
)


def written(value: Any) -> bytes:
    """Half of a surrogate pair is written as such, NaN as Python writes it."""
    return json.dumps(value).encode()


class InProcess:
    """The app on an event loop that hypothesis can call from its own functions."""

    def __init__(self, runner: asyncio.Runner, http: httpx.AsyncClient) -> None:
        self.runner, self.http = runner, http

    def post(self, path: str, body: bytes) -> httpx.Response:
        before = time.process_time()
        response = self.runner.run(self.http.post(path, content=body))
        assert time.process_time() - before < MOST_SECONDS
        return response


@pytest.fixture(scope="module")
def app() -> Iterator[InProcess]:
    patch = pytest.MonkeyPatch()
    with asyncio.Runner() as runner:
        server = up.upstream()
        upstream = runner.run(server.__aenter__())
        inside = in_process(upstream.url, patch)
        http, *_ = runner.run(inside.__aenter__())
        yield InProcess(runner, http)
        runner.run(inside.__aexit__(None, None, None))
        runner.run(server.__aexit__(None, None, None))
    patch.undo()


def refused(response: httpx.Response) -> bool:
    """Whether it is a refusal; then it names what is wrong in OpenAI's shape."""
    assert response.status_code < 500, response.text
    if response.status_code < 400:
        return False
    error = response.json()["error"]
    assert error["message"]
    assert len(response.content) < 2000
    assert set(error) == {"message", "type", "param", "code"}
    return True


@fuzz
@given(st.binary(max_size=300) | (CHAT | JSON).map(written))
@example(b'{"model": "captain", "messages": [{"role": "user", "content": [null]}]}')
@example(b'{"model": "captain", "messages": [{"role": "user", "content": [{"image_url": {}}]}]}')
@example(b'{"model": "base", "messages": [{"role": 1}], "stream": true, "stream_options": [1]}')
@example(b'{"model": "base", "messages": [{"role": 1}], "max_tokens": true, "n": -1}')
@example(b'{"model": "captain", "messages": [{"role": "user"}], "tools": [{"\\ud800": NaN}]}')
@example(b'{"model": "captain", "messages": [{"role": "\\ud800", "\\ud800": "\\udfff"}]}')
def test_fuzz_of_a_chat(app: InProcess, body: bytes) -> None:
    response = app.post("/v1/chat/completions", body)
    if not refused(response):
        assert response.headers["x-tunedrop-model"] in ("captain@1", "base")


@fuzz
@given(st.binary(max_size=300) | (RESPONSE | JSON).map(written))
@example(b'{"model": "captain", "input": [{}]}')
@example(b'{"model": "captain", "input": [{"type": [], "content": [null, {"type": {}}]}]}')
@example(b'{"model": "captain", "input": "x", "tools": [{"type": "function"}, 7]}')
@example(b'{"model": "captain", "input": [{"type": "function_call", "arguments": 7}]}')
@example(b'{"model": "captain", "input": [{"type": "function_call_output", "output": {}}]}')
def test_fuzz_of_a_response(app: InProcess, body: bytes) -> None:
    response = app.post("/v1/responses", body)
    if not refused(response):
        assert response.headers["x-tunedrop-model"] in ("captain@1", "base")


@fuzz
@given(st.binary(max_size=300) | (BASE | JSON).map(written))
def test_fuzz_of_what_base_deployments_answer(app: InProcess, body: bytes) -> None:
    for path in ("embeddings", "completions"):
        if not refused(app.post(f"/v1/{path}", body)):
            assert json.loads(body)["model"] == "base"


@fuzz
@given(st.binary(max_size=300) | (RATING | JSON).map(written))
@example(b'{"id": "chatcmpl-1", "rating": "good", "correction": "\\ud800"}')
@example(b'{"id": "chatcmpl-1", "rating": "good", "\\u001b[2J": 1}')
def test_fuzz_of_a_rating(app: InProcess, body: bytes) -> None:
    chat = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
    assert app.post("/v1/chat/completions", written(chat)).status_code == 200
    response = app.post("/feedback", body)
    if not refused(response):
        assert response.status_code == 201
