"""Keys over HTTP: created once, limited, revoked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.chat.stored_keys import KEY
from shared.keys_api import LIMITS
from tests.chat.keyed import App, with_keys
from tests.support.described import schema_of
from tests.support.in_process import KEY as WEB


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with with_keys(monkeypatch) as app:
        yield app


# ---- created


async def test_a_created_key_chats_at_once_and_is_told_once(app: App) -> None:
    response = await app.http.post("/keys", json={"name": "bot", "who": "ada", "why": "a test"})
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    key = response.json()["key"]
    assert KEY.fullmatch(key)
    assert (await app.chat(key)).status_code == 200
    page = await app.listed()
    assert key not in json.dumps(page)
    assert "sha256" not in json.dumps(page)
    (event,) = page["events"]
    assert (event["what"], event["why"]) == ("created", "a test")
    assert event["who"].startswith("ada")


async def test_a_key_is_for_its_models_alone(app: App) -> None:
    key = await app.create(models=["captain"])
    assert (await app.chat(key, "captain@1")).status_code == 200
    assert (await app.chat(key, "base")).status_code == 404
    listed = await app.http.get("/v1/models", headers={"api-key": key})
    assert [model["id"].partition("@")[0] for model in listed.json()["data"]] == ["captain"] * len(
        listed.json()["data"]
    )


async def test_a_model_that_is_not_there_is_told_and_may_come(app: App) -> None:
    made = await app.http.post("/keys", json={"name": "bot", "models": ["captian", "base"]})
    assert made.json()["absent"] == ["captian"]
    for models, absent in ((["captain", "base"], []), (None, []), (["new"], ["new"])):
        changed = await app.http.post("/keys/bot/limit", json={"models": models})
        assert changed.json()["absent"] == absent


async def test_a_key_has_its_limits(app: App) -> None:
    key = await app.create(requests_per_minute=1)
    assert (await app.chat(key)).status_code == 200
    refused = await app.chat(key)
    assert refused.status_code == 429
    assert "bot may use 1 requests per minute" in refused.json()["error"]["message"]


async def test_a_key_of_the_role_operator_commands_and_the_others_do_not(app: App) -> None:
    for role, status in (("chat", 403), ("reader", 403), ("operator", 200)):
        key = await app.create(f"a-{role}", role=role)
        response = await app.http.get("/manage/keys", headers={"api-key": key})
        assert response.status_code == status, role
    headers = {"api-key": key, "x-tunedrop": "1"}
    made = await app.http.post("/manage/keys", json={"name": "next"}, headers=headers)
    assert made.status_code == 201
    assert made.json()["by"] == "a-operator (by key)"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "needs a name"),
        ({"name": ""}, "needs a name"),
        ({"name": "a/b"}, "'a/b' is no name"),
        ({"name": "a\x1b[2J"}, "no name"),
        ({"name": ["a"]}, "no name"),
        ({"name": "bot", "role": "admin"}, "'admin' is no role"),
        ({"name": "bot", "role": ["operator"]}, "no role"),
        ({"name": "bot", "role": True}, "no role"),
        ({"name": "bot", "models": "captain"}, "no list of names"),
        ({"name": "bot", "models": [7]}, "no list of names"),
        ({"name": "bot", "models": ["captain@2"]}, "'captain@2' is no name of a model"),
        ({"name": "bot", "models": ["*"]}, "'*' is no name"),
        ({"name": "bot", "models": ["m"] * 51}, "51 names"),
        ({"name": "bot", "models": ["m" * 120] * 40}, "4,800 characters"),
        ({"name": "bot", "requests_per_minute": 0}, "requests_per_minute is 0"),
        ({"name": "bot", "requests_per_minute": True}, "requests_per_minute is True"),
        ({"name": "bot", "requests_per_minute": "60"}, "requests_per_minute is 60"),
        ({"name": "bot", "tokens_per_minute": 1.5}, "tokens_per_minute is 1.5"),
        ({"name": "bot", "tokens_per_minute": 10**40}, "tokens_per_minute is 1000"),
        ({"name": "bot", "role": "reader", "models": ["captain"]}, "narrows keys of the role chat"),
        ({"name": "bot", "role": "operator", "models": []}, "narrows keys of the role chat"),
        ({"name": "bot", "tokens": 5}, "tokens is not a key of create"),
        ({"name": "bot", "key": "mine"}, "key is not a key of create"),
    ],
)
async def test_what_is_no_key_is_refused_by_name_and_nothing_is_kept(
    app: App, body: dict[str, Any], says: str
) -> None:
    response = await app.http.post("/keys", json=body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert says in error["message"]
    assert error["fix"]
    assert len(error["message"]) < 300
    assert "\x1b" not in error["message"]
    assert (await app.relay.keys.read()).keys == ()


async def test_a_name_that_is_taken_is_refused(app: App) -> None:
    await app.create("bot")
    for name in ("bot", "web"):  # the latter is in the setting
        response = await app.http.post("/keys", json={"name": name})
        assert response.status_code == 409
        assert f"There is a key '{name}' already" in response.json()["error"]["message"]


async def test_null_is_no_limit_as_the_list_tells_it(app: App) -> None:
    await app.create(models=None, requests_per_minute=None, tokens_per_minute=None, role=None)
    row = await app.row("bot")
    assert (row["role"], row["models"], row["tokens_per_minute"]) == ("chat", None, None)


# ---- limited and revoked


async def test_another_limit_counts_for_the_next_request(app: App) -> None:
    key = await app.create(requests_per_minute=1)
    assert [(await app.chat(key)).status_code for _ in range(2)] == [200, 429]
    limit = "/keys/bot/limit"
    answer = await app.http.post(limit, json={"requests_per_minute": None, "who": "ada"})
    assert answer.json()["requests_per_minute"] is None
    assert [(await app.chat(key)).status_code for _ in range(3)] == [200] * 3
    await app.http.post(limit, json={"models": ["captain"]})
    assert (await app.chat(key, "base")).status_code == 404


async def test_a_limit_that_is_raised_lets_in_soon_and_one_that_is_lowered_holds(app: App) -> None:
    now = 0.0
    app.relay.auth.limits.clock = lambda: now
    key = await app.create(requests_per_minute=2)
    assert [(await app.chat(key)).status_code for _ in range(3)] == [200, 200, 429]
    await app.http.post("/keys/bot/limit", json={"requests_per_minute": 600})
    now += 0.2
    assert [(await app.chat(key)).status_code for _ in range(3)] == [200, 200, 429]
    now += 60
    await app.http.post("/keys/bot/limit", json={"requests_per_minute": 1})
    assert [(await app.chat(key)).status_code for _ in range(2)] == [200, 429]


async def test_a_limit_without_any_is_refused(app: App) -> None:
    await app.create()
    response = await app.http.post("/keys/bot/limit", json={"why": "?"})
    assert response.status_code == 400
    assert "Which limit" in response.json()["error"]["message"]
    wrong = await app.http.post("/keys/bot/limit", json={"role": "operator"})
    assert "role is not a key of limit" in wrong.json()["error"]["message"]


async def test_a_key_that_sees_every_model_is_not_narrowed_to_some(app: App) -> None:
    await app.create(role="reader")
    limit = "/keys/bot/limit"
    refused = await app.http.post(limit, json={"models": ["captain"]})
    assert refused.status_code == 400
    assert "does so for every model" in refused.json()["error"]["message"]
    for terms in ({"requests_per_minute": 7}, {"models": None}):
        assert (await app.http.post(limit, json=terms)).status_code == 200


async def test_who_changes_a_key_that_is_another_by_now_is_told_and_widens_nothing(
    app: App,
) -> None:
    await app.create(tokens_per_minute=1000, models=[])
    shown = await app.row("bot")
    was = {name: shown[name] for name in ("id", "models", *LIMITS)}
    assert was["models"] == []
    narrowed = {"models": ["captain"], "was": was}
    assert (await app.http.post("/keys/bot/limit", json=narrowed)).status_code == 200
    assert (await app.http.post("/keys/bot/limit", json=narrowed)).status_code == 200  # it is so
    for stale in ({"requests_per_minute": 7}, {"models": None}):
        refused = await app.http.post("/keys/bot/limit", json={**stale, "was": was})
        assert refused.status_code == 409
        assert "The key 'bot' is another by now" in refused.json()["error"]["message"]
    row = await app.row("bot")
    assert (row["models"], row["requests_per_minute"]) == (["captain"], None)
    fresh = {"requests_per_minute": 7, "was": {"models": ["captain"]}}
    assert (await app.http.post("/keys/bot/limit", json=fresh)).json()["tokens_per_minute"] == 1000


@pytest.mark.parametrize("order", ["limit", "revoke"])
async def test_an_order_for_a_key_whose_name_was_given_again_is_refused(
    app: App, order: str
) -> None:
    await app.create()
    was = {"id": (await app.row("bot"))["id"]}
    await app.http.post("/keys/bot/revoke", json={"was": was})
    assert (await app.http.post("/keys/bot/revoke", json={"was": was})).status_code == 200
    new = await app.create(requests_per_minute=5)
    body = {"was": was, **({"requests_per_minute": None} if order == "limit" else {})}
    assert (await app.http.post(f"/keys/bot/{order}", json=body)).status_code == 409
    assert (await app.chat(new)).status_code == 200


@pytest.mark.parametrize("was", [[], "x", {"role": "chat"}, {"id": 7}, {"models": "captain"}])
async def test_what_no_key_can_have_been_is_refused(app: App, was: object) -> None:
    await app.create()
    body = {"requests_per_minute": 1, "was": was}
    refused = await app.http.post("/keys/bot/limit", json=body)
    assert refused.status_code == 400
    assert (await app.row("bot"))["requests_per_minute"] is None


async def test_a_revoked_key_is_told_so_and_lets_nobody_in(app: App) -> None:
    key = await app.create(role="operator")
    response = await app.http.post("/keys/bot/revoke", json={"who": "ada"})
    assert response.json()["state"] == "revoked"
    refused = await app.chat(key)
    assert refused.status_code == 401
    error = refused.json()["error"]
    assert error["code"] == "key_revoked"
    assert "The key 'bot' was revoked on 20" in error["message"]
    for path in ("me", "runs"):
        refused = await app.http.get(f"/manage/{path}", headers={"api-key": key})
        assert refused.status_code == 401
        error = refused.json()["error"]
        assert error["message"].startswith("The key 'bot' was revoked on 20")
        assert error["fix"] == "Ask an operator of the app for another one."
        assert error["code"] == "key_revoked"
    # A valid key beside it still lets in, of either kind and in either header.
    for valid in (WEB, await app.create("other")):
        for first, second in ((key, valid), (valid, key)):
            both = {"api-key": first, "authorization": f"Bearer {second}"}
            assert (await app.http.get("/v1/models", headers=both)).status_code == 200


async def test_a_revoked_name_may_be_given_again_and_the_old_key_stays_out(app: App) -> None:
    old = await app.create()
    await app.http.post("/keys/bot/revoke")
    new = await app.create()
    assert (await app.chat(old)).status_code == 401
    assert (await app.chat(new)).status_code == 200
    rows = [row for row in (await app.listed())["keys"] if row["name"] == "bot"]
    assert [(row["state"], row["requests"]) for row in rows] == [("valid", 1), ("revoked", 0)]


@pytest.mark.parametrize("order", ["limit", "revoke"])
async def test_a_key_of_the_setting_is_changed_in_the_setting(app: App, order: str) -> None:
    body = {"tokens_per_minute": 5} if order == "limit" else {}
    response = await app.http.post(f"/keys/web/{order}", json=body)
    assert response.status_code == 409
    assert "setting TUNEDROP_APP_KEYS" in response.json()["error"]["message"]
    assert (await app.chat(WEB)).status_code == 200


async def test_orders_about_no_key_and_orders_that_are_none(app: App) -> None:
    for path, says in (("nobody/revoke", "no key 'nobody'"), ("web/rotate", "not an order")):
        response = await app.http.post(f"/keys/{path}")
        assert response.status_code == 404
        assert says in response.json()["error"]["message"]


async def test_each_answer_is_as_it_is_described(app: App) -> None:
    created = await app.http.post("/keys", json={"name": "bot", "models": ["captain"]})
    await app.chat(created.json()["key"], "captain")
    limited = await app.http.post("/keys/bot/limit", json={"tokens_per_minute": 5})
    revoked = await app.http.post("/keys/bot/revoke")
    listed = await app.http.get("/keys")
    for answer, path, method in (
        (created, "/keys", "post"),
        (limited, "/keys/{name}/{order}", "post"),
        (revoked, "/keys/{name}/{order}", "post"),
        (listed, "/keys", "get"),
        (await app.http.get("/keys?days=x"), "/keys", "get"),
    ):
        schema = schema_of(path, method, answer.status_code)
        Draft202012Validator(schema).validate(answer.json())
