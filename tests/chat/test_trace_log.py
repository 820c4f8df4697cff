"""The trace of chats: bounded, beside the answers, found again by every kind of id."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import telemetry
from shared.chat import request_ids, trace_log, traces
from shared.chat.feedback import FeedbackStore
from shared.chat.trace_log import Traced, TraceLog, id_of
from shared.cloud.container import continued
from shared.cloud.memory_container import MemoryContainer
from shared.errors import CallerError, Unavailable

AT = datetime(2026, 11, 28, 3, 59, 59, 900_000, tzinfo=UTC)


def chat(number: int = 1, at: datetime = AT, request: str = "") -> Traced:
    name = request or f"theirs-{number}"
    return Traced(at, name, "captain@2", "captain-v2", "captain", 2, answer=f"chatcmpl-{number}")


class Away(MemoryContainer):
    """Storage that does not answer while `away`; `unacknowledged`: it writes, and does not say."""

    away = False
    unacknowledged = False
    appends = 0

    async def append(self, name: str, line: str) -> None:
        self.appends += 1
        if self.away:
            raise Unavailable("Storage does not answer.", "Wait.")
        await super().append(name, line)
        if self.unacknowledged:
            self.unacknowledged = False
            raise Unavailable("The connection was reset.", "Wait.")


@pytest.mark.parametrize(
    ("answer", "id"),
    [
        (b'{"id": "chatcmpl-1", "choices": []}', "chatcmpl-1"),
        # As Azure writes it: the id after the choices, in which calls have ids of their own.
        (
            b'{"choices":[{"message":{"tool_calls":[{"id":"call_1"}],"content":"\\"id\\": \\"x\\""}'
            b'}],"id":"chatcmpl-2"}',
            "chatcmpl-2",
        ),
        (b'data: {"choices":[],"id":""}\n\n', ""),  # Azure's first event
        (b'data: {"choices":[{"delta":{"content":"a"}}],"id":"chatcmpl-3"}\n\n', "chatcmpl-3"),
        (b'data:{"id":"chatcmpl-4"}\r\n\r\n', "chatcmpl-4"),
        (b"data: [DONE]\n\n", ""),
        (b": keep-alive\n", ""),
        (b'{"id": 7}', ""),
        (b'{"id": "with a blank"}', ""),
        (b"[" * 100_000, ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_the_id_of_an_answer_or_an_event(answer: bytes, id: str) -> None:
    assert id_of(answer) == id


# ---- writing


async def test_chats_are_written_in_batches_by_the_hour_and_found_by_both_ids() -> None:
    container = Away("feedback")
    log = TraceLog(container)
    for number in range(500):
        log.add(chat(number, AT + timedelta(milliseconds=number)))
    await log.flush()
    assert container.appends == 2
    names = [blob.name async for blob in container.list()]
    assert names == ["trace/2026-11-28/03.jsonl", "trace/2026-11-28/04.jsonl"]
    for id in ("theirs-3", "chatcmpl-3", "theirs-499", "chatcmpl-499"):
        (found,) = (await traces.find(container, id)).chats
        assert id in (found["request"], found["answer"])
        assert (found["model"], found["version"], found["status"]) == ("captain", 2, 200)


async def test_an_id_of_ours_costs_one_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    container = MemoryContainer("feedback")
    log = TraceLog(container)
    for hour in range(48):
        at = AT - timedelta(hours=hour)
        log.add(chat(hour, at, request_ids.new(at)))
        await log.flush()
    read: list[str] = []
    grown = container.grown

    def noted(name: str) -> Any:
        read.append(name)
        return grown(name)

    monkeypatch.setattr(container, "grown", noted)
    wanted = [name async for name in _requests(container, "trace/2026-11-27/05")]
    read.clear()
    assert (await traces.find(container, wanted[0])).chats
    assert read == ["trace/2026-11-27/05.jsonl"]


async def _requests(container: MemoryContainer, prefix: str) -> AsyncIterator[str]:
    async for blob in container.list(prefix):
        async for lines in container.lines(blob.name):
            for line in filter(None, lines):
                yield str(json.loads(line)["request"])


async def test_they_are_written_by_themselves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_log, "FLUSH_SECONDS", 0.001)
    container = MemoryContainer("feedback")
    log = TraceLog(container)
    for number in range(3):
        log.add(chat(number))
        assert log._task
        await log._task  # it ends where nothing waits, and begins anew
        assert (await traces.find(container, f"theirs-{number}")).chats


async def test_what_waits_is_written_when_the_process_ends() -> None:
    container = MemoryContainer("feedback")

    async def app() -> None:
        TraceLog(container).add(chat())
        await asyncio.sleep(0)  # it has begun to wait

    task = asyncio.create_task(app())
    await task
    (flushing,) = asyncio.all_tasks() - {asyncio.current_task()}
    flushing.cancel()  # as asyncio.run does at its end
    with pytest.raises(asyncio.CancelledError):
        await flushing
    assert (await traces.find(container, "theirs-1")).chats


async def test_storage_that_is_away_loses_nothing_within_the_bound_and_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace_log, "MAX_WAITING", 10)
    dropped = 0.0

    def count(value: float, by: object) -> None:
        nonlocal dropped
        dropped += value

    container = Away("feedback")
    container.away = True
    log = TraceLog(container)
    before = telemetry.connect(telemetry.Outputs(record={"tunedrop.trace.dropped": count}))
    try:
        for number in range(15):
            log.add(chat(number))
            await log.flush()
    finally:
        telemetry.connect(before)
    assert dropped == 5
    assert caplog.text.count("not in the trace yet") == 1
    container.away = False
    await log.flush()
    assert (await traces.find(container, "theirs-9")).chats
    assert not (await traces.find(container, "theirs-10")).chats
    assert "5 chats are in no trace" in caplog.text


async def test_a_batch_without_an_acknowledgement_is_written_again_and_told_once() -> None:
    container = Away("feedback")
    container.unacknowledged = True
    log = TraceLog(container)
    log.add(chat())
    await log.flush()
    await log.flush()
    assert container.appends == 2
    assert len((await traces.find(container, "theirs-1")).chats) == 1


async def test_a_chat_that_comes_while_a_batch_is_written_is_not_lost() -> None:
    container = Away("feedback")
    log = TraceLog(container)
    log.add(chat(1))
    writing = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    log.add(chat(2))
    await asyncio.gather(writing, log.flush())
    for number in (1, 2):
        assert len((await traces.find(container, f"theirs-{number}")).chats) == 1


async def test_they_are_forgotten_with_the_conversations() -> None:
    clock = AT
    container = MemoryContainer("feedback", lambda: clock)
    store, log = FeedbackStore(container, {}), TraceLog(container)
    log.add(chat())
    await log.flush()
    clock = AT + timedelta(days=29)
    await store.forget(30)
    assert (await traces.find(container, "theirs-1")).chats
    clock = AT + timedelta(days=31)
    await store.forget(30)
    assert [blob async for blob in container.list()] == []


# ---- finding


async def test_a_full_hour_goes_on_in_a_next_part_and_is_read_whole() -> None:
    container = MemoryContainer("feedback")
    log = TraceLog(container)
    log.add(chat(1))
    await log.flush()
    await container.append(continued(chat().hour, 2), chat(2).line)
    assert (await traces.find(container, "theirs-1")).chats
    assert (await traces.find(container, "theirs-2")).chats


async def test_one_id_of_several_chats_tells_them_all_the_newest_first() -> None:
    """A caller may give each of its requests the same id, and services repeat those of answers."""
    container = MemoryContainer("feedback")
    log = TraceLog(container)
    for number in range(12):
        log.add(chat(number, AT - timedelta(minutes=number), "always-the-same"))
    await log.flush()
    found = (await traces.find(container, "always-the-same")).chats
    assert len(found) == traces.MAX_FOUND
    assert [str(one["at"]) for one in found] == sorted((str(f["at"]) for f in found), reverse=True)
    assert found[0]["answer"] == "chatcmpl-0"


async def test_a_part_of_an_id_or_another_field_is_not_it() -> None:
    container = MemoryContainer("feedback")
    log = TraceLog(container)
    log.add(chat(12))
    await log.flush()
    for id in ("theirs-1", "theirs", "captain-v2", "captain", "request"):
        assert not (await traces.find(container, id)).chats


async def test_what_may_be_read_ends_and_the_hour_can_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traces, "MAX_BYTES", 500)
    container = MemoryContainer("feedback")
    log = TraceLog(container)
    for hour in range(10):
        log.add(chat(hour, AT - timedelta(hours=hour)))
        await log.flush()
    found = await traces.find(container, "theirs-9")
    assert not found.chats
    assert not found.whole
    assert "?at=" in traces.told_of_none(found)
    at = traces.parse_hour("2026-11-27T18")
    assert (await traces.find(container, "theirs-9", at)).chats
    assert not (await traces.find(container, "theirs-9", at + timedelta(hours=1))).chats


async def test_torn_and_foreign_lines_are_passed_over() -> None:
    container = MemoryContainer("feedback")
    name = chat().hour
    for line in ('{"request": "theirs-1", "at"', '["theirs-1"]', '{"request": "theirs-1"}'):
        await container.append(name, line)
    await container.append(name, "x" * (traces.MAX_LINE + 10))
    await container.append(name, chat(1).line)
    await container.put("trace/notes.txt", b'"theirs-1"', "text/plain")
    (found,) = (await traces.find(container, "theirs-1")).chats
    assert found["version"] == 2


@pytest.mark.parametrize("id", ["", "a b", 'x"', "x" * 129, "\n", "é"])
async def test_what_can_be_no_id_is_refused(id: str) -> None:
    with pytest.raises(CallerError, match="no id"):
        await traces.find(MemoryContainer("feedback"), id)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(CallerError, match="no time"):
        traces.parse_hour("yesterday")
