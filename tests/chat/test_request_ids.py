"""The ids of requests: those that are made here tell when, and nobody else's decide anything."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from shared.chat import request_ids
from shared.chat.request_ids import came_at, request_id
from shared.chat.trace_log import TraceLog
from shared.cloud.memory_container import MemoryContainer

AT = datetime(2026, 11, 28, 3, 59, 59, 900_000, tzinfo=UTC)


def asked(id: str = "") -> Request:
    headers = [(b"x-request-id", id.encode())] if id else []
    return Request({"type": "http", "headers": headers})


def test_an_id_that_is_made_here_tells_when_the_request_came() -> None:
    made = request_id(asked(), lambda: AT)
    assert came_at(made) == AT
    assert request_ids.REQUEST_ID.fullmatch(made)
    assert made != request_id(asked(), lambda: AT)
    assert request_id(asked(), lambda: AT) < request_id(asked(), lambda: AT + timedelta(seconds=1))


@pytest.mark.parametrize("id", ["theirs", "req-" + "0" * 32, "req-" + "f" * 12 + "4" + "8" * 19])
def test_other_ids_tell_no_time(id: str) -> None:
    assert came_at(id) is None
    assert request_id(asked(id)) == id


def test_an_id_that_was_made_up_does_not_decide_where_its_chat_is_written() -> None:
    log = TraceLog(MemoryContainer("feedback"), lambda: AT)
    old = request_ids.new(AT - timedelta(days=400))
    assert log.time_of(old) == AT
    assert log.time_of(request_ids.new(AT + timedelta(days=400))) == AT
    assert came_at("req-" + "f" * 12 + "7" + "8" * 19) is None
    recent = AT - timedelta(seconds=90)
    assert log.time_of(request_ids.new(recent)) == recent
