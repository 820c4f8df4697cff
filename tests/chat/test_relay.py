"""What a caller sees of an upstream that throttles, breaks, stalls or sleeps."""

import asyncio
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from shared.chat import relay as relay_module
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION, Shop

# ---- the good way


async def test_a_chat_reaches_the_champion_and_everything_else_is_passed_on(shop: Shop) -> None:
    said = await shop.ask(temperature=0.5, tomorrows_field={"a": [1, "ü\ud83d"]})
    assert said.status_code == 200
    assert said.json()["choices"][0]["message"]["content"] == "Hello"
    assert said.headers["x-tunedrop-model"] == "captain@2"
    assert float(said.headers["x-tunedrop-added-ms"]) >= 0
    assert said.headers["x-request-id"]
    (call,) = shop.upstream.calls
    assert call.body == {
        "model": "captain-v2",
        "messages": QUESTION,
        "temperature": 0.5,
        "tomorrows_field": {"a": [1, "ü\ud83d"]},
    }
    assert call.headers["api-key"] == "the-resource-key"
    assert "authorization" not in call.headers


async def test_a_version_and_a_base_deployment_can_be_named(shop: Shop) -> None:
    await shop.ask("captain@1")
    await shop.ask("base")
    assert shop.upstream.asked() == ["captain-v1", "base"]


async def test_a_candidate_is_the_newest_version_until_it_is_the_champion(shop: Shop) -> None:
    said = await shop.ask("captain@candidate")
    assert said.status_code == 404
    await shop.registry.add_version(
        "captain", "run-3", base_model="b", fine_tuned_model="ft-3", sku="S", capacity=1
    )
    shop.relay.directory.now = lambda: float("inf")  # the record is read again after some seconds
    assert (await shop.ask("captain@candidate")).headers["x-tunedrop-model"] == "captain@3"
    assert (await shop.ask("captain")).headers["x-tunedrop-model"] == "captain@2"


async def test_another_regions_deployment_may_stand_in_and_never_sees_the_key(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as elsewhere:
        shop.relay.directory.fallback = (f"twin@{elsewhere.url}",)
        monkeypatch.setattr(shop.cloud.completions, "_token", token)
        shop.upstream.plan("captain-v2", up.error(429, "", "retry-after: 60"))
        said = await shop.ask()
    assert said.status_code == 200
    assert elsewhere.asked() == ["twin"]
    assert elsewhere.calls[0].headers["authorization"] == "Bearer of-our-identity"
    assert "api-key" not in elsewhere.calls[0].headers


async def token() -> str:
    return "of-our-identity"


async def test_a_stream_is_relayed_event_by_event(shop: Shop) -> None:
    """The second event is only sent once the first has come through."""
    seen = asyncio.Event()
    shop.upstream.plan("captain-v2", up.stream(up.event("one"), seen, up.event("two")))
    texts = []
    stream = await shop.openai.chat.completions.create(
        model="captain", messages=QUESTION, stream=True
    )
    async for chunk in stream:
        texts.append(chunk.choices[0].delta.content)
        seen.set()
    assert texts == ["one", "two"]


async def test_tools_and_structured_output_work_through_the_sdk(shop: Shop) -> None:
    class Weather(BaseModel):
        city: str
        degrees: int

    shop.upstream.plan("captain-v2", up.answer('{"city": "Oslo", "degrees": -3}'))
    parsed = await shop.openai.chat.completions.parse(
        model="captain", messages=QUESTION, response_format=Weather
    )
    assert parsed.choices[0].message.parsed == Weather(city="Oslo", degrees=-3)
    sent = shop.upstream.calls[0].body["response_format"]
    assert sent["json_schema"]["schema"]["required"] == ["city", "degrees"]

    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    shop.upstream.plan("captain-v2", up.answer(choices=[choice]))
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {}}}
    answer = await shop.openai.chat.completions.create(
        model="captain", messages=QUESTION, tools=[tool]
    )
    assert shop.upstream.calls[1].body["tools"] == [tool]
    assert answer.choices[0].message.tool_calls
    assert answer.choices[0].message.tool_calls[0].id == "c1"


