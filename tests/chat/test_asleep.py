"""Chats with a version that sleeps: nobody asks its deployment in vain, and callers know when."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.model import waking
from shared.model.redeploy import Redeployment, RedeployRequests
from shared.model.registry import Registry
from shared.model.usage import LastUses, last_uses
from tests.chat import upstream as up
from tests.chat.asked import App, three_versions
from tests.support.in_process import another_version, in_process

AT = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as app:
        yield app


async def put_to_sleep(app: App, number: int) -> None:
    registry = Registry(app.runs.ctx.clients.models)
    await registry.put_to_sleep("captain", number, AT, lambda model: True)


async def test_a_champion_that_sleeps_is_woken_and_not_asked(app: App) -> None:
    await put_to_sleep(app, 3)
    answer = await app.ask("captain")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "model_not_ready")
    assert answer.headers["retry-after"] == "600", "Azure's usual time, where none is known yet"
    assert "captain@3 sleeps" in error["message"]
    assert "10 minutes" in error["message"]
    assert app.server.asked() == []
    assert await app.requests() == ["wake/captain"]


async def test_callers_are_told_how_long_it_took_before(app: App) -> None:
    await put_to_sleep(app, 3)
    models = app.runs.ctx.clients.models
    for seconds in (90.0, 120.0, 4_000.0):
        await waking.note(models, seconds)
    asked_at = datetime.now(UTC) - timedelta(seconds=30)
    await models.put("wake/captain", asked_at.isoformat().encode(), "")
    answer = await app.ask("captain")
    assert 85 <= int(answer.headers["retry-after"]) <= 90, "120 less the 30 that have passed"
    again = await app.ask("captain")
    assert int(again.headers["retry-after"]) <= int(answer.headers["retry-after"])


async def test_one_that_takes_longer_is_asked_for_soon(app: App) -> None:
    await put_to_sleep(app, 3)
    await app.runs.ctx.clients.models.put("wake/captain", b"2026-01-01T00:00:00+00:00", "")
    assert (await app.ask("captain")).headers["retry-after"] == "15"


async def test_nobody_is_told_to_ask_before_it_is_tried_again(app: App) -> None:
    await put_to_sleep(app, 3)
    requests = RedeployRequests(app.runs.ctx.clients.models)
    tried_again = datetime.now(UTC) + timedelta(hours=2)
    state = Redeployment(model="captain", version=3, problem="No quota.", not_before=tried_again)
    await requests.keep(state)
    answer = await app.ask("captain")
    assert 7_100 < int(answer.headers["retry-after"]) <= 7_200
    assert "It is tried again at" in answer.json()["error"]["message"]


async def test_many_instances_make_one_request_with_the_first_ones_time(app: App) -> None:
    models = app.runs.ctx.clients.models
    first = RedeployRequests(models, lambda: AT)
    later = RedeployRequests(models, lambda: AT + timedelta(minutes=4))
    await first.add("captain")
    asked = await later.add("captain")
    assert await later.asked_at("captain") == AT
    assert asked.seconds == 360
    assert await app.requests() == ["wake/captain"]


async def test_a_version_that_the_app_does_not_keep_needs_a_person(app: App) -> None:
    await put_to_sleep(app, 1)
    status, code, message = await app.told("captain@1")
    assert (status, code) == (502, "no_deployment")
    assert "tunedrop wake captain@1" in message
    assert app.server.asked() == []
    assert await app.requests() == []


async def test_the_fallback_answers_meanwhile_and_the_champion_is_woken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fallback = {"TUNEDROP_CHAT_FALLBACK": "previous"}
    async with (
        up.upstream() as server,
        in_process(server.url, monkeypatch, **fallback) as (http, relay, runs),
    ):
        await another_version(runs, 2)
        app = App(http, relay, runs, server)
        await put_to_sleep(app, 2)
        answer = await app.ask("captain")
        assert answer.status_code == 200
        assert answer.headers["x-tunedrop-model"] == "captain@1"
        assert answer.headers["x-tunedrop-fallback-for"] == "captain@2"
        assert await app.requests() == ["wake/captain"]


async def test_looking_at_models_wakes_nothing_and_is_no_use(app: App) -> None:
    """Or a monitor that lists models would keep each of them deployed."""
    await put_to_sleep(app, 3)
    for path in ("/v1/models", "/v1/models/captain", "/health"):
        assert (await app.http.get(path)).status_code == 200
    assert await app.requests() == []
    await app.relay.uses.written()
    assert await last_uses(app.runs.ctx.clients.models) == {}


async def test_all_asleep_is_one_answer(app: App) -> None:
    await put_to_sleep(app, 3)
    answers = await asyncio.gather(*(app.ask("captain") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {503}
    assert app.server.asked() == []
    assert await app.requests() == ["wake/captain"]


async def test_a_chat_is_noted_once_a_minute_off_the_answers_way(app: App) -> None:
    for _ in range(5):
        assert (await app.ask("captain")).status_code == 200
    assert (await app.ask("captain@2")).status_code == 200
    assert (await app.ask("base")).status_code == 200
    await app.relay.uses.written()
    used = await last_uses(app.runs.ctx.clients.models)
    assert used.keys() == {("captain", 3), ("captain", 2)}


class Counted:
    """A container that notes what is put, and fails where it is told to."""

    def __init__(self) -> None:
        self.puts, self.fails = Counter[str](), False

    async def put(self, name: str, data: bytes, content_type: str) -> None:
        self.puts[name] += 1
        if self.fails:
            raise RuntimeError("storage is odd")


async def test_each_version_is_noted_a_minute_after_the_last_time() -> None:
    container, now = Counted(), [0.0]
    uses = LastUses(container, lambda: now[0])  # type: ignore[arg-type]
    for now[0] in (0.0, 30.0, 59.9, 60.0, 61.0):
        uses.note("captain@1")
        uses.note("captain@2")
        await uses.written()
    assert container.puts == {"used/captain@1": 2, "used/captain@2": 2}
    container.fails, now[0] = True, 200.0
    uses.note("captain@1")
    await uses.written()


async def test_names_that_are_no_version_are_no_use(app: App) -> None:
    models = app.runs.ctx.clients.models
    for name in ("used/captain@x", "used/captain", "used/captain@99999999999", "used/captain@7"):
        await models.put(name, b"", "")
    assert (await last_uses(models)).keys() == {("captain", 7)}


async def test_the_last_few_wake_ups_tell_the_usual_time() -> None:
    assert waking.Woken().usual == 600
    assert waking.Woken(seconds=(60, 90, 4_000)).usual == 90
    assert waking.seconds_left(120, 30) == 90
    assert waking.seconds_left(120, -30) == 120
    assert waking.seconds_left(120, 500) == 15
