"""Responses that fail or are cut off, whole and as streams: what callers are told, what is tried
again. Azure says much of it after a status of 200."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from tests.chat import upstream as up
from tests.chat.asked import App, three_versions
from tests.support.in_process import KEY


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        yield started


async def asked(app: App, **more: Any) -> httpx.Response:
    return await app.http.post("/v1/responses", json={"model": "captain", "input": "Hi", **more})


def error_of(content: bytes) -> dict[str, Any]:
    last = content.strip().split(b"\n\n")[-1]
    kind, data = last.split(b"\n")
    assert kind == b"event: error"
    found: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
    return found


async def test_a_stream_that_breaks_ends_with_an_error_in_both_of_its_forms(app: App) -> None:
    """The service nests it (openai-dotnet#881), the documentation does not."""
    events = up.response_events("Ar", "r!")
    app.server.plan("captain-v3", up.stream(*events[:5], done=False))
    found = error_of((await asked(app, stream=True)).content)
    assert found["type"] == "error"
    assert found["sequence_number"] == 5
    assert found["code"] == found["error"]["code"] == "upstream_unavailable"
    assert found["message"] == found["error"]["message"]


async def test_openais_client_raises_for_a_stream_that_breaks(app: App) -> None:
    app.server.plan("captain-v3", up.stream(*up.response_events("Arr!")[:5], done=False))
    transport: Any = httpx.AsyncClient(transport=app.http._transport)
    async with openai.AsyncOpenAI(
        base_url="http://app/v1", api_key=KEY, http_client=transport
    ) as client:
        with pytest.raises(openai.APIError, match="broke off: its answer ended"):
            async for _ in await client.responses.create(model="captain", input="x", stream=True):
                pass


@pytest.mark.parametrize(
    "failed",
    [
        up.typed("error", 2, error={"type": "server_error", "code": "x", "message": "Oh."}),
        up.typed("error", 2, code="x", message="Oh.", param=None),
        up.typed(
            "response.failed",
            2,
            response=up.response_object(status="failed", error={"code": "x", "message": "Oh."}),
        ),
    ],
)
async def test_a_stream_that_the_service_ends_with_an_error_has_that_one_only(
    app: App, failed: bytes
) -> None:
    events = up.response_events("Arr!")[:5]
    app.server.plan("captain-v3", up.stream(*events, failed, end=b""))
    assert (await asked(app, stream=True)).content == b"".join([*events, failed])


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "too_many_requests"])
async def test_a_stream_throttled_before_it_begins_is_answered_with_429(
    app: App, code: str
) -> None:
    """Azure says so within a stream with the status 200, after `response.created`."""
    error = {"code": code, "message": "Requests have exceeded the token rate limit."}
    failed = up.typed(
        "response.failed", 2, response=up.response_object(status="failed", error=error)
    )
    events = [*up.response_events("x")[:2], failed]
    app.server.plan("captain-v3", *[up.stream(*events, end=b"")] * 2)
    answer = await asked(app, stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "upstream_throttled")


async def test_a_stream_is_tried_again_until_its_first_event_with_an_answer(app: App) -> None:
    begun = up.response_events("x")[:2]
    app.server.plan("captain-v3", up.stream(*begun, done=False), up.response_stream("Arr!"))
    answer = await asked(app, stream=True)
    assert answer.content == b"".join(up.response_events("Arr!"))
    assert app.server.asked() == ["captain-v3"] * 2


@pytest.mark.parametrize(("code", "passed_on"), [("server_error", False), ("invalid_prompt", True)])
async def test_a_response_that_has_failed_is_tried_again_unless_it_is_the_callers(
    app: App, code: str, passed_on: bool
) -> None:
    failed = {"status": "failed", "output": [], "error": {"code": code, "message": "Oh."}}
    body = json.dumps(up.response_object(**{**failed, "usage": None})).encode()
    app.server.plan("captain-v3", up.reply(200, body))
    answer = await asked(app)
    assert answer.status_code == 200
    assert (answer.content == body) == passed_on
    assert len(app.server.calls) == (1 if passed_on else 2)


async def test_an_answer_cut_off_at_its_limit_is_an_answer(app: App) -> None:
    ends = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    body = json.dumps(up.response_object(**ends)).encode()
    app.server.plan("captain-v3", up.reply(200, body))
    answer = await asked(app)
    assert (answer.status_code, answer.content) == (200, body)


async def test_a_resource_without_the_api_is_not_taken_for_a_wrong_address(app: App) -> None:
    body = b'{"error": {"code": "404", "message": "Resource not found"}}'
    app.server.plan("captain-v3", up.reply(404, body))
    answer = await asked(app)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "no_deployment")
    assert "may not have responses" in error["message"]
    assert "AZURE_OPENAI_ENDPOINT" not in error["message"]


async def test_a_fallback_answers_where_the_champion_cannot(app: App) -> None:
    """A response as a chat: first the version before, then the base deployment."""
    app.relay.router.fallback = ("previous", "base")
    broken = up.error(500)
    app.server.plan("captain-v3", broken, broken)
    answer = await asked(app)
    assert answer.headers["x-tunedrop-model"] == "captain@2"
    assert answer.headers["x-tunedrop-fallback-for"] == "captain@3"
    assert {call.path for call in app.server.calls} == {"responses"}


async def test_the_shortest_pause_is_told_where_the_first_problem_tells_none(app: App) -> None:
    app.relay.router.fallback = ("previous", "base")
    app.server.plan("captain-v3", *[up.error(503)] * 2)
    app.server.plan("captain-v2", up.error(429, "x", "retry-after: 40"))
    app.server.plan("base", up.error(429, "x", "retry-after: 30"))
    answer = await asked(app)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
