"""Embeddings and text completions: passed through to base deployments, and to nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from tests.chat import upstream as up
from tests.support.in_process import KEY, in_process

App = tuple[httpx.AsyncClient, up.Upstream]
REQUESTS: dict[str, dict[str, Any]] = {
    "embeddings": {"input": ["a", "b"]},
    "completions": {"prompt": "Once"},
}


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        yield http, server


@pytest.fixture
async def client(app: App) -> AsyncIterator[openai.AsyncOpenAI]:
    transport: Any = httpx.AsyncClient(transport=app[0]._transport)
    async with openai.AsyncOpenAI(
        base_url="http://app/v1", api_key=KEY, max_retries=0, http_client=transport
    ) as made:
        yield made


async def test_openais_client_gets_its_embeddings(app: App, client: openai.AsyncOpenAI) -> None:
    """It asks for base64 and decodes that itself."""
    _, server = app
    server.plan("base", up.embeddings([0.5, 1.0], [1.5, 2.0]))
    found = await client.embeddings.create(model="base", input=["a", "b"])
    assert [one.embedding for one in found.data] == [[0.5, 1.0], [1.5, 2.0]]
    (call,) = server.calls
    assert (call.path, call.body["input"]) == ("embeddings", ["a", "b"])
    assert "store" not in call.body


async def test_openais_client_gets_its_text_and_the_stream_of_it(
    app: App, client: openai.AsyncOpenAI
) -> None:
    _, server = app
    whole = await client.completions.create(model="base", prompt="Once")
    assert whole.choices[0].text == "Hello"
    chunk = b'data: {"id": "c", "choices": [{"index": 0, "text": "upon", "finish_reason": null}]}'
    server.plan("base", up.stream(chunk + b"\n\n"))
    stream = await client.completions.create(model="base", prompt="Once", stream=True)
    assert [part.choices[0].text async for part in stream] == ["upon"]
    assert server.calls[1].body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("name", ["captain", "captain@1", "captain@candidate"])
async def test_a_tuned_model_says_what_it_is_for(app: App, path: str, name: str) -> None:
    http, server = app
    answer = await http.post(f"/v1/{path}", json={"model": name, **REQUESTS[path]})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "model")
    assert error["message"] == (
        f"captain is tuned for chats and answers no {path}. Chat with captain. Base "
        f"deployments answer {path} if their model does: base."
    )
    assert server.calls == []


@pytest.mark.parametrize("path", REQUESTS)
async def test_what_is_not_allowed_is_not_there(app: App, path: str) -> None:
    http, server = app
    answer = await http.post(f"/v1/{path}", json={"model": "secret", **REQUESTS[path]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    refused = await http.post(
        f"/v1/{path}", json={"model": "base", **REQUESTS[path]}, headers={"api-key": "wrong"}
    )
    assert refused.status_code == 401
    assert server.calls == []


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_request_without_anything_in_it_is_refused(app: App, path: str) -> None:
    http, server = app
    answer = await http.post(f"/v1/{path}", json={"model": "base"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert server.calls == []


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_service_that_answers_with_nothing_is_asked_again(app: App, path: str) -> None:
    http, server = app
    server.plan("base", up.reply(200, b'{"object": "list", "data": [], "choices": []}'))
    answer = await http.post(f"/v1/{path}", json={"model": "base", **REQUESTS[path]})
    assert answer.status_code == 200
    assert len(server.calls) == 2


async def test_the_deployment_of_azures_path_is_the_model(app: App) -> None:
    http, server = app
    for path, body in REQUESTS.items():
        answer = await http.post(f"/openai/deployments/base/{path}?api-version=x", json=body)
        assert answer.status_code == 200
    assert [(call.path, call.deployment) for call in server.calls] == [
        ("embeddings", "base"),
        ("completions", "base"),
    ]
