"""Server-sent events out of a stream of bytes: whole ones, in bounded memory.

Knows the end of an event, and of OpenAI's events with choices the first, before any answer, the
last two (the account, and [DONE]), and an error in their place.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.chat import cost
from shared.errors import Unavailable

MAX_EVENT_BYTES = 4 * 2**20  # of one event; more is not held
MAX_PARSED_BYTES = 64 * 2**10  # of an event that is parsed: accounts and errors are short

_END = re.compile(rb"\r\n\r\n|\n\r\n|\r\n\n|\n\n|\r\r")
_DONE = re.compile(rb"^data: ?\[DONE\]\s*$", re.MULTILINE)
_DATA = re.compile(rb'"data"\s*:\s*\[\s*[^\s\]]')
_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*[^\s\]]')  # within a text its marks are escaped


class EventSplitter:
    """Chunks in, whole events out, each with the empty line at its end; no byte is changed."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._searched = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The events that the chunk completes. Raises Unavailable for one that is too long."""
        self._begun += chunk
        while end := _END.search(self._begun, max(0, self._searched - 3)):
            size = end.end()
            self._refuse(size)
            yield bytes(self._begun[:size])
            del self._begun[:size]
            self._searched = 0
        self._searched = len(self._begun)
        self._refuse(self._searched)

    def _refuse(self, size: int) -> None:
        if size > MAX_EVENT_BYTES:
            self._begun.clear()
            raise Unavailable(f"One event had more than {MAX_EVENT_BYTES:,} bytes.", "Ask again.")

    def rest(self) -> bytes:
        """What came after the last whole event."""
        return bytes(self._begun)


def is_done(event: bytes) -> bool:
    """Whether the stream has ended as it should: a model may well say "data: [DONE]" itself."""
    return b"[DONE]" in event and _DONE.search(event) is not None


def is_account(event: bytes) -> bool:
    """Whether an event has nothing but the usage: the extra one of `include_usage`."""
    chunk = _chunk(event) if b'"usage"' in event else {}
    return isinstance(chunk.get("usage"), dict) and chunk.get("choices") == []


def is_preamble(event: bytes) -> bool:
    """Whether nothing of an answer has begun or ended with it: a comment, a gateway's ping, or
    Azure's first event, which has no choices but the filter's results for the prompt."""
    begins = has_choice(event) or is_done(event) or error_in(event) is not None
    return not begins


def has_choice(body: bytes) -> bool:
    """Whether an event, or a whole answer, has something in its list of choices."""
    return _CHOICE.search(body) is not None


def has_data(body: bytes) -> bool:
    """Whether a whole answer has an embedding in its list."""
    return _DATA.search(body) is not None


def error_in(event: bytes) -> dict[str, Any] | None:
    """The error in the place of an answer, by which a service ends a stream itself; None in every
    other event. A filter's error beside a choice is none."""
    error = _chunk(event).get("error") if b'"error"' in event else None
    if error is None or isinstance(error, dict):
        return error
    return {"message": str(error)}


@dataclass(frozen=True, slots=True)
class Signs:
    """See `apis.Signs`. `has_answer` is told of a whole body."""

    has_answer: Callable[[bytes], bool]

    def is_preamble(self, event: bytes) -> bool:
        return is_preamble(event)

    def is_end(self, event: bytes) -> bool:
        return is_done(event)

    def error_in(self, event: bytes) -> dict[str, Any] | None:
        return error_in(event)

    def tokens_in(self, event: bytes) -> int:
        return 0 if is_done(event) else cost.of_event(event)

    def counted(self, answer: bytes) -> int | None:
        return cost.counted(answer)


def _chunk(event: bytes) -> dict[str, Any]:
    """The object in an event; empty for one that has none, or is too long to be parsed."""
    if len(event) > MAX_PARSED_BYTES:
        return {}
    data = b"".join(l[5:] for l in event.splitlines() if l.startswith(b"data:"))  # noqa: E741
    try:
        chunk: Any = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return chunk if isinstance(chunk, dict) else {}