async def test_a_stalled_model_does_not_hold_up_the_others(shop: Shop) -> None:
    go_on = asyncio.Event()
    shop.upstream.plan("captain-v2", *[up.silence(go_on)] * 150)
    stalled = [asyncio.create_task(shop.ask()) for _ in range(90)]
    await asyncio.wait_for(shop.upstream.called.wait(), 10)
    assert (await shop.ask("base")).status_code == 200
    assert not any(task.done() for task in stalled)
    for task in stalled:
        task.cancel()
    await asyncio.gather(*stalled, return_exceptions=True)
    go_on.set()


# ---- callers who leave


async def test_hanging_up_in_a_stream_ends_the_call_upstream(shop: Shop) -> None:
    never = asyncio.Event()
    shop.upstream.plan("captain-v2", up.stream(up.event("one"), never))
    body = {"model": "captain", "messages": QUESTION, "stream": True}
    async with shop.http.stream("POST", "/v1/chat/completions", json=body) as said:
        async for _ in said.aiter_bytes():
            break
    await asyncio.wait_for(shop.upstream.calls[0].ended.wait(), 10)


async def test_hanging_up_before_the_answer_ends_the_call_upstream(shop: Shop) -> None:
    shop.upstream.plan("captain-v2", up.silence(asyncio.Event()))
    asking = asyncio.create_task(shop.ask())
    await asyncio.wait_for(shop.upstream.called.wait(), 10)
    asking.cancel()
    await asyncio.wait_for(shop.upstream.calls[0].ended.wait(), 10)
    assert shop.upstream.asked() == ["captain-v2"]


# ---- upstreams in trouble


@pytest.mark.parametrize(
    "trouble",
    [
        up.error(500),
        up.error(503, "", "retry-after: 0"),
        up.error(429, "", "retry-after-ms: 10"),
        up.reset,
        up.reply(200, b'{"half": ', length=5000),
    ],
    ids=["500", "503", "429", "reset", "short-body"],
)
async def test_passing_trouble_before_the_first_byte_is_not_seen(
    shop: Shop, trouble: up.Behaviour
) -> None:
    shop.upstream.plan("captain-v2", trouble)
    said = await shop.ask()
    assert (said.status_code, said.headers["x-tunedrop-model"]) == (200, "captain@2")
    assert shop.upstream.asked() == ["captain-v2"] * 2


async def test_a_fallback_answers_for_a_throttled_champion_and_a_header_says_so(
    shop: Shop,
) -> None:
    shop.upstream.plan("captain-v2", up.error(429, "", "retry-after: 60"))
    said = await shop.ask()
    assert said.status_code == 200
    assert said.headers["x-tunedrop-model"] == "captain@1"
    assert said.headers["x-tunedrop-fallback-for"] == "captain@2"
    assert shop.upstream.asked() == ["captain-v2", "captain-v1"]


async def test_throttling_without_a_way_out_is_passed_on_with_its_retry_after(shop: Shop) -> None:
    shop.upstream.plan("base", up.error(429, "", "retry-after: 60"))
    with pytest.raises(openai.RateLimitError) as throttled:
        await shop.openai.chat.completions.create(model="base", messages=QUESTION)
    assert throttled.value.code == "upstream_throttled"
    assert throttled.value.response.headers["retry-after"] == "60"
    assert shop.upstream.asked() == ["base"]


async def test_a_version_that_was_named_has_no_stand_in(shop: Shop) -> None:
    shop.upstream.plan("captain-v1", *[up.error(500)] * 2)
    said = await shop.ask("captain@1")
    assert said.status_code == 503
    assert set(shop.upstream.asked()) == {"captain-v1"}


async def test_a_missing_deployment_is_asked_for_again(shop: Shop) -> None:
    shop.upstream.plan("captain-v1", up.error(404, "DeploymentNotFound"))
    said = await shop.ask("captain@1")
    assert said.status_code == 503
    assert said.json()["error"]["code"] == "model_not_ready"
    assert int(said.headers["retry-after"]) > 0
    assert [note.name async for note in shop.cloud.models.list("wake/")] == ["wake/captain"]


async def test_a_deployment_that_keeps_failing_is_left_alone(shop: Shop) -> None:
    shop.upstream.plan("base", *[up.error(500)] * 20)
    for _ in range(4):
        assert (await shop.ask("base")).status_code == 503
    assert len(shop.upstream.calls) == 5
    assert int((await shop.ask("base")).headers["retry-after"]) > 0
    assert (await shop.ask("captain")).status_code == 200


