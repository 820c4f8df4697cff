"""Refused requests are counted, and told once a minute: a flood of them hides nothing else."""

import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest

from shared import telemetry
from shared.chat.refusals import LINE_EVERY_SECONDS, Refusals
from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.support.in_process import METERED, in_process, signed_in

CHAT = "/v1/chat/completions"
SAID = [{"role": "user", "content": "Hi"}]
App = tuple[httpx.AsyncClient, Relay, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        yield http, relay, server


@pytest.fixture
def counted() -> Iterator[list[dict[str, Any]]]:
    """The attributes of each refusal that is counted."""
    made: list[dict[str, Any]] = []

    def note(value: float, attributes: Mapping[str, Any]) -> None:
        made.append(dict(attributes))

    record = {name: lambda *_: None for name in telemetry.METRICS}
    record["tunedrop.chat.refusals"] = note
    previous = telemetry.connect(telemetry.Outputs(record=record))
    yield made
    telemetry.connect(previous)


async def test_a_flood_of_refusals_is_a_line_a_minute_and_counted_in_full(
    app: App, counted: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    """Each one a line of 0.65 KB: 35 a second were the 2 GB of a workspace's day."""
    http, relay, _ = app
    caplog.set_level(logging.DEBUG, logger="shared")
    now = 0.0
    relay.refusals.clock = lambda: now
    for _ in range(500):
        await http.post(CHAT, headers={"api-key": "wrong"})
    for _ in range(20):
        await http.post(CHAT, content=b"{")
    assert len(caplog.messages) == 2
    assert counted.count({"code": "invalid_api_key", "caller": ""}) == 500
    assert counted.count({"code": "invalid_request", "caller": "web"}) == 20
    now += LINE_EVERY_SECONDS
    await http.post(CHAT, headers={"api-key": "wrong"})
    assert "invalid_api_key since the last such line: 500," in caplog.messages[-1]
    assert len(caplog.messages) == 3


@pytest.mark.parametrize(
    ("path", "method"), [(CHAT, "POST"), ("/feedback", "POST"), ("/v1/models", "GET")]
)
async def test_every_route_of_callers_counts_its_refusals(
    app: App, counted: list[dict[str, Any]], path: str, method: str
) -> None:
    response = await app[0].request(method, path, headers={"api-key": ""})
    assert response.status_code == 401
    assert counted == [{"code": "invalid_api_key", "caller": ""}]
    assert response.headers["x-request-id"].startswith("req-")


async def test_a_limit_that_is_used_up_is_counted_by_its_caller(
    app: App, counted: list[dict[str, Any]]
) -> None:
    http, relay, _ = app
    relay.auth.limits.clock = lambda: 0.0  # it refills 166 tokens a second
    relay.auth.limits.reserve("metered", 10_000, 10_000)
    response = await http.post(
        CHAT, json={"model": "base", "messages": SAID}, headers={"api-key": METERED}
    )
    assert response.status_code == 429
    assert counted[-1] == {"code": "rate_limit_exceeded", "caller": "metered"}


async def test_signed_in_people_share_a_name_in_the_metrics(
    app: App, counted: list[dict[str, Any]]
) -> None:
    """Each would make a series of its own otherwise."""
    response = await app[0].post(CHAT, content=b"{", headers={"api-key": "", **signed_in("ada")})
    assert response.status_code == 400
    assert counted == [{"code": "invalid_request", "caller": "a person"}]


def test_each_code_has_a_minute_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals(lambda: 0.0)
    for code in ("a", "b", "a", "b"):
        refusals.add(code, "", "req-1")
    assert len(caplog.messages) == 2


# ---- the caller's own id of a request


@pytest.mark.parametrize("given", ["abc", "req_1.2:3-4", "r" * 128, "5f1c/2+x=="])
async def test_an_id_that_can_be_told_is_kept(app: App, given: str) -> None:
    answer = await app[0].post(
        CHAT, json={"model": "base", "messages": SAID}, headers={"x-request-id": given}
    )
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", [b"", b"r" * 129, b"a b", b"\x1b[2J", b"a\x9b2J", b"\xe2\x80\xae", b"a,b", b'"']
)
@pytest.mark.parametrize("key", ["in-process", "wrong"])
async def test_an_id_that_cannot_is_replaced(
    app: App, given: bytes, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    headers = [(b"x-request-id", given), (b"api-key", key.encode())]
    answer = await app[0].post(CHAT, json={"model": "base", "messages": SAID}, headers=headers)
    assert re.fullmatch(r"req-[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "\x1b" not in caplog.text
