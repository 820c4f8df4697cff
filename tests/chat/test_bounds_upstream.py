"""What comes from upstream is bounded as well: answers that do not end, or that unpack to more."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.cloud import completions
from tests.chat import upstream as up
from tests.support.in_process import in_process

CHAT = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
App = tuple[httpx.AsyncClient, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        relay.upstream.deadline_seconds = 20
        yield http, server


@pytest.mark.parametrize("content", ["application/json", "text/event-stream"])
async def test_an_answer_that_is_packed_is_not_unpacked(app: App, content: str) -> None:
    """A kilobyte may be a megabyte; nobody has asked for it."""
    http, server = app
    packed = gzip.compress(b"data: " + b"x" * 10**6)
    headers = (f"content-type: {content}", "content-encoding: gzip")
    server.plan("base", *[up.reply(200, packed, *headers)] * 2)
    response = await http.post("/v1/chat/completions", json=CHAT)
    assert response.status_code == 503
    assert "encoding" in response.json()["error"]["message"]
    assert server.calls[0].headers["accept-encoding"] == "identity"


async def test_an_answer_without_an_end_is_broken_off(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completions, "MAX_ANSWER_BYTES", 100_000)
    http, server = app
    server.plan("base", *[up.reply(200, b"x" * 300_000)] * 2)
    response = await http.post("/v1/chat/completions", json=CHAT)
    assert response.status_code == 503
    assert "100,000 bytes" in response.json()["error"]["message"]
