"""Server-sent events out of a stream of bytes: whole ones, in bounded memory.

Knows the end of an event, and of OpenAI's events the last two: the account, and [DONE].
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.errors import Unavailable

MAX_EVENT_BYTES = 4 * 2**20  # of one event; more is not held
MAX_ACCOUNT_BYTES = 64 * 2**10  # of an event that is parsed: accounts are short

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_DONE = re.compile(rb"^data: ?\[DONE\]\s*$", re.MULTILINE)


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
    if b'"usage"' not in event or len(event) > MAX_ACCOUNT_BYTES:
        return False
    data = b"".join(l[5:] for l in event.splitlines() if l.startswith(b"data:"))  # noqa: E741
    try:
        chunk: Any = json.loads(data)
    except (ValueError, RecursionError):
        return False
    usage = chunk.get("usage") if isinstance(chunk, dict) else None
    return isinstance(usage, dict) and chunk.get("choices") == []
