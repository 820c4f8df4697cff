"""What is found in the trace by odd hours, ids that are used again, and lines of other hands."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.chat import traces
from shared.cloud.memory_container import MemoryContainer
from shared.errors import CallerError

AT = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


async def put(container: MemoryContainer, at: Any, request: str = "theirs") -> None:
    hour = f"{at:%Y-%m-%d/%H}" if isinstance(at, datetime) else f"{AT:%Y-%m-%d/%H}"
    line = {"at": at.isoformat() if isinstance(at, datetime) else at, "request": request}
    await container.append(f"trace/{hour}.jsonl", json.dumps(line))


@pytest.mark.parametrize(
    "hour", ["0001-01-01T00+14:00", "9999-12-31T23-14:00", "yesterday", "2026-13-01", ""]
)
def test_an_hour_that_cannot_be_is_refused(hour: str) -> None:
    with pytest.raises(CallerError, match="is no time"):
        traces.parse_hour(hour)


async def test_where_one_hour_alone_was_read_that_is_said() -> None:
    container = MemoryContainer("feedback")
    await put(container, AT)
    for asked in ("2026-11-27T11", "2026-11-27"):
        found = await traces.find(container, "theirs", traces.parse_hour(asked))
        told = traces.told_of_none(found)
        assert not found.chats
        assert told.endswith("UTC alone was read: without ?at= all hours are.")
    found = await traces.find(container, "others")
    assert "All that is kept since 2026-11-27 12:00 UTC was read." in traces.told_of_none(found)


async def test_of_an_id_that_is_used_again_it_is_said_that_older_hours_were_not_read() -> None:
    container = MemoryContainer("feedback")
    for hours in (0, 3):
        await put(container, AT - timedelta(hours=hours))
    found = await traces.find(container, "theirs")
    assert [chat["at"] for chat in found.chats] == [AT.isoformat()]
    assert "?at=" in traces.told_of_older(found)
    named = await traces.find(container, "theirs", AT - timedelta(hours=3))
    assert named.chats
    assert traces.told_of_older(named) == ""


@pytest.mark.parametrize("at", ["yesterday", "2026-11-27T12:30:00", "", 7, None, [1]])
async def test_a_line_without_a_moment_is_no_chat(at: Any) -> None:
    """It was an internal error, also where another line had the id."""
    container = MemoryContainer("feedback")
    await put(container, at)
    assert not (await traces.find(container, "theirs")).chats
    await put(container, AT)
    (chat,) = (await traces.find(container, "theirs")).chats
    assert traces.moment(chat) == AT
