"""OpenAI's Responses API, relayed as chats are: the same models, keys, limits, fallbacks, traces
and memory, in the form that newer clients call first."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from tests.chat import upstream as up
from tests.chat.asked import App, three_versions
from tests.support.in_process import KEY

RESPONSES = "/v1/responses"
HELLO: dict[str, Any] = {"model": "captain", "input": "Hi"}


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        yield started


@pytest.fixture
async def client(app: App) -> AsyncIterator[openai.AsyncOpenAI]:
    transport: Any = httpx.AsyncClient(transport=app.http._transport)
    async with openai.AsyncOpenAI(
        base_url="http://app/v1", api_key=KEY, max_retries=0, http_client=transport
    ) as made:
        yield made


async def asked(app: App, **more: Any) -> httpx.Response:
    return await app.http.post(RESPONSES, json={**HELLO, **more})


# ---- what comes back


async def test_a_response_comes_from_the_champions_own_responses(app: App) -> None:
    answer = await asked(app)
    (call,) = app.server.calls
    assert (call.path, call.deployment) == ("responses", "captain-v3")
    assert answer.content == json.dumps(up.response_object(up.message_item("Hello"))).encode()
    assert answer.headers["x-tunedrop-model"] == "captain@3"
    assert answer.headers["x-request-id"]


async def test_a_stream_comes_byte_for_byte_with_its_typed_events(app: App) -> None:
    app.server.plan("captain-v3", up.response_stream("Ar", "r!"))
    answer = await asked(app, stream=True)
    assert answer.content == b"".join(up.response_events("Ar", "r!"))
    assert "stream_options" not in app.server.calls[0].body


async def test_openais_client_reads_a_response_and_its_stream(
    app: App, client: openai.AsyncOpenAI
) -> None:
    whole = await client.responses.create(model="captain", input="Hi")
    assert (whole.output_text, whole.usage and whole.usage.total_tokens) == ("Hello", 7)
    app.server.plan("captain-v3", up.response_stream("Ar", "r!"))
    async with client.responses.stream(model="captain", input="Hi") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert final.output_text == "Arr!"


async def test_azures_client_finds_them_by_its_own_path(app: App) -> None:
    transport: Any = httpx.AsyncClient(transport=app.http._transport)
    async with openai.AsyncAzureOpenAI(
        azure_endpoint="http://app",
        api_key=KEY,
        api_version="2025-04-01-preview",
        http_client=transport,
    ) as client:
        answer = await client.responses.create(model="captain@2", input="Hi")
    assert answer.output_text == "Hello"
    assert app.server.asked() == ["captain-v2"]


@pytest.mark.parametrize(
    "path", ["/responses", "/v1/responses/", "/openai/v1/responses", "/openai/responses"]
)
async def test_every_base_address_leads_to_them(app: App, path: str) -> None:
    assert (await app.http.post(path, json=HELLO)).status_code == 200


async def test_fields_are_passed_on_as_they_are(app: App) -> None:
    fields = {
        "instructions": "Talk like a pirate.",
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
        "tools": [{"type": "function", "name": "look", "parameters": {}}],
        "reasoning": {"effort": "low"},
        "include": ["reasoning.encrypted_content"],
        "a_field_of_tomorrow": [1, {"x": None}],
    }
    await asked(app, **fields)
    sent = app.server.calls[0].body
    assert {name: sent[name] for name in fields} == fields


# ---- what is noted of it


async def test_a_response_is_remembered_and_can_be_rated(app: App) -> None:
    app.server.plan("captain-v3", up.response(), up.response_stream("Arr!", id="resp_2"))
    for streams, id in ((False, "resp_1"), (True, "resp_2")):
        await asked(app, stream=streams)
        rated = await app.http.post("/feedback", json={"id": id, "rating": "good"})
        assert (rated.status_code, rated.json().get("model")) == (201, "captain")


@pytest.mark.parametrize("streams", [False, True])
async def test_the_trace_finds_a_response_by_its_id(app: App, streams: bool) -> None:
    app.server.plan("captain-v3", up.response_stream("Arr!") if streams else up.response())
    await asked(app, stream=streams)
    (line,) = app.relay.trace_log._waiting
    assert (line.answer, line.backend) == ("resp_1", "captain@3")


# ---- nothing is kept at the service


@pytest.mark.parametrize("said", [{}, {"store": None}, {"store": False}, {"store": True}])
async def test_the_service_is_told_to_keep_nothing(app: App, said: dict[str, Any]) -> None:
    """Its default would keep each answer for 30 days, and some clients ask for that by default."""
    assert (await asked(app, **said)).status_code == 200
    assert app.server.calls[0].body["store"] is False


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input"),
    ],
)
async def test_what_would_have_to_be_kept_is_refused_with_what_to_do(
    app: App, field: dict[str, Any], param: str
) -> None:
    answer = await asked(app, **field)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param)
    assert "TUNEDROP_CHAT_ALLOW" in error["message"]
    assert app.server.calls == []


@pytest.mark.parametrize(
    "field",
    [{"previous_response_id": None}, {"conversation": None}, {"background": False}],
)
async def test_fields_that_ask_for_nothing_pass(app: App, field: dict[str, Any]) -> None:
    assert (await asked(app, **field)).status_code == 200


@pytest.mark.parametrize("tool", ["web_search", "mcp", "file_search", "code_interpreter", "new"])
async def test_tools_that_run_at_the_service_are_refused(app: App, tool: str) -> None:
    answer = await asked(app, tools=[{"type": tool}])
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "tools")
    assert "hosted_tools" in error["message"]


async def test_tools_that_callers_carry_out_pass(app: App) -> None:
    tools = [{"type": kind, "name": "x"} for kind in ("function", "custom", "local_shell")]
    assert (await asked(app, tools=tools)).status_code == 200


# ---- refusals


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "captain"}, "input"),
        ({"model": "captain", "input": 7}, "input"),
        ({"model": "captain", "input": ["Hi"]}, "input"),
        ({"input": "Hi"}, "model"),
    ],
)
async def test_what_no_deployment_could_answer_is_refused(
    app: App, body: dict[str, Any], param: str
) -> None:
    answer = await app.http.post(RESPONSES, json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_a_request_of_the_other_form_is_told_where_it_belongs(app: App) -> None:
    """Cursor sends the one to the other's address."""
    chat = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
    answer = await app.http.post(RESPONSES, json=chat)
    assert "/v1/chat/completions" in answer.json()["error"]["message"]
    answer = await app.http.post("/v1/chat/completions", json=HELLO)
    assert "/v1/responses" in answer.json()["error"]["message"]


async def test_a_refusal_of_the_service_is_passed_on(app: App) -> None:
    app.server.plan("captain-v3", up.error(400, "context_length_exceeded"))
    answer = await asked(app)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize("path", ["responses", "embeddings", "chat/completions"])
@pytest.mark.parametrize("body", [b"model=captain", b'["Hi"]'])
async def test_what_is_no_object_is_told_so_in_no_other_apis_words(
    app: App, body: bytes, path: str
) -> None:
    said = (await app.http.post(f"/v1/{path}", content=body)).json()["error"]["message"]
    assert 'Send one object of JSON: {"model": …}' in said
