"""A stream on its way from a backend to its caller, and what must happen when it ends.

However it ends, the call upstream is closed and the caller charged: also when the caller leaves
before the first event, in which case nobody ever iterates over the events.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.chat.apis import CHAT, Api
from shared.chat.events import EventSplitter, is_account
from shared.chat.protocol import KEEP_ALIVE, error_event
from shared.chat.trace_log import id_of
from shared.cloud.completions import Reply
from shared.errors import Unavailable

SILENCE_SECONDS = 300.0  # in a stream that has begun, before it is taken for dead
KEEP_ALIVE_SECONDS = 15.0  # of silence in a stream; Azure's front end cuts it after 230


@dataclass(slots=True)
class RelayedStream:
    """`settle` is called once, with the tokens that the stream has cost by its own account, or from
    `estimate`: at first of the prompt, one or more for each event. If the caller has left before
    its end, and there is no account, `abandon` is called with the estimate instead.
    `trace` is called once, with the answer's id as soon as an event tells it, or without one at the
    end. `form` puts an event into the form that the caller's client knows; empty, it is not sent.
    `hides_account`: the event with the account is not for this caller. `copy` collects what came,
    up to `max_copy_bytes` or a little more, where it is to be recorded."""

    reply: Reply
    settle: Callable[[int], None]
    abandon: Callable[[int], None]
    estimate: int
    hides_account: bool = False
    trace: Callable[[str], None] | None = None
    form: Callable[[bytes], bytes] | None = None
    copy: bytearray | None = None
    max_copy_bytes: int = 0
    api: Api = CHAT
    number: int = 0  # of the events that have come
    events: EventSplitter = field(default_factory=EventSplitter)
    counted: int | None = None
    complete: bool = False
    failed: bool = False  # the service has ended it with an error of its own
    broken: Unavailable | None = None
    ended: bool = False
    closed: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Whole events as they come; comments while nothing comes; an error event if it is cut."""
        silent = 0.0
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        chunk = await self.reply.read()
                except TimeoutError:
                    silent += KEEP_ALIVE_SECONDS
                    if silent >= SILENCE_SECONDS:
                        message = f"Azure OpenAI has sent nothing for {SILENCE_SECONDS:g} s."
                        raise Unavailable(message, "Ask again.") from None
                    yield KEEP_ALIVE
                    continue
                silent = 0.0
                if not chunk:
                    self.ended = True
                    break
                # Counted before it is sent: the caller may leave while it is.
                if events := self._take(chunk):
                    yield events
                if self.broken:
                    raise self.broken
            if rest := self._rest():
                yield rest
            if not self._says_how_it_ended:
                yield self._error(Unavailable("Azure OpenAI cut the answer off.", "Ask again."))
        except Unavailable as error:
            self.ended = True
            if not self._says_how_it_ended:
                yield self._error(error)
        finally:
            self.close()

    def _error(self, error: Unavailable) -> bytes:
        return error_event(error, self.api, self.number)

    def close(self) -> None:
        """End the call upstream and charge for it, also if no event of it was read."""
        if not self.closed:
            self.closed = True
            self.reply.close()
            self._trace("")
            if self.counted or self.ended or self.complete or self.failed:
                self.settle(self.counted or self.estimate)
            else:
                self.abandon(self.estimate)

    def _trace(self, answer_id: str) -> None:
        if self.trace:
            self.trace(answer_id)
            self.trace = None

    @property
    def _says_how_it_ended(self) -> bool:
        return self.complete or self.failed or self.reply.status >= 400

    def _take(self, chunk: bytes) -> bytes:
        """The events that the chunk completes, without what is not for the caller; also those
        before one that cannot be taken."""
        if self.copy is not None and len(self.copy) < self.max_copy_bytes:
            self.copy += chunk
        passed_on = bytearray()
        try:
            for event in self.events.feed(chunk):
                if self._count(event):
                    passed_on += self.form(event) if self.form else event
        except Unavailable as error:
            self.broken = error
        return bytes(passed_on)

    def _rest(self) -> bytes:
        """What stands after the last empty line of a stream that has ended: half an event, which
        would spoil the one that follows it, unless it ends the stream."""
        rest = self.events.rest()
        if not (rest and self._count(rest) and self._says_how_it_ended):
            return b""
        # Clients skip an event without its empty line: an error would look like an end.
        return rest.rstrip(b"\r\n") + b"\n\n" if self.failed else rest

    def _count(self, event: bytes) -> bool:
        """Note what an event costs or ends; whether it is for the caller."""
        signs = self.api.signs
        self.number += 1
        if self.trace and (answer_id := id_of(event)):
            self._trace(answer_id)
        self.failed = self.failed or signs.error_in(event) is not None
        self.complete = self.complete or (not self.failed and signs.is_end(event))
        if (total := signs.counted(event)) is not None:
            self.counted = total
        self.estimate += signs.tokens_in(event)
        return not (self.hides_account and is_account(event))


class RelayedResponse(Response):
    """An answer that is no stream. Calls `at_end` once it is sent and recorded, or cannot be."""

    def __init__(
        self,
        body: bytes,
        status: int,
        headers: Mapping[str, str],
        background: BackgroundTask | None,
        at_end: Callable[[], None],
    ) -> None:
        super().__init__(body, status, headers, background=background)
        self.at_end = at_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.at_end()


class RelayedStreamResponse(StreamingResponse):
    """Closes its stream in every case, and calls `at_end`. Starlette would leave one alone whose
    caller is gone."""

    def __init__(
        self,
        stream: RelayedStream,
        headers: Mapping[str, str],
        background: BackgroundTask | None,
        at_end: Callable[[], None],
    ) -> None:
        super().__init__(stream.chunks(), stream.reply.status, headers, background=background)
        self.stream, self.at_end = stream, at_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.stream.close()
            self.at_end()
