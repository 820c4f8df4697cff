"""No route takes time with the square of a text that a stranger sends: bodies, headers, queries
and paths, from a quarter of what is taken to all of it, and to more."""

import base64
import gc
import json
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.chat import upstream as up
from tests.support.growth import MOST_GROWTH, TRIES
from tests.support.in_process import http_routes, in_process

LEAST_SECONDS = 0.02  # what takes less cannot be compared
BODY = 900 * 2**10  # bytes of the smaller one of each pair; four times that is just taken
RECORDED = 450 * 2**10  # four times that is just recorded, and masked before
CHAT = "/v1/chat/completions"
ID = "0" * 32  # of staged files
SAID = [{"role": "user", "content": "Hi"}]

Send = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


def chat(**fields: Callable[[int], Any]) -> Send:
    def send(http: httpx.AsyncClient, size: int) -> Awaitable[httpx.Response]:
        made = {name: make(size) for name, make in fields.items()}
        body = json.dumps({"model": "captain", "messages": SAID} | made)
        return http.post(CHAT, content=body)

    return send


def raw(path: str, make: Callable[[int], bytes]) -> Send:
    return lambda http, size: http.post(path, content=make(size))


def header(path: str, name: str, make: Callable[[int], str], method: str = "GET") -> Send:
    def send(http: httpx.AsyncClient, size: int) -> Awaitable[httpx.Response]:
        return http.request(method, path, headers={"api-key": "", name: make(size // 64)})

    return send


def get(template: str, method: str = "GET", letter: str = "x") -> Send:
    def send(http: httpx.AsyncClient, size: int) -> Awaitable[httpx.Response]:
        text = quote(letter * (size // 64 // len(letter)), safe=",/")
        return http.request(method, template.format(text))

    return send


def said(text: str) -> Callable[[int], Any]:
    return lambda size: [{"role": "user", "content": text * (size // len(text))}]


def tool(parameters: Callable[[int], Any]) -> Callable[[int], Any]:
    def make(size: int) -> Any:
        function = {"name": "f", "description": "x", "parameters": parameters(size)}
        return [{"type": "function", "function": function}]

    return make


def asking(field: str, value: Any, model: str = "captain") -> bytes:
    return json.dumps({"model": model, "input": "Hi"} | {field: value}).encode()


CHATS: dict[str, Send] = {
    "words": chat(messages=said("word ")),
    "blanks": chat(messages=said(" ")),
    "addresses": chat(messages=said("a@b.co ")),
    "chains of addresses": chat(messages=said("a@b.")),
    "tokens": chat(messages=said("-eyJaaaaaaaaaa")),
    "cards": chat(messages=said("4111 1111 1111 1111 ")),
    "escapes": chat(messages=said("\ud83d")),
    "quotes": chat(messages=said('\\"')),
    "messages": chat(messages=lambda size: SAID * (size // 1000)),
    "picture": chat(
        messages=lambda size: [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": f"data:image/png;{'A' * size}"}}
                ],
            }
        ]
    ),
    "model": chat(model=lambda size: "captain" * (size // 7)),
    "keys": chat(metadata=lambda size: {f"{n}@b.co": "x" for n in range(size // 64)}),
    "long key": chat(metadata=lambda size: {"k" * size: 1}),
    "stop": chat(stop=lambda size: ["x"] * (size // 64)),
    "bias": chat(logit_bias=lambda size: {str(n): 1 for n in range(size // 64)}),
    "depth": raw(CHAT, lambda size: b'{"model": ' + b"[" * size),
    "numbers": raw(CHAT, lambda size: b'{"model": ' + b"9" * size + b"}"),
    "empty lists": raw(CHAT, lambda size: b'{"model": [' + b"[]," * (size // 3) + b"1]}"),
    "same key": raw(CHAT, lambda size: b"{" + b'"a":1,' * (size // 6) + b'"a":1}'),
    "open quote": raw(CHAT, lambda size: b'{"model": "' + b"x" * size),
    "properties": chat(
        tools=tool(
            lambda size: {"type": "object", "properties": {f"p{n}": {} for n in range(size // 64)}}
        )
    ),
    "pattern": chat(tools=tool(lambda size: {"pattern": "(a+)+" * (size // 5)})),
    "enumeration": chat(tools=tool(lambda size: {"enum": ["a@b.co"] * (size // 64)})),
}

OTHERS: dict[str, Send] = {
    "response": raw("/v1/responses", lambda n: asking("input", "a@b.co " * (n // 7))),
    "parts": raw("/v1/responses", lambda n: asking("input", [{"content": [{}] * (n // 80)}])),
    "tools": raw("/v1/responses", lambda n: asking("tools", [{"type": "function"}] * (n // 80))),
    "texts": raw("/v1/embeddings", lambda n: asking("input", ["x"] * (n // 64), "base")),
    "prompts": raw("/v1/completions", lambda n: asking("prompt", [[1]] * (n // 64), "base")),
}


def rating(**fields: Callable[[int], Any]) -> Send:
    def send(http: httpx.AsyncClient, size: int) -> Awaitable[httpx.Response]:
        made = {name: make(size // 12) for name, make in fields.items()}
        return http.post("/feedback", json={"id": "known", "rating": "bad"} | made)

    return send


RATINGS: dict[str, Send] = {
    "correction": rating(correction=lambda size: "a@b.co " * (size // 7)),
    "correction, too long": raw(
        "/feedback", lambda size: b'{"correction": "' + b"x" * (size // 2) + b'"}'
    ),
    "comment": rating(comment=lambda size: "+1 " * (size // 30)),
    "id": rating(id=lambda size: "x" * size),
    "unknown field": rating(**{"k" * 1000: lambda size: "x" * size}),
    "rating of depth": raw("/feedback", lambda size: b"[" * (size // 2)),
    "rating of fields": raw("/feedback", lambda size: b'{"a":1,' * (size // 14)),
}


def principal(claims: str) -> str:
    return base64.b64encode(claims.encode()).decode()


HEADERS: dict[str, Send] = {
    "key": header("/v1/models", "api-key", lambda size: "k" * size),
    "bearer": header("/v1/models", "authorization", lambda size: "Bearer " + "k" * size),
    "blanks before a key": header("/v1/models", "authorization", lambda n: "Bearer" + " " * n),
    "request id": header("/v1/models", "x-request-id", lambda size: "r" * size),
    "sign-in, deep": header(
        "/v1/models", "x-ms-client-principal", lambda size: principal("[" * size)
    ),
    "sign-in, claims": header(
        "/v1/models",
        "x-ms-client-principal",
        lambda n: principal(json.dumps({"claims": [{"typ": "tid", "val": "x"}] * (n // 40)})),
    ),
    "sign-in, name": header("/v1/models", "x-ms-client-principal-id", lambda size: "n" * size),
    "key, managing": header("/manage/me", "api-key", lambda size: "k" * size),
    "route, managing": header(
        "/manage/models/x", "x-ms-client-principal", lambda size: principal("[" * size)
    ),
    "person": header(
        "/runs/m-1/cancel", "x-ms-client-principal-name", lambda size: "n" * size, "POST"
    ),
}
PATHS: dict[str, Send] = {
    "runs, model": get("/runs?model={0}"),
    "runs, stage": get("/runs?stage={0}"),
    "runs, stages": get("/runs?stage={0}", letter="serving,"),
    "runs, limit": get("/runs?limit={0}", letter="9"),
    "runs, after": get("/runs?after={0}", letter="1-"),
    "run": get("/runs/{0}"),
    "run, dashes": get("/runs/{0}", letter="-"),
    "document": get("/runs/m-1/{0}"),
    "command": get("/runs/m-1/{0}", "POST"),
    "command of a run": get("/runs/{0}/start", "POST"),
    "examples": get("/models/{0}/examples"),
    "model": get("/models/{0}"),
    "order": get("/models/m/{0}", "POST"),
    "model of an order": get("/models/{0}/promote", "POST"),
    "run to delete": get("/runs/{0}/delete", "POST"),
    "model of costs": get("/cost?model={0}"),
    "month of costs": get("/cost?month={0}"),
    "days of keys": get("/keys?days={0}", letter="9"),
    "key of an order": get("/keys/{0}/revoke", "POST"),
    "order of a key": get("/keys/web/{0}", "POST"),
    "name of a key": raw("/keys", lambda size: json.dumps({"name": "x" * (size // 128)}).encode()),
    "models of a key": raw(
        "/keys",
        lambda n: json.dumps(
            {"name": "x", "models": [f"m{at}" for at in range(n // 1280)]}
        ).encode(),
    ),
    "id of a chat": get("/trace/{0}"),
    "id of a chat, slashes": get("/trace/a{0}", letter="/"),
    "id of what is staged": get("/staged/{0}"),
    "id of staged files": get("/staged/{0}/training.jsonl", "PUT"),
    "staged file": get(f"/staged/{ID}/{{0}}", "PUT"),
    "staged document": get(f"/staged/{ID}/{{0}}"),
    "order of staged files": get(f"/staged/{ID}/{{0}}", "POST"),
    "model of staged files": raw(
        f"/staged/{ID}/check", lambda size: json.dumps({"model": "x" * (size // 128)}).encode()
    ),
    "id of a difference": get("/staged/{0}/diff"),
    "model of a difference": get(f"/staged/{ID}/diff?model={{0}}"),
    "conflicts of a merge": raw(
        f"/staged/{ID}/merge",
        lambda size: json.dumps({"model": "captain", "conflicts": "x" * (size // 128)}).encode(),
    ),
    "model of data": get("/models/{0}/data"),
    "health": get("/health?deep={0}"),
    "console": get("/console/{0}"),
    "deployment": get("/openai/deployments/{0}/chat/completions", "POST"),
    "model of a list": get("/v1/models/{0}"),
    "bases": get("/{0}", letter="v1/"),
    "deployments": get("/{0}", letter="deployments/x/"),
    "chats": get("/{0}", letter="chat/completions/"),
    "who": raw("/runs/m-1/start", lambda size: json.dumps({"who": "x" * (size // 40)}).encode()),
    "why, deep": raw("/runs/m-1/start", lambda size: b"[" * (size // 40)),
    "why, fields": raw("/runs/m-1/start", lambda size: b'{"a":1,' * (size // 240)),
    "SKU": raw("/runs/m-1/deploy", lambda size: json.dumps({"sku": "x" * (size // 128)}).encode()),
    "run.yaml, text": raw("/plan", lambda size: b"base_model: " + b"x" * (size // 64)),
    "run.yaml, depth": raw("/plan", lambda size: b"[" * (size // 64)),
    "run.yaml, keys": raw(
        "/plan", lambda size: b"".join(b"k%d: 1\n" % n for n in range(size // 640))
    ),
}
MASKED = ("addresses", "chains of addresses", "tokens", "cards", "enumeration", "properties")
ALL = {**CHATS, **OTHERS, **RATINGS, **HEADERS, **PATHS}


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    async with up.upstream() as upstream, in_process(upstream.url, monkeypatch) as (client, *_):
        gc.disable()  # it looks through everything that the tests have loaded
        yield client
        gc.enable()


@pytest.mark.parametrize(
    ("kind", "body"), [(kind, BODY) for kind in ALL] + [(kind, RECORDED) for kind in MASKED]
)
async def test_no_route_takes_time_with_the_square_of_a_text(
    http: httpx.AsyncClient, kind: str, body: int
) -> None:
    async def seconds(size: int) -> float:
        times = []
        for _ in range(3):
            before = time.process_time()
            response = await ALL[kind](http, size)
            times.append(time.process_time() - before)
            assert response.status_code < 500, response.text
        return min(times)

    await ALL[kind](http, body // 64)  # what is imported and opened at first
    small = large = math.inf
    for _ in range(TRIES):  # the least times count: others only add to them
        small, large = min(small, await seconds(body)), min(large, await seconds(4 * body))
        if large <= MOST_GROWTH * max(small, LEAST_SECONDS):
            return
    pytest.fail(f"{small:.3f} s, and {large:.3f} s for four times as much")


def test_every_route_that_takes_a_text_is_tried() -> None:
    """All but those that are given nothing: no name in the path, no body, no header, no query."""
    paths = {
        *("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"),
        *("/feedback", "/v1/models", "/runs", "/health", "/plan", "/cost", "/keys"),
    }
    templates = {path for path, *_ in http_routes() if "{" in path}
    nothing = {"models", "doctor", "console", "openapi.json"}
    known = {
        "openai/deployments/{model}/chat/completions",
        "v1/models/{model}",
        "{*path}",
        "models/{name}/examples",
        "models/{name}",
        "models/{name}/{order}",
        "runs/{id}/delete",
        "keys/{name}/{order}",
        "trace/{*id}",
        "manage/{*path}",
        "runs/{id}",
        "runs/{id}/{name}",
        "console/{*name}",
        "staged/{id}",
        "staged/{id}/{name}",
        "staged/{id}/diff",
        "staged/{id}/merge",
        "models/{name}/data",
    }
    assert templates == known
    assert {path for path, *_ in http_routes()} == known | nothing | {p[1:] for p in paths}
