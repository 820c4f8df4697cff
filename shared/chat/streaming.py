"""A stream on its way from a backend to its caller, and what must happen when it ends.

However it ends, the call upstream is closed and the caller charged: also when the caller leaves
before the first event, in which case nobody ever iterates over the events.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.chat.protocol import DONE, KEEP_ALIVE, error_event, tokens_used
from shared.cloud.completions import Reply
from shared.errors import Unavailable

KEEP_ALIVE_SECONDS = 15.0  # of silence in a stream; Azure's front end cuts it after 230
TAIL_BYTES = 2048  # the end of an answer, in which its usage stands


@dataclass(slots=True)
class RelayedStream:
    """`charge` is called once, with the tokens used. `copy` collects the events, up to
    `max_copy_bytes` or a little more, where they are to be recorded."""

    reply: Reply
    charge: Callable[[int], None]
    copy: bytearray | None = None
    max_copy_bytes: int = 0
    tail: bytes = b"\n\n"
    events: int = 0
    closed: bool = False

    @property
    def complete(self) -> bool:
        return DONE in self.tail

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come; comments while nothing comes; an error event if it is cut."""
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        chunk = await self.reply.read()
                except TimeoutError:
                    if self.tail.endswith(b"\n\n"):  # only between events, never within one
                        yield KEEP_ALIVE
                    continue
                if not chunk:
                    break
                self._account(chunk)  # before it is sent: the caller may leave while it is
                yield chunk
            if not self.complete and self.reply.status < 400:
                yield error_event(Unavailable("The answer was cut off.", "Ask again."))
        except Unavailable as error:
            yield error_event(error)
        finally:
            self.close()

    def close(self) -> None:
        """End the call upstream and charge for it. A stream that was opened costs something even
        if no event of it was read."""
        if not self.closed:
            self.closed = True
            self.reply.close()
            self.charge(max(1, tokens_used(self.tail, self.events)))

    def _account(self, chunk: bytes) -> None:
        self.events += chunk.count(b"data:")
        self.tail = (self.tail + chunk)[-TAIL_BYTES:]
        if self.copy is not None and len(self.copy) < self.max_copy_bytes:
            self.copy += chunk


class RelayedStreamResponse(StreamingResponse):
    """Closes its stream in every case. Starlette would leave one alone whose caller is gone."""

    def __init__(
        self,
        stream: RelayedStream,
        headers: Mapping[str, str],
        background: BackgroundTask | None = None,
    ) -> None:
        super().__init__(stream.chunks(), stream.reply.status, headers, background=background)
        self.stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.stream.close()
