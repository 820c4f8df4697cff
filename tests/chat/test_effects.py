"""Fields that do more than shape an answer pass by a setting only; all others pass."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.chat.effects import ALLOWABLE, EFFECTS, parse_allowed
from shared.errors import SettingError
from tests.chat import upstream as up
from tests.support.in_process import in_process

SAID = [{"role": "user", "content": "Hi"}]
App = tuple[httpx.AsyncClient, up.Upstream]
SEARCH = {"endpoint": "https://attacker.example", "index_name": "x"}
SOURCE = [{"type": "azure_search", "parameters": SEARCH}]


@pytest.fixture
async def app(request: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    allowed = {"TUNEDROP_CHAT_ALLOW": getattr(request, "param", "")}
    async with (
        up.upstream() as server,
        in_process(server.url, monkeypatch, **allowed) as (http, *_),
    ):
        yield http, server


async def ask(app: App, **more: Any) -> httpx.Response:
    return await app[0].post(
        "/v1/chat/completions", json={"model": "base", "messages": SAID} | more
    )


ASKS_FOR_IT = [
    ("store", True),
    ("store", 1),
    ("store", 0),
    ("store", "false"),
    ("data_sources", SOURCE),
    ("web_search_options", {}),
    ("service_tier", "priority"),
    ("service_tier", "flex"),
    ("service_tier", ["auto"]),
    ("prompt_cache_retention", "24h"),
    ("prompt_cache_options", {"ttl": "12h"}),
    ("prompt_cache_options", "12h"),
]


@pytest.mark.parametrize(("field", "value"), ASKS_FOR_IT)
async def test_what_has_an_effect_beyond_the_answer_is_refused_by_name(
    app: App, field: str, value: Any
) -> None:
    response = await ask(app, **{field: value})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == field
    assert "TUNEDROP_CHAT_ALLOW" in error["message"]
    assert app[1].calls == []


@pytest.mark.parametrize("app", [", ".join(EFFECTS)], indirect=True)
@pytest.mark.parametrize(("field", "value"), ASKS_FOR_IT)
async def test_a_setting_lets_it_pass_as_it_came(app: App, field: str, value: Any) -> None:
    assert (await ask(app, **{field: value})).status_code == 200
    assert app[1].calls[0].body[field] == value


@pytest.mark.parametrize("app", ["service_tier"], indirect=True)
async def test_one_that_is_allowed_allows_no_other(app: App) -> None:
    assert (await ask(app, service_tier="priority")).status_code == 200
    assert (await ask(app, store=True)).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"store": False},
        {"store": None},
        {"service_tier": "auto", "prompt_cache_retention": None, "data_sources": None},
        {"prompt_cache_options": {"mode": "explicit", "ttl": "30m"}},
        {"prompt_cache_options": {}},
        {"metadata": {"team": "x"}, "user": "u", "prediction": {"type": "content", "content": "x"}},
    ],
)
async def test_a_client_that_asks_for_none_of_it_passes(app: App, fields: dict[str, Any]) -> None:
    """Many send `store: false` with every request."""
    assert (await ask(app, **fields)).status_code == 200
    sent = app[1].calls[0].body
    assert {name: sent[name] for name in fields} == fields


async def test_of_a_field_that_is_sent_twice_the_last_counts_here_and_there(app: App) -> None:
    body = b'{"model": "base", "messages": [{"role": "user"}], "store": true, "store": false}'
    response = await app[0].post("/v1/chat/completions", content=body)
    assert response.status_code == 200
    assert app[1].calls[0].body["store"] is False


def test_a_setting_that_names_something_else_is_refused() -> None:
    with pytest.raises(SettingError, match="'stores'") as refused:
        parse_allowed(("store", "stores"))
    assert "web_search_options" in refused.value.fix


def test_a_field_that_no_setting_allows_is_named_with_those_that_one_may() -> None:
    with pytest.raises(SettingError) as refused:
        parse_allowed(("store", "stor"))
    assert "'stor'" in refused.value.message
    assert refused.value.fix == f"It may have {', '.join(ALLOWABLE)}, with commas."


# ---- the Responses API, by which the service keeps each answer unless it is told not to


KEPT = {
    "store": True,
    "previous_response_id": "resp_1",
    "input": [{"type": "item_reference", "id": "msg_1"}],
}


@pytest.mark.parametrize("app", ["store"], indirect=True)
async def test_where_the_service_may_keep_conversations_clients_get_their_own_way(app: App) -> None:
    """So the Vercel AI SDK's second turn works in its defaults, which refers to the first one."""
    for body in ({"input": "Hi"}, {"input": "Hi", "store": False}, {"input": "Hi", **KEPT}):
        assert (await app[0].post("/v1/responses", json={"model": "base", **body})).is_success
        assert app[1].calls[-1].body == {"model": "base", **body}


@pytest.mark.parametrize("app", ["hosted_tools"], indirect=True)
async def test_tools_of_the_service_are_allowed_apart_from_what_it_keeps(app: App) -> None:
    body = {"model": "base", "input": "Hi", "tools": [{"type": "web_search"}]}
    assert (await app[0].post("/v1/responses", json=body)).is_success
    assert app[1].calls[0].body == {**body, "store": False}
    assert (await app[0].post("/v1/responses", json={**body, **KEPT})).status_code == 400


async def test_fields_with_an_effect_are_refused_in_every_api(app: App) -> None:
    for path, body in (("embeddings", {"input": "x"}), ("completions", {"prompt": "x"})):
        request = {"model": "base", **body, "data_sources": SOURCE}
        answer = await app[0].post(f"/v1/{path}", json=request)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "data_sources")
