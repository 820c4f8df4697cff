"""Whoever dies while it delivers, and whatever lies in the outbox: nothing is lost, and nothing
stands in the way of the others."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable
from shared.run import delivery
from shared.run.notifications import Awaited
from shared.run.outbox import CLAIM, KEPT_IN_MIND, Outbox
from tests.support.receiver import Receiver, add, delivered, minutes, waiting
from tests.support.runs import RunHarness

HOUR = 3600


async def trouble(telling: RunHarness, name: str = "webhook") -> Any:
    return (await Outbox(telling.ctx.clients.runs).troubles()).of(name)


# ---- deaths, and several workers


async def test_a_death_after_the_call_sends_the_same_bytes_under_the_same_id(
    telling: RunHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> str:
        raise KeyboardInterrupt

    await add(telling, "one")
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "keep", dies)
        with pytest.raises(KeyboardInterrupt):
            await delivery.deliver(telling.ctx)
    await minutes(telling, 2)
    first, second = there.requests
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]
    assert there.ids == ["one", "one"]
    assert await waiting(telling) == []


@pytest.mark.parametrize("call", ["told", "remove", "note"])
async def test_a_death_at_any_write_loses_nothing(
    telling: RunHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    async def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    there.statuses = [503] if call == "note" else []
    await add(telling, "one")
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, call, dies)
        with pytest.raises(KeyboardInterrupt):
            await delivery.deliver(telling.ctx)
    await minutes(telling, 2)
    assert set(there.ids) == {"one"}
    assert await waiting(telling) == []


async def test_one_worker_delivers_at_a_time(telling: RunHarness, there: Receiver) -> None:
    await add(telling, *(f"n{number}" for number in range(5)))
    await asyncio.gather(*(delivery.deliver(telling.ctx) for _ in range(4)))
    assert sorted(there.ids) == [f"n{number}" for number in range(5)]


async def test_while_storage_hangs_ticks_do_not_pile_deliveries_up(
    telling: RunHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def slow(_: Any) -> list[Any]:
        await release.wait()
        return []

    monkeypatch.setattr(Outbox, "waiting", slow)
    for _ in range(3):
        delivery.begin(telling.ctx)
        await asyncio.sleep(0)
    assert len(telling.ctx.delivering) == 1
    release.set()
    await asyncio.gather(*telling.ctx.delivering)


async def test_a_worker_that_died_while_it_delivered_keeps_no_other_from_it(
    telling: RunHarness, there: Receiver
) -> None:
    runs = telling.ctx.clients.runs
    await runs.create(CLAIM, b"")
    async with runs.lease(CLAIM):
        await add(telling, "one")
        await delivered(telling)
        assert there.requests == []
        telling.break_claims()
        await delivered(telling)
        assert there.ids == ["one"]


# ---- what lies in the outbox and is no notification that can be told


async def test_what_cannot_be_read_stands_in_no_others_way_and_goes_in_the_end(
    telling: RunHarness, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    runs = telling.ctx.clients.runs
    await runs.put("outbox/torn", b"{", "application/json")
    await add(telling, "one")
    await minutes(telling, 3)
    assert there.ids == ["one"]
    assert await waiting(telling) == ["torn"]
    assert "torn" not in caplog.text, "nobody reads what is said at each tick"
    await telling.pause(73 * HOUR)
    await delivered(telling)
    assert await waiting(telling) == []
    assert "torn" in caplog.text


async def test_what_a_newer_version_of_the_app_has_written_is_left_to_it(
    telling: RunHarness, there: Receiver
) -> None:
    newer = b'{"schema_version": 9, "id": "newer"}'
    await telling.ctx.clients.runs.put("outbox/newer", newer, "application/json")
    await telling.pause(99 * HOUR)
    await delivered(telling)
    assert await waiting(telling) == ["newer"]


async def test_a_model_whose_record_cannot_be_read_holds_up_only_its_own(
    telling: RunHarness, there: Receiver
) -> None:
    await telling.ctx.clients.models.put("m.json", b"{", "application/json")
    await add(telling, "change", awaits=Awaited(model="m", change="c"))
    await add(telling, "other")
    await minutes(telling, 20)
    assert there.ids == ["other"]
    assert await waiting(telling) == ["change"]


async def test_an_outage_of_storage_is_a_line_in_the_log(
    telling: RunHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(*_: Any) -> Any:
        raise Unavailable("Storage could not be reached.")

    monkeypatch.setattr(MemoryContainer, "list", down)
    delivery.begin(telling.ctx)
    await asyncio.gather(*telling.ctx.delivering)
    assert "Storage could not be reached" in caplog.text


async def test_a_wrong_secret_is_told_without_it_and_mended_by_another(
    telling: RunHarness, there: Receiver
) -> None:
    receivers = telling.ctx.clients.receivers
    right = receivers.settings
    receivers.settings = replace(right, webhook_secrets=("hunter2",))
    await add(telling, "one")
    await minutes(telling, 2)
    known = await trouble(telling)
    assert "TUNEDROP_WEBHOOK_SECRET" in known.problem
    assert "hunter2" not in f"{known}"
    receivers.settings = right
    await minutes(telling, 20)
    assert there.ids == ["one"]


def test_a_notification_is_kept_for_longer_than_it_is_tried() -> None:
    """Or what was given up would be told after all when it is added again."""
    assert timedelta(days=3) < KEPT_IN_MIND
