"""From a request to its answer: what is passed on, and what is refused before it is sent."""

import asyncio
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from shared.chat import traces
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION, ChatHarness, a_version


async def test_a_chat_reaches_the_champion_and_everything_else_is_passed_on(
    harness: ChatHarness,
) -> None:
    response = await harness.ask(temperature=0.5, tomorrows_field={"a": [1, "ü\ud83d"]})
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == "Hello"
    assert response.headers["x-tunedrop-model"] == "captain@2"
    assert float(response.headers["x-tunedrop-added-ms"]) >= 0
    assert response.headers["x-request-id"]
    (call,) = harness.upstream.calls
    assert call.body == {
        "model": "captain-v2",
        "messages": QUESTION,
        "temperature": 0.5,
        "tomorrows_field": {"a": [1, "ü\ud83d"]},
    }
    assert call.headers["api-key"] == "the-resource-key"
    assert "authorization" not in call.headers


async def test_a_version_and_a_base_deployment_can_be_named(harness: ChatHarness) -> None:
    await harness.ask("captain@1")
    await harness.ask("base")
    assert harness.upstream.asked() == ["captain-v1", "base"]


async def test_a_candidate_is_the_newest_version_until_it_is_the_champion(
    harness: ChatHarness,
) -> None:
    response = await harness.ask("captain@candidate")
    assert response.status_code == 404
    await harness.registry.add_version("captain", a_version(3))
    harness.relay.router.clock = lambda: float("inf")  # the record is read again after some seconds
    assert (await harness.ask("captain@candidate")).headers["x-tunedrop-model"] == "captain@3"
    assert (await harness.ask("captain")).headers["x-tunedrop-model"] == "captain@2"


async def test_another_regions_deployment_may_stand_in_and_never_sees_the_key(
    harness: ChatHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as elsewhere:
        harness.relay.router.fallback = (f"twin@{elsewhere.url}",)
        monkeypatch.setattr(harness.cloud.completions, "_token", token)
        harness.upstream.plan("captain-v2", up.error(429, "", "retry-after: 60"))
        response = await harness.ask()
    assert response.status_code == 200
    assert elsewhere.asked() == ["twin"]
    assert elsewhere.calls[0].headers["authorization"] == "Bearer of-our-identity"
    assert "api-key" not in elsewhere.calls[0].headers


async def token() -> str:
    return "of-our-identity"


async def test_tools_and_structured_output_work_through_the_sdk(harness: ChatHarness) -> None:
    class Weather(BaseModel):
        city: str
        degrees: int

    harness.upstream.plan("captain-v2", up.answer('{"city": "Oslo", "degrees": -3}'))
    parsed = await harness.openai.chat.completions.parse(
        model="captain", messages=QUESTION, response_format=Weather
    )
    assert parsed.choices[0].message.parsed == Weather(city="Oslo", degrees=-3)
    sent = harness.upstream.calls[0].body["response_format"]
    assert sent["json_schema"]["schema"]["required"] == ["city", "degrees"]

    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    harness.upstream.plan("captain-v2", up.answer(choices=[choice]))
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    answer = await harness.openai.chat.completions.create(
        model="captain", messages=QUESTION, tools=[tool]
    )
    assert harness.upstream.calls[1].body["tools"] == [tool]
    assert answer.choices[0].message.tool_calls
    assert answer.choices[0].message.tool_calls[0].id == "c1"


async def test_a_stalled_model_does_not_hold_up_the_others(harness: ChatHarness) -> None:
    go_on = asyncio.Event()
    harness.upstream.plan("captain-v2", *[up.silence(go_on)] * 150)
    stalled = [asyncio.create_task(harness.ask()) for _ in range(90)]
    await asyncio.wait_for(harness.upstream.called.wait(), 10)
    assert (await harness.ask("base")).status_code == 200
    assert not any(task.done() for task in stalled)
    for task in stalled:
        task.cancel()
    await asyncio.gather(*stalled, return_exceptions=True)
    go_on.set()


# ---- callers who may not, or send nonsense


async def test_a_narrow_key_sees_and_reaches_only_its_models(harness: ChatHarness) -> None:
    narrow = harness.openai.with_options(api_key="n")
    every = ["captain", "captain@1", "captain@2", "base"]
    assert [m.id async for m in harness.openai.models.list()] == every
    assert [m.id async for m in narrow.models.list()] == ["base"]
    with pytest.raises(openai.NotFoundError) as unknown:
        await narrow.chat.completions.create(model="captain", messages=QUESTION)
    assert unknown.value.code == "model_not_found"
    assert "captain-v2" not in harness.upstream.asked()


@pytest.mark.parametrize(
    "model",
    ["", "nobody", "captain@", "captain@x", "captain@99", "captain@²", "../captain", "a\x00b", "ü"],
)
async def test_a_model_that_is_not_there_is_a_404_and_nothing_is_forwarded(
    harness: ChatHarness, model: str
) -> None:
    response = await harness.ask(model)
    if model == "captain@":
        assert response.status_code == 200  # the same as no version
        return
    assert response.status_code in (400, 404)
    assert response.json()["error"]["message"]
    assert harness.upstream.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"model": 1, "messages": []}',
        b'{"model": "captain"}',
        b'{"model": "captain", "messages": ["Hi"]}',
        b'{"model": "captain", "messages": [{"role": "user"}], "stream": "yes"}',
        b'{"model": "captain", "messages": [{"role": "user", "content": NaN}]}',
        b'{"model": "captain", "messages": [{"role": "user"}], "temperature": 1e999}',
        b'{"model": "captain", "messages": [{"role": "user", "content": '
        + b"[" * 70
        + b"]" * 70
        + b"}]}",
        b'{"model": ' + b"[" * 100_000,
        b'{"model": "captain", "messages": [' + b'{"role":"user"},' * 2048 + b'{"role":"user"}]}',
        b"\xff\xfe",
        b" " * (4 * 2**20 + 1),
    ],
)
async def test_a_malformed_body_is_refused_and_not_forwarded(
    harness: ChatHarness, body: bytes
) -> None:
    response = await harness.http.post("/v1/chat/completions", content=body)
    assert 400 <= response.status_code < 500
    error = response.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["message"]
    assert harness.upstream.calls == []


async def test_a_chat_is_found_again_in_real_storage(harness: ChatHarness) -> None:
    response = await harness.ask()
    await harness.relay.trace_log.flush()
    for id in (response.headers["x-request-id"], response.json()["id"]):
        (chat,) = (await traces.find(harness.cloud.feedback, id)).chats
        assert chat["backend"] == response.headers["x-tunedrop-model"]
