"""Notifications reach their receivers, at least once and under one id, whatever the receiver does;
and no run waits for it."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.run import delivery, ticking
from shared.run.outbox import CLAIM, KEPT_IN_MIND, Outbox
from shared.run.stages import Stage
from tests.support.receiver import Receiver, add, delivered, minutes, waiting
from tests.support.runs import RunHarness

HOUR = 3600


async def trouble(telling: RunHarness, name: str = "webhook") -> Any:
    return (await Outbox(telling.ctx.clients.runs).troubles()).of(name)


# ---- once, where all is well


async def test_each_is_sent_once_the_oldest_first(telling: RunHarness, there: Receiver) -> None:
    await add(telling, "z", "y", "x")
    await minutes(telling, 3)
    assert there.ids == ["z", "y", "x"]
    assert await waiting(telling) == []


async def test_what_was_told_is_not_told_again_when_it_is_added_again(
    telling: RunHarness, there: Receiver
) -> None:
    for _ in range(3):
        await add(telling, "one")
        await minutes(telling, 1)
    assert there.ids == ["one"]
    await telling.pause(KEPT_IN_MIND.total_seconds() + HOUR)
    await Outbox(telling.ctx.clients.runs).forget(telling.ctx.now())
    await add(telling, "one")
    await minutes(telling, 1)
    assert there.ids == ["one", "one"]


async def test_many_are_told_some_at_a_time(
    telling: RunHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST", 4)
    ids = [f"n{number}" for number in range(10)]
    await add(telling, *ids)
    await delivered(telling)
    assert there.ids == ids[:4]
    await minutes(telling, 2)
    assert there.ids == ids


async def test_nobody_is_asked_where_nothing_waits(telling: RunHarness, there: Receiver) -> None:
    await minutes(telling, 5)
    assert there.requests == []
    assert await telling.ctx.clients.runs.info(CLAIM) is None


async def test_ticks_and_the_shares_of_calls_deliver(telling: RunHarness, there: Receiver) -> None:
    for id, work in (("one", telling.tick()), ("two", ticking.share(telling.ctx, False, {}))):
        await add(telling, id)
        await work
        await asyncio.gather(*telling.ctx.delivering)
        assert there.ids[-1] == id


# ---- a receiver that is down


async def test_a_receiver_that_is_down_for_an_hour_gets_each_once_and_delays_no_run(
    telling: RunHarness, there: Receiver
) -> None:
    there.status = 503
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.SERVING)
    await telling.until_inactive()
    await minutes(telling, 60)
    there.status, failed = 200, len(there.requests)
    await minutes(telling, 20)
    assert sorted(there.kinds()[failed:]) == ["model.promoted", "run.serving"]
    assert await waiting(telling) == []

    undisturbed = RunHarness.in_memory(telling.ctx.settings, "captain")
    undisturbed.ctx.clients.settings = replace(telling.ctx.settings, webhook_url="")
    await undisturbed.drop()
    other = await undisturbed.until(await undisturbed.received(), Stage.SERVING)
    took = [moment.at - run.timeline[0].at for moment in run.timeline]
    assert took == [moment.at - other.timeline[0].at for moment in other.timeline]


async def test_a_receiver_that_is_down_is_asked_ever_more_rarely(
    telling: RunHarness, there: Receiver
) -> None:
    telling.set_policy(first_pause=15.0)
    there.status = 500
    await add(telling, *(f"n{number}" for number in range(50)))
    await minutes(telling, 60)
    first = len(there.requests)
    assert 5 < first < 14, "one notification stands for all that wait"
    await minutes(telling, 60)
    assert len(there.requests) - first <= 8, "every 15 minutes, or somewhat sooner"


async def test_a_pause_that_the_receiver_asks_for_is_kept(
    telling: RunHarness, there: Receiver
) -> None:
    there.status, there.headers = 429, {"retry-after": "1800"}
    await add(telling, "one", "two")
    await delivered(telling)
    there.status = 200
    await minutes(telling, 29)
    assert len(there.requests) == 1
    await minutes(telling, 5)
    assert there.ids == ["one", "one", "two"]


async def test_a_clock_that_was_wrong_silences_no_receiver(
    telling: RunHarness, there: Receiver
) -> None:
    """Another host's, a day ahead."""
    there.status = 503
    await add(telling, "one")
    ahead = replace(telling.ctx, now=lambda: telling.ctx.now() + timedelta(days=1))
    await delivery.deliver(ahead)
    there.status = 200
    await minutes(telling, 1)
    assert await waiting(telling) == []


