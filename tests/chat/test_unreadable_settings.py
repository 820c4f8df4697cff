"""An app whose settings cannot be read says so, on every route that needs them."""

import httpx
import pytest

import function_app
from shared.chat.relay import Relay
from shared.cloud import AzureClients
from tests.chat import upstream as up
from tests.support.in_process import in_process, settings

STORAGE = {"TunedropStorage": "UseDevelopmentStorage=true"}  # which nothing reaches here


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TUNEDROP_APP_KEYS", "web:not-a-digest"),
        ("TUNEDROP_CHAT_ALLOW", "everything"),
        ("TUNEDROP_REMEMBER", "captain:2"),
    ],
)
async def test_callers_are_told_which_setting_is_wrong(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as upstream, in_process(upstream.url, monkeypatch) as (client, *_):

        def broken() -> Relay:
            return Relay(AzureClients(settings(upstream.url, **STORAGE, **{name: value})))

        monkeypatch.setattr(function_app, "relay", broken)
        for answer in await ask_everything(client):
            assert answer.status_code == 503
            assert name in answer.text
            assert "not-a-digest" not in answer.text


async def ask_everything(client: httpx.AsyncClient) -> list[httpx.Response]:
    return [
        await client.post("/v1/chat/completions", json={"model": "m", "messages": []}),
        await client.post("/feedback", json={"id": "x", "rating": "good"}),
        await client.get("/v1/models"),
        await client.get("/models/captain/examples"),
    ]
