"""A success with nothing in it is no answer, and no fault of the app's own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION
from tests.support.in_process import in_process

App = tuple[httpx.AsyncClient, Relay, up.Upstream]
NOTHING = [
    b"",
    b" \n",
    b"null",
    b"{}",
    b'{"choices": []}',
    b'{"choices": null}',
    b'{"choices": [ ], "usage": {"total_tokens": 4}}',
    b"<html>Sign in</html>",
]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        yield http, relay, server


async def ask(app: App, model: str) -> httpx.Response:
    return await app[0].post("/v1/chat/completions", json={"model": model, "messages": QUESTION})


@pytest.mark.parametrize("body", NOTHING)
async def test_an_answer_without_choices_is_a_502_that_names_the_service(
    app: App, body: bytes
) -> None:
    _, relay, server = app
    server.plan("base", *[up.reply(200, body)] * 2)
    answer = await ask(app, "base")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_no_answer")
    assert "base: Azure OpenAI answered 200 with" in error["message"]
    assert server.asked() == ["base"] * 2
    assert relay.upstream.breakers["base"].failures == 2


async def test_an_error_in_the_place_of_an_answer_is_quoted(app: App) -> None:
    body = b'{"error": {"code": "TooBusy", "message": "The gateway has no room."}}'
    app[2].plan("base", *[up.reply(200, body)] * 2)
    message = (await ask(app, "base")).json()["error"]["message"]
    assert "answered 200 with an answer without choices: TooBusy" in message
    assert "The gateway has no room." in message


async def test_an_answer_without_choices_is_asked_for_elsewhere(app: App) -> None:
    _, relay, server = app
    relay.router.fallback = ("base",)
    server.plan("captain-v1", *[up.reply(200, NOTHING[4])] * 2)
    assert (await ask(app, "captain")).headers["x-tunedrop-model"] == "base"


async def test_an_answer_that_speaks_of_choices_is_one(app: App) -> None:
    said = 'It has {"choices": []} in it.'
    app[2].plan("base", up.answer(said))
    assert (await ask(app, "base")).json()["choices"][0]["message"]["content"] == said