async def test_nobody_waits_longer_than_the_deadline(shop: Shop) -> None:
    never = asyncio.Event()
    for deployment in ("captain-v2", "captain-v1", "base"):
        shop.upstream.plan(deployment, up.silence(never))
    said = await shop.ask()
    assert said.status_code == 503
    assert "did not answer within 3 s" in said.json()["error"]["message"]


async def test_the_callers_own_mistake_is_passed_on_as_the_service_says_it(shop: Shop) -> None:
    shop.upstream.plan("captain-v2", up.error(400, "content_filter"))
    with pytest.raises(openai.BadRequestError) as refused:
        await shop.openai.chat.completions.create(model="captain", messages=QUESTION)
    assert refused.value.code == "content_filter"
    assert shop.upstream.asked() == ["captain-v2"]


async def test_a_role_that_the_app_lacks_is_not_blamed_on_the_caller(shop: Shop) -> None:
    for deployment in ("captain-v2", "captain-v1", "base"):
        shop.upstream.plan(deployment, up.error(401, "PermissionDenied"))
    said = await shop.ask()
    assert said.status_code == 502
    assert said.json()["error"]["code"] == "upstream_refused"


# ---- streams in trouble


@pytest.mark.parametrize("cut", ["aborted", "ended without [DONE]"])
async def test_a_cut_stream_ends_with_an_error_and_keeps_what_came(shop: Shop, cut: str) -> None:
    seen = asyncio.Event()
    aborted = up.stream(up.event("one"), seen, done=False)
    ended = up.reply(200, up.event("one"), "content-type: text/event-stream")
    shop.upstream.plan("captain-v2", aborted if cut == "aborted" else ended)
    texts = []
    with pytest.raises(openai.APIError) as error:
        async for chunk in await shop.openai.chat.completions.create(
            model="captain", messages=QUESTION, stream=True
        ):
            texts.append(chunk.choices[0].delta.content)
            seen.set()
    assert texts == ["one"]
    assert error.value.code == "upstream_unavailable"


async def test_a_silent_stream_is_kept_alive_by_comments_that_clients_skip(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "KEEP_ALIVE_SECONDS", 0.02)
    go_on = asyncio.Event()
    shop.upstream.plan("captain-v2", up.stream(up.event("one"), go_on, up.event("two")))
    body = {"model": "captain", "messages": QUESTION, "stream": True}
    seen = b""
    async with shop.http.stream("POST", "/v1/chat/completions", json=body) as said:
        async for chunk in said.aiter_bytes():
            seen += chunk
            if b": keep-alive\n\n" in seen:
                go_on.set()
    assert seen.index(b"one") < seen.index(b": keep-alive") < seen.index(b"two")
    assert seen.endswith(b"data: [DONE]\n\n")


# ---- callers who may not, or send nonsense


async def test_a_narrow_key_sees_and_reaches_only_its_models(shop: Shop) -> None:
    narrow = shop.openai.with_options(api_key="n")
    assert [m.id async for m in shop.openai.models.list()] == ["captain", "base"]
    assert [m.id async for m in narrow.models.list()] == ["base"]
    with pytest.raises(openai.NotFoundError) as unknown:
        await narrow.chat.completions.create(model="captain", messages=QUESTION)
    assert unknown.value.code == "model_not_found"
    assert "captain-v2" not in shop.upstream.asked()


@pytest.mark.parametrize(
    "model",
    ["", "nobody", "captain@", "captain@x", "captain@99", "captain@²", "../captain", "a\x00b", "ü"],
)
async def test_a_model_that_is_not_there_is_a_404_and_nothing_is_forwarded(
    shop: Shop, model: str
) -> None:
    said = await shop.ask(model)
    if model == "captain@":
        assert said.status_code == 200  # the same as no version
        return
    assert said.status_code in (400, 404)
    assert said.json()["error"]["message"]
    assert shop.upstream.calls == []


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
async def test_a_malformed_body_is_refused_and_not_forwarded(shop: Shop, body: bytes) -> None:
    said = await shop.http.post("/v1/chat/completions", content=body)
    assert 400 <= said.status_code < 500
    error = said.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["message"]
    assert shop.upstream.calls == []
