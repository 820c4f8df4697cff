"""Whatever a command's body and path hold: it is taken as text, or refused."""

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.printable import printable
from tests.support.fuzz import fuzz
from tests.support.in_process import in_process

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
BODY = st.fixed_dictionaries({}, optional={"who": st.text() | JSON, "why": st.text() | JSON})
# Not the ways out of a path, which are another path then.
NAME = st.text(min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..") and "/" not in name and name.isprintable()
)


@pytest.fixture(scope="module")
def post() -> Iterator[object]:
    """Post to the app; `run` is a run that has ended."""
    patch = pytest.MonkeyPatch()
    with asyncio.Runner() as runner:
        inside = in_process("http://127.0.0.1:1", patch)
        http, _, runs = runner.run(inside.__aenter__())
        runner.run(runs.drop(b'{"messages": []}\n'))
        run = runner.run(runs.received())
        runner.run(runs.tick())

        def send(path: str, body: bytes) -> httpx.Response:
            return runner.run(http.post(path.replace("RUN", run.id), content=body))

        yield send
        runner.run(inside.__aexit__(None, None, None))
    patch.undo()


@fuzz
@given(st.binary(max_size=200) | (BODY | JSON).map(lambda value: json.dumps(value).encode()))
@example(b'{"who": "\\ud800"}')
@example(b'{"why": "\\u001b[2J\\u202e"}')
@example(b"[" * 10_000)
@example(b"\xef\xbb\xbf{}")
def test_fuzz_of_a_commands_body(post: object, body: bytes) -> None:
    assert callable(post)
    response = post("/runs/RUN/pause", body)
    assert response.status_code in (400, 409)
    assert printable(response.json()["error"]["message"]) == response.json()["error"]["message"]


@fuzz
@given(NAME, NAME)
@example("RUN", "start\x00")
def test_fuzz_of_a_commands_path(post: object, run_id: str, name: str) -> None:
    assert callable(post)
    response = post(f"/runs/{quote(run_id, safe='')}/{quote(name, safe='')}", b"")
    assert response.status_code in (404, 409)
    assert len(response.content) < 1000
