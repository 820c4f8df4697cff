"""Which version answered which chat: a line for each answer, in a log by the hour.

    trace/<day>/<hour>.jsonl    in the feedback container; `forget` deletes what is old

Ids, names, a time and a status; nothing of what was said. Lines are gathered and written every few
seconds, beside the answers: none waits for it or fails with it. What has not been written when a
process is killed is lost, and where storage stays away, whatever is beyond MAX_WAITING. A line that
was written without an acknowledgement may stand there twice. `traces` reads them.
"""

import asyncio
import contextvars
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared import telemetry
from shared.chat.request_ids import REQUEST_ID, came_at, utc_now
from shared.cloud.container import Container
from shared.errors import TunedropError

log = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
LAST_SECONDS = 0.7  # for what is left when the process is ended; the host waits for little more
MAX_WAITING = 20_000  # lines, a few megabytes
MAX_BATCH = 2_000  # lines of one append: less than a megabyte
LONGEST_CHAT = timedelta(hours=1)  # until its answer begins
MAX_PARSED_BYTES = 4 * 2**20  # of an answer that is searched for its id, in milliseconds


@dataclass(frozen=True, slots=True)
class Traced:
    """A chat that was answered. `request` is the id that the caller was told, `answer` that within
    the answer, empty where it has none; `backend` who answered: NAME@VERSION, or a deployment;
    `instead_of` who should have."""

    at: datetime
    request: str
    backend: str
    deployment: str
    model: str | None = None
    version: int | None = None
    status: int = 200
    instead_of: str = ""
    answer: str = ""

    @property
    def hour(self) -> str:
        return f"trace/{self.at:%Y-%m-%d/%H}.jsonl"

    @property
    def line(self) -> str:
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({**fields, "at": self.at.isoformat(timespec="milliseconds")})


class _Response(msgspec.Struct):
    id: str = ""


class _Identified(msgspec.Struct):
    id: str = ""
    response: _Response | None = None  # an event of the Responses API has the id in it


_DECODER = msgspec.json.Decoder(_Identified)


def id_of(answer: bytes) -> str:
    """The id of an answer, or of an event of a stream; empty where it has none that can be told."""
    if len(answer) > MAX_PARSED_BYTES:
        return ""
    data = answer.partition(b"data:")[2] if answer.startswith((b"data:", b"event:")) else answer
    try:
        read = _DECODER.decode(data.strip())
        found = read.id or (read.response.id if read.response else "")
    except (msgspec.DecodeError, RecursionError):
        return ""
    return found if REQUEST_ID.fullmatch(found) else ""


class TraceLog:
    def __init__(self, container: Container, clock: Callable[[], datetime] = utc_now) -> None:
        self.container, self.clock = container, clock
        self._waiting: list[Traced] = []
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._lost = 0  # since the last time that the log was told of it
        self._away = False  # told already

    def add(self, chat: Traced, answer: str = "") -> None:
        """On the event loop; waits for nothing. The newest are those that are dropped: a batch that
        is being written stays where it is."""
        if len(self._waiting) >= MAX_WAITING:
            telemetry.measure("tunedrop.trace.dropped")
            self._lost += 1
            return
        self._waiting.append(replace(chat, answer=answer) if answer else chat)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._flush_while_there_is_any(), context=contextvars.Context()
            )

    def time_of(self, request_id: str) -> datetime:
        """When a request came that has just been answered: as its id says, so that the id alone
        tells the hour, unless a caller has made that up."""
        now = self.clock()
        told = came_at(request_id)
        return told if told and timedelta(0) <= now - told <= LONGEST_CHAT else now

    async def flush(self) -> None:
        """Write what waits. Raises nothing: what cannot be written waits on."""
        async with self._writing:
            try:
                while self._waiting:
                    batch = self._next_batch()
                    lines = "\n".join(chat.line for chat in batch)
                    await self.container.append(batch[0].hour, lines)
                    del self._waiting[: len(batch)]
                self._is_back()
            except TunedropError as error:
                if not self._away:
                    log.warning("chats are not in the trace yet: %s", error)
                self._away = True
            except Exception:
                log.exception("the trace of %d chats could not be written", len(self._waiting))

    def _is_back(self) -> None:
        self._away = False
        if self._lost:
            log.error("%d chats are in no trace: storage was away for too long", self._lost)
            self._lost = 0

    def _next_batch(self) -> list[Traced]:
        """Of one hour, in their order."""
        hour = self._waiting[0].hour
        batch = self._waiting[:MAX_BATCH]
        end = next((n for n, chat in enumerate(batch) if chat.hour != hour), len(batch))
        return batch[:end]

    async def _flush_while_there_is_any(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        except asyncio.CancelledError:  # the process is about to end
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self.flush()
            raise
