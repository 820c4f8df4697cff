"""Pages of other sites, which a browser gives the platform's sign-in along but no key."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.support.in_process import KEY, in_process, signed_in

PAGE, EVIL = "https://chat.contoso.com", "https://evil.example"
ADA = {**signed_in("ada"), "api-key": ""}
SAID = [{"role": "user", "content": "Hi"}]
# What such a page can send without asking first: text/plain, and no header of its own.
BODIES = {
    "/v1/chat/completions": {"model": "captain", "messages": SAID},
    "/openai/deployments/captain/chat/completions": {"messages": SAID},
    "/v1/responses": {"model": "captain", "input": "Hi"},
    "/v1/embeddings": {"model": "base", "input": "Hi"},
    "/v1/completions": {"model": "base", "prompt": "Hi"},
    "/feedback": {"id": "chatcmpl-1", "rating": "good"},
    "/openai/v1/chat/completions": {"model": "captain", "messages": SAID},
}

App = tuple[httpx.AsyncClient, Relay, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    allowed = {"TUNEDROP_ALLOWED_ORIGINS": PAGE}
    async with up.upstream() as server, in_process(server.url, monkeypatch, **allowed) as parts:
        yield parts[0], parts[1], server


async def send(app: App, path: str, origin: str, **headers: str) -> httpx.Response:
    sent = {**ADA, "origin": origin, "content-type": "text/plain", **headers}
    return await app[0].post(path, content=json.dumps(BODIES[path]), headers=sent)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("origin", [EVIL, "null", f"{PAGE}.evil.example", "http://app.evil"])
async def test_a_page_of_another_site_chats_and_rates_nothing_by_a_sign_in(
    app: App, path: str, origin: str
) -> None:
    refused = await send(app, path, origin)
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert f"The page {origin} may not" in error["message"]
    assert "TUNEDROP_ALLOWED_ORIGINS" in error["message"]
    assert error["code"] == "origin_not_allowed"
    assert app[2].calls == []


async def test_nor_does_it_learn_which_models_there_are(app: App) -> None:
    for path in ("/v1/models", "/v1/models/captain", "/openai/deployments"):
        assert (await app[0].get(path, headers={**ADA, "origin": EVIL})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": PAGE},
        {"origin": "http://app"},  # its own pages, by the address that was asked
        {"origin": "https://custom.example", "sec-fetch-site": "same-origin"},
        {"origin": EVIL, "api-key": KEY},
        {"origin": EVIL, "authorization": f"Bearer {KEY}"},
        {"origin": "app://obsidian.md", "authorization": "Bearer a-token-of-entra"},
    ],
)
async def test_its_own_pages_those_that_are_named_and_whoever_sends_a_key_chat(
    app: App, headers: dict[str, str]
) -> None:
    assert (await send(app, "/v1/chat/completions", **headers)).status_code == 200


async def test_a_program_sends_no_origin(app: App) -> None:
    sent = {"model": "captain", "messages": SAID}
    assert (await app[0].post("/v1/chat/completions", json=sent, headers=ADA)).status_code == 200


async def test_what_the_browser_says_of_a_page_counts_more_than_an_address(app: App) -> None:
    """A name may lead to the app and to another machine by turns."""
    path = "/v1/chat/completions"
    refused = await send(app, path, "http://app", **{"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403


@pytest.mark.parametrize("origin", [EVIL, "null"])
async def test_any_page_may_chat_means_with_a_key(
    monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    everybody = {"TUNEDROP_ALLOWED_ORIGINS": "*"}
    async with up.upstream() as server, in_process(server.url, monkeypatch, **everybody) as parts:
        app = parts[0], parts[1], server
        path = "/v1/chat/completions"
        assert (await send(app, path, origin)).status_code == 403
        assert (await send(app, path, origin, **{"api-key": KEY})).status_code == 200
