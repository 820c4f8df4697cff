"""Every answer and every refusal has an id of its request, the caller's own where it can be told,
and what the service says of its limits."""

from collections.abc import AsyncIterator

import pytest

from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.chat.asked import App, three_versions

CHAT = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
REQUESTS = [
    ("POST", "/v1/chat/completions", CHAT),
    ("POST", "/v1/responses", {"model": "captain", "input": "Hi"}),
    ("POST", "/v1/embeddings", {"model": "base", "input": "Hi"}),
    ("POST", "/v1/completions", {"model": "base", "prompt": "Hi"}),
    ("POST", "/openai/deployments/captain/chat/completions", CHAT),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/captain", None),
    ("GET", "/openai/deployments", None),
    ("POST", "/feedback", {"id": "resp_1", "rating": "good"}),
    ("GET", "/v1/responses/resp_1", None),
    ("DELETE", "/v1/responses/resp_1", None),
    ("PUT", "/v1/nothing", None),
]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        await started.http.post("/v1/responses", json={"model": "captain", "input": "Hi"})
        yield started


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_every_answer_has_an_id(
    app: App, method: str, path: str, body: dict[str, object] | None
) -> None:
    for key in ("", "wrong"):
        headers = {"api-key": key} if key else {}
        answer = await app.http.request(method, path, json=body, headers=headers)
        assert answer.headers["x-request-id"].startswith("req-")
        for name in ("x-request-id", "x-client-request-id", "x-ms-client-request-id"):
            answer = await app.http.request(method, path, json=body, headers={name: "mine-7"})
            assert answer.headers["x-request-id"] == "mine-7"
            assert answer.headers[name] == "mine-7"


async def test_the_id_of_the_request_comes_before_that_of_its_client(app: App) -> None:
    both = {"x-request-id": "mine", "x-client-request-id": "my-client"}
    answer = await app.http.get("/v1/models", headers=both)
    assert answer.headers["x-request-id"] == "mine"
    assert answer.headers["x-client-request-id"] == "my-client"


@pytest.mark.parametrize("name", ["x-request-id", "x-client-request-id", "x-ms-client-request-id"])
@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "<b>", "é"])
async def test_what_cannot_be_told_is_not_echoed(app: App, name: str, given: str) -> None:
    answer = await app.http.get("/v1/models", headers={name.encode(): given.encode()})
    assert answer.headers["x-request-id"].startswith("req-")
    assert name == "x-request-id" or name not in answer.headers


async def test_a_preflight_has_one_too(app: App) -> None:
    headers = {"origin": "https://x.example", "access-control-request-method": "POST"}
    answer = await app.http.options("/v1/responses", headers=headers)
    assert answer.headers["x-request-id"]


async def test_a_fault_of_the_app_is_told_with_its_id_and_without_its_reason(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Relay, "_listed", broken)
    answer = await app.http.get("/v1/models", headers={"x-request-id": "mine"})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (
        500,
        "server_error",
        "internal_error",
    )
    assert "secret" not in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert answer.headers["x-request-id"] == "mine"
    assert "the request mine could not be answered" in caplog.text


# ---- what the service says beside an answer


LIMITS = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-tokens": "12s"}
PATHS = {path: body for method, path, body in REQUESTS[:4] if method == "POST"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_a_refusal_has_the_services_limits_and_its_pause(
    app: App, path: str, status: int
) -> None:
    told = [f"{name}: {value}" for name, value in {**LIMITS, "retry-after": "33"}.items()]
    said = up.error(status, "x", *told)
    app.server.plan("captain-v3", said, said)
    app.server.plan("base", said, said)
    answer = await app.http.post(path, json=PATHS[path])
    assert answer.status_code == (503 if status == 500 else status)
    assert {name: answer.headers[name] for name in LIMITS} == LIMITS
    assert answer.headers["retry-after"] == "33"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_has_the_services_limits(app: App, path: str) -> None:
    body = b'{"status": "completed", "choices": [{"index": 0}], "data": [{"index": 0}]}'
    told = [f"{name}: {value}" for name, value in LIMITS.items()]
    for deployment in ("captain-v3", "base"):
        app.server.plan(deployment, up.reply(200, body, *told))
    answer = await app.http.post(path, json=PATHS[path])
    assert {name: answer.headers[name] for name in LIMITS} == LIMITS