async def test_while_a_receiver_rests_nothing_is_read_for_it(
    telling: RunHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.status, there.headers = 503, {"retry-after": "3600"}
    await add(telling, "one", "two")
    await delivered(telling)
    monkeypatch.setattr(Outbox, "read", None)
    await minutes(telling, 59)


async def test_it_is_told_once_what_is_in_the_way_and_when_that_is_over(
    telling: RunHarness, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    there.status = 503
    await add(telling, "one")
    await minutes(telling, 60)
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(said) == 1
    assert "503" in said[0]
    known = await trouble(telling)
    assert (known.failures > 3, known.problem in said[0]) == (True, True)
    there.status = 200
    await minutes(telling, 20)
    assert (await trouble(telling)).failures == 0
    assert "arrive again" in caplog.text


async def test_a_receiver_that_hangs_delays_no_tick_and_is_called_once_at_a_time(
    telling: RunHarness, there: Receiver
) -> None:
    there.hangs = True
    await add(telling, "one", "two")
    await telling.tick()
    await there.came.wait()
    await telling.drop()
    run = await telling.until(await telling.received(), Stage.SERVING)
    assert run.stage is Stage.SERVING
    assert there.ids == ["one"], "while that call is under way"
    (task,) = telling.ctx.delivering
    assert telling.ctx.overrunning == set(), "where it would take a run's place"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_receiver_that_hangs_is_not_waited_for_without_end(
    telling: RunHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.cloud.receivers.CALL_SECONDS", 0.1)
    there.hangs = True
    await add(telling, "one", "two")
    await asyncio.wait_for(delivered(telling), 30)
    assert "two" not in there.ids
    assert "did not answer" in (await trouble(telling)).problem


async def test_one_delivery_begins_no_more_calls_after_its_time(
    telling: RunHarness, there: Receiver
) -> None:
    ids = [f"n{number}" for number in range(6)]
    await add(telling, *ids)
    seconds = iter(range(0, 1000, 20))  # by the clock, each look at it 20 s after the one before
    ctx = replace(telling.ctx, uptime=lambda: float(next(seconds)))
    await delivery.deliver(ctx)
    assert there.ids == ["n0", "n1"]
    await minutes(telling, 1)
    assert there.ids == ids


# ---- what one receiver will not have


async def test_what_is_refused_stands_in_no_others_way_and_is_sent_again(
    telling: RunHarness, there: Receiver
) -> None:
    there.statuses = [400]
    await add(telling, "bad", "good")
    await delivered(telling)
    assert there.ids == ["bad", "good"]
    assert await waiting(telling) == ["bad"]
    await minutes(telling, 2)
    assert there.ids == ["bad", "good", "bad"]
    assert await waiting(telling) == []


async def test_what_is_refused_each_time_is_sent_ever_more_rarely(
    telling: RunHarness, there: Receiver
) -> None:
    telling.set_policy(first_pause=15.0)
    there.status = 422
    await add(telling, "bad")
    await minutes(telling, 60)
    assert 5 < len(there.requests) < 14


async def test_a_receiver_that_wants_no_more_is_not_asked_again(
    telling: RunHarness, there: Receiver
) -> None:
    there.status = 410
    await add(telling, "one")
    await minutes(telling, 60)
    assert len(there.requests) == 1
    assert (await trouble(telling)).given_up == 1


async def test_after_three_days_it_is_given_up_and_that_is_told(
    telling: RunHarness, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    there.status = 404
    await add(telling, "one")
    await minutes(telling, 1)
    await telling.pause(71 * HOUR)
    await delivered(telling)
    assert await waiting(telling) == ["one"]
    await telling.pause(HOUR)
    await delivered(telling)
    assert await waiting(telling) == []
    assert "dev.tunedrop.budget of TUNEDROP_DAILY_RUNS was given up (webhook)" in caplog.text
    known = await trouble(telling)
    assert known.given_up == 1
    assert "404" in known.given_up_why
    there.status = 200
    await add(telling, "two")
    await minutes(telling, 20)
    assert there.ids[-1] == "two"
    assert (await trouble(telling)).given_up == 1, "it is kept in mind"
