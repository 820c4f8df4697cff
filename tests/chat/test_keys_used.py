"""What each key has used, over HTTP, and who is let in while storage is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.chat.key_store import FRESH_SECONDS, NAME, RETRY_SECONDS
from shared.errors import Unavailable
from tests.chat import upstream as up
from tests.chat.keyed import CHAT, SAID, App, with_keys
from tests.support.in_process import KEY as WEB
from tests.support.in_process import METERED, signed_in


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with with_keys(monkeypatch) as app:
        yield app


async def test_what_each_key_has_used_is_told_by_day_and_model(app: App) -> None:
    key = await app.create()
    for model in ("base", "captain", "captain@1"):
        await app.chat(key, model)
    await app.chat(WEB)
    await app.http.post(
        CHAT, json={"model": "base", "messages": SAID}, headers={"api-key": "", **signed_in("ada")}
    )
    row = await app.row("bot")
    assert {(one["model"], one["requests"], one["tokens"]) for one in row["usage"]} == {
        ("base", 1, 7),
        ("captain", 2, 14),
    }
    assert (row["requests"], row["tokens"]) == (3, 21)
    assert row["last_used"]
    page = await app.listed()
    assert (await app.row("web"))["requests"] == 1
    assert (page["people"]["requests"], page["people"]["tokens"]) == (1, 7)
    assert (await app.row("metered"))["last_used"] is None


async def test_an_order_tells_what_the_key_has_used_and_is_carried_out_without(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await app.create()
    await app.chat(key)
    limited = await app.http.post("/keys/bot/limit", json={"tokens_per_minute": 5})
    assert limited.json()["requests"] == 1

    async def away(*args: Any) -> Any:
        raise Unavailable("Storage does not answer.", "Wait.")

    monkeypatch.setattr(app.relay.usage_days, "totals", away)
    revoked = await app.http.post("/keys/bot/revoke")
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")


async def test_streams_refusals_and_those_who_leave_are_counted_once(app: App) -> None:
    key = await app.create()
    usage = b'data: {"choices":[],"usage":{"total_tokens":9}}\n\n'
    app.server.plan("base", up.stream(up.event("Hi", "stop"), usage))
    assert (await app.chat(key, stream=True)).status_code == 200
    row = await app.row("bot")
    assert (row["requests"], row["tokens"]) == (1, 9)
    app.server.plan("base", up.error(400, "content_filter"))
    assert (await app.chat(key)).status_code == 400
    app.server.plan("base", *[up.error(429, "throttled")] * 2)
    assert (await app.chat(key)).status_code == 429
    row = await app.row("bot")
    assert row["requests"] == 3
    app.server.plan("base", up.silence(asyncio.Event()))
    app.server.called.clear()
    leaving = asyncio.create_task(app.chat(key))
    await app.server.called.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    row = await app.row("bot")
    assert row["requests"] == 4
    assert row["tokens"] > 9


async def test_what_was_refused_before_it_began_is_not_counted(app: App) -> None:
    key = await app.create(models=["captain"])
    assert (await app.chat(key, "base")).status_code == 404
    assert (await app.chat(key, "captain", messages=[])).status_code == 400
    await app.http.get("/v1/models", headers={"api-key": key})
    assert (await app.row("bot"))["requests"] == 0


async def test_usage_of_a_key_that_left_the_setting_is_not_lost(app: App) -> None:
    await app.chat(METERED)
    app.relay.auth.callers = [key for key in app.relay.auth.callers if key.name != "metered"]
    (removed,) = (await app.listed())["removed"]
    assert (removed["name"], removed["requests"]) == ("metered", 1)


@pytest.mark.parametrize("days", ["0", "93", "x", "-1", "1.5", "999999"])
async def test_days_that_are_none_are_refused(app: App, days: str) -> None:
    response = await app.http.get(f"/keys?days={days}")
    assert response.status_code == 400
    assert "no number of days" in response.json()["error"]["message"]


# ---- storage that is away


class Outage:
    """Reads of the list of keys fail from now on, or chats' usage cannot be written."""

    def __init__(self, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
        models = app.relay.keys.models

        async def away(*args: Any, **more: Any) -> Any:
            raise Unavailable("Storage does not answer.", "Wait.")

        for name in ("record", "append"):
            monkeypatch.setattr(models, name, away)


async def test_while_storage_is_away_known_keys_go_on_and_those_of_the_setting_always_do(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await app.create()
    with monkeypatch.context() as out:
        Outage(app, out)
        app.clock.now += FRESH_SECONDS + 1
        assert (await app.http.get("/manage/me", headers={"api-key": key})).status_code == 200
        app.clock.now += 600
        unknown = await app.chat(key)
        assert unknown.status_code == 503
        error = unknown.json()["error"]
        assert error["code"] == "keys_unreadable"
        assert unknown.headers["retry-after"]
        assert "cannot be told" in error["message"]
        assert (await app.http.get("/manage/me", headers={"api-key": key})).status_code == 503
        for known in (WEB, METERED):
            answer = await app.http.get("/manage/me", headers={"api-key": known})
            assert answer.status_code == 200
        stranger = await app.http.get("/manage/me", headers={"api-key": "sk-somebody-elses"})
        assert stranger.status_code == 401
        page = await app.listed()
        assert [row["name"] for row in page["keys"]] == ["metered", "web"]
        assert "Storage does not answer." in page["problems"][0]["message"]
    app.clock.now += RETRY_SECONDS
    assert (await app.chat(key)).status_code == 200


async def test_an_outage_of_a_minute_ends_no_key(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await app.create()
    with monkeypatch.context() as out:
        Outage(app, out)
        for _ in range(12):
            app.clock.now += FRESH_SECONDS + 0.1
            assert (await app.http.get("/manage/me", headers={"api-key": key})).status_code == 200


async def test_a_key_of_the_setting_and_a_text_of_another_form_cost_no_read(app: App) -> None:
    reads = []
    read = app.relay.keys.models.read

    async def noted(name: str) -> Any:
        reads.append(name)
        return await read(name)

    app.relay.keys.models.read = noted  # type: ignore[method-assign]
    for key in (WEB, "sk-guess", "td-guess", "td-" + "g" * 64, "td-" + "0" * 65):
        await app.http.get("/manage/me", headers={"api-key": key})
    assert NAME not in reads
    for number in range(20):
        guess = f"td-{number:064x}"
        assert (await app.http.get("/manage/me", headers={"api-key": guess})).status_code == 401
    assert reads.count(NAME) == 1
