"""The way of an answer from the thread that generates it to the event loop that reads it.

Bounded: whoever generates never waits for a reader, and an answer that nobody reads is given
up once so much of it is unread. Knows no model and no HTTP.
"""

import asyncio
import threading

from .generation import GenerationFailed, Piece

# Of each choice. Twice the longest answer that a chat gets without asking for a longer one; the
# operating system's own buffers hold some thousand more before anything is unread here.
UNREAD_PIECES = 1024

# Which of the choices, and what one more token adds to it; None is its end.
Event = tuple[int, Piece | None]


class AnswerQueue:
    """Of one request: all of its choices, mixed, each in its order. Made on the loop that reads."""

    def __init__(self, choices: int) -> None:
        self._loop, self._ready = asyncio.get_running_loop(), asyncio.Event()
        self._lock = threading.Lock()
        self._open, self._limit = set(range(choices)), choices * UNREAD_PIECES
        self._unread: list[Event] = []
        self._failure: GenerationFailed | None = None

    # ---- for the thread that generates -------------------------------------------------------

    def wants(self, choice: int) -> bool:
        """Whether anybody is still waiting for this choice."""
        return choice in self._open

    def put(self, choice: int, piece: Piece | None) -> None:
        with self._lock:
            if choice not in self._open:
                return
            if piece is None:
                self._open.discard(choice)
            elif len(self._unread) >= self._limit:
                self._give_up(GenerationFailed("The answer was not read and has been given up."))
                return
            self._unread.append((choice, piece))
        self._wake()

    def fail(self, error: GenerationFailed) -> None:
        """Ends all of its choices; what was generated before is still read."""
        with self._lock:
            if self._open:
                self._give_up(error)

    # ---- for the reader ----------------------------------------------------------------------

    async def read(self) -> list[Event]:
        """What has come since the last time, at least one event; raises GenerationFailed."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            with self._lock:
                (events, self._unread), failure = (self._unread, []), self._failure
            if failure:
                self._ready.set()  # told by the next call, and by every one after it
            if events:
                return events
            if failure:
                raise failure

    def cancel(self, choice: int | None = None) -> None:
        """One choice, or all of them, is wanted no longer."""
        with self._lock:
            self._open -= {choice} if choice is not None else set(self._open)

    # ---- inside ------------------------------------------------------------------------------

    def _give_up(self, error: GenerationFailed) -> None:
        self._failure = error
        self._open.clear()
        self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed, and nobody reads any more
            self._open.clear()
