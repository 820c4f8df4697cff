"""What each key has used: counted beside the answers, written in batches, read by day and model."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.chat import key_usage, usage_days
from shared.chat.auth import Auth
from shared.chat.key_usage import KEPT_DAYS, PLACE, KeyUsage
from shared.chat.usage_days import Totals, UsageDays
from shared.cloud.container import LONGEST_LINE, continued
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable

AT = datetime(2026, 11, 28, 23, 59, 50, tzinfo=UTC)


class Clock:
    now = AT

    def __call__(self) -> datetime:
        return self.now


class Storage(MemoryContainer):
    """It does not answer while `away`; `forgets_to_say`: it writes once and does not say so."""

    away = forgets_to_say = False
    appends = reads = 0

    async def append(self, name: str, line: str) -> None:
        self.appends += 1
        if self.away:
            raise Unavailable("Storage does not answer.", "Wait.")
        await super().append(name, line)
        if self.forgets_to_say:
            self.forgets_to_say = False
            raise Unavailable("The connection was reset.", "Wait.")

    def grown(self, name: str) -> Any:
        self.reads += 1
        return super().grown(name)


def opened(clock: Clock | None = None) -> tuple[KeyUsage, Storage]:
    storage = Storage("models")
    return KeyUsage(storage, clock or Clock()), storage


async def read(storage: Storage, days: int = 1, last: date | None = None) -> dict[Any, Totals]:
    return await UsageDays(storage).totals(last or AT.date(), days)


async def told(storage: Storage, key: str = "web", id: str = "") -> tuple[int, int]:
    totals = await read(storage, 3, AT.date() + timedelta(days=1))
    found = totals.get((key, id), Totals())
    return found.all.requests, found.all.tokens


async def test_it_is_told_by_key_day_and_model() -> None:
    clock = Clock()
    usage, storage = opened(clock)
    usage.note("web", "", "captain", 5)
    usage.note("web", "", "captain", 7)
    usage.note("web", "", "tickets", 1)
    usage.note("web", "a1", "captain", 100)  # a created key that has had the same name
    clock.now += timedelta(minutes=1)
    usage.note("web", "", "captain", 2)
    await usage.flush()
    assert storage.appends == 2  # one for each day
    totals = await read(storage, 2, clock.now.date())
    assert totals["web", ""].as_json() == {
        "last_used": "2026-11-29T00:00:50+00:00",
        "requests": 4,
        "tokens": 15,
        "usage": [
            {"day": "2026-11-29", "model": "captain", "requests": 1, "tokens": 2},
            {"day": "2026-11-28", "model": "captain", "requests": 2, "tokens": 12},
            {"day": "2026-11-28", "model": "tickets", "requests": 1, "tokens": 1},
        ],
    }
    assert totals["web", "a1"].all.tokens == 100


async def test_a_thousand_requests_are_one_write() -> None:
    usage, storage = opened()
    for _ in range(1_000):
        usage.note("web", "", "captain", 3)
    await usage.flush()
    await usage.flush()
    assert storage.appends == 1
    assert await told(storage) == (1_000, 3_000)


async def test_processes_are_added_up() -> None:
    _, storage = opened()
    for _ in range(3):
        usage = KeyUsage(storage, Clock())
        usage.note("web", "", "captain", 4)
        await usage.flush()
    assert await told(storage) == (3, 12)


async def test_what_was_written_without_an_acknowledgement_counts_once() -> None:
    usage, storage = opened()
    storage.forgets_to_say = True
    usage.note("web", "", "captain", 4)
    await usage.flush()
    usage.note("web", "", "captain", 5)
    await usage.flush()
    assert storage.appends == 3
    assert await told(storage) == (2, 9)


async def test_storage_that_is_away_loses_nothing_and_takes_no_more_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    usage, storage = opened()
    storage.away = True
    for _ in range(50):
        usage.note("web", "", "captain", 1)
        await usage.flush()
    assert len(usage._written) + len(usage._counted) == 2
    assert caplog.text.count("not written yet") == 1
    storage.away = False
    await usage.flush()
    assert await told(storage) == (50, 50)
    assert storage.appends == 52


async def test_it_is_written_by_itself_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_usage, "FLUSH_SECONDS", 0.001)
    usage, storage = opened()
    for number in (1, 2):
        usage.note("web", "", "captain", 1)
        assert usage._task
        await usage._task  # it ends where nothing waits, and begins anew
        assert await told(storage) == (number, number)


async def test_what_was_counted_is_written_when_the_process_ends() -> None:
    usage, storage = opened()
    usage.note("web", "", "captain", 1)
    await asyncio.sleep(0)  # it has begun to wait
    assert usage._task
    usage._task.cancel()  # as asyncio.run does at its end
    with pytest.raises(asyncio.CancelledError):
        await usage._task
    assert await told(storage) == (1, 1)


async def test_what_comes_while_a_line_is_written_is_not_lost() -> None:
    usage, storage = opened()
    usage.note("web", "", "captain", 1)
    writing = asyncio.create_task(usage.flush())
    await asyncio.sleep(0)
    usage.note("web", "", "captain", 2)
    await asyncio.gather(writing, usage.flush())
    assert await told(storage) == (2, 3)


async def test_many_keys_with_long_names_make_lines_that_a_log_takes() -> None:
    usage, storage = opened()
    lines: list[str] = []

    async def append(name: str, line: str) -> None:
        lines.append(line)

    storage.append = append  # type: ignore[method-assign]
    for number in range(2_500):
        usage.note(f"{number:04}" + "\U0001f600" * 60, "", "\U0001f600" * 200, 1)
    await usage.flush()
    assert len(lines) == 3
    assert max(map(len, lines)) < LONGEST_LINE


# ---- reading


async def test_a_log_that_goes_on_in_a_next_part_is_read_whole() -> None:
    usage, storage = opened()
    usage.note("web", "", "captain", 1)
    await usage.flush()
    name = f"{PLACE}{AT:%Y-%m-%d}.jsonl"
    await storage.append(
        continued(name, 2), json.dumps({"line": "x-1", "used": [["web", "", "m", 1, 9, ""]]})
    )
    assert await told(storage) == (2, 10)


@pytest.mark.parametrize(
    "line",
    [
        '{"line": "x-1", "used": [["web", "", "captain", 1',
        '["web"]',
        '{"line": "x-1"}',
        '{"line": "x-1", "used": [["web", "", "captain", -1, 5, ""]]}',
        '{"line": "x-1", "used": [["web", "", "captain", 1, 1e400, ""]]}',
        '{"line": "x-1", "used": [["web", "", "captain", true, 5, ""]]}',
        '{"line": "x-1", "used": [["web", "", 7, 1, 5, ""]]}',
        '{"line": "x-1", "used": [["web", "", "captain", 1]]}',
        "[" * 50_000,
        "\x00",
    ],
)
async def test_torn_and_foreign_lines_are_passed_over(line: str) -> None:
    usage, storage = opened()
    name = f"{PLACE}{AT:%Y-%m-%d}.jsonl"
    await storage.append(name, line)
    usage.note("web", "", "captain", 1)
    await usage.flush()
    await storage.put(f"{PLACE}notes.txt", b"?", "text/plain")
    assert await told(storage) == (1, 1)


async def test_a_day_that_has_ended_is_read_once_and_today_each_time() -> None:
    clock = Clock()
    usage, storage = opened(clock)
    for _ in range(10):
        usage.note("web", "", "captain", 1)
        await usage.flush()
        clock.now += timedelta(days=1)
    today = clock.now.date()
    days = UsageDays(storage)
    assert (await days.totals(today, 30))["web", ""].all.requests == 10
    first, storage.reads = storage.reads, 0
    assert (await days.totals(today, 30))["web", ""].all.requests == 10
    assert (first, storage.reads) == (10, 1)  # yesterday's process may still have had something
    usage.note("web", "", "captain", 1)
    await usage.flush()
    assert (await days.totals(today, 30))["web", ""].all.requests == 11


async def test_no_more_days_are_held_than_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_days, "MOST_DAYS", 5)
    days = UsageDays(MemoryContainer("models"))
    for back in range(20):
        await days.totals(AT.date() + timedelta(days=back), 5)
    assert len(days._ended) == 5


async def test_storage_that_cannot_be_read_is_told() -> None:
    class Away(MemoryContainer):
        def list(self, prefix: str = "") -> Any:
            raise Unavailable("Storage does not answer.")

    with pytest.raises(Unavailable):
        await UsageDays(Away("models")).totals(AT.date(), 5)


async def test_it_is_forgotten_after_more_than_a_year() -> None:
    clock = Clock()
    storage = Storage("models", clock)
    usage = KeyUsage(storage, clock)
    usage.note("web", "", "captain", 1)
    await usage.flush()
    await storage.put("captain.json", b"{}", "application/json")
    clock.now = AT + timedelta(days=KEPT_DAYS - 1)
    await usage.forget()
    assert len([blob async for blob in storage.list(PLACE)]) == 1
    clock.now = AT + timedelta(days=KEPT_DAYS + 1)
    await usage.forget()
    assert [blob.name async for blob in storage.list()] == ["captain.json"]


async def test_a_request_that_is_settled_twice_counts_once() -> None:
    usage, storage = opened()
    auth = Auth(f"web:{'ab' * 32}", "", usage=usage)
    reservation = auth.reserve(auth.callers[0], 100, "captain@2")
    reservation.settle(7)
    reservation.abandon(9, prompt=5, answers=1)
    reservation.settle(0)
    await usage.flush()
    assert await told(storage) == (1, 7)
