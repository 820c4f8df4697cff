"""A stream takes time by its bytes, however they are cut into chunks and events."""

from collections.abc import Callable

import pytest

from shared.chat import cost, response_events
from shared.chat.events import EventSplitter, is_account, is_done
from tests.support.growth import too_slow

KINDS: dict[str, Callable[[int], list[bytes]]] = {
    "one event in many chunks": lambda size: [b"x" * 64] * (size // 64),
    "many events in one chunk": lambda size: [b"data: x\n\n" * (size // 9)],
    "ends of lines": lambda size: [b"\n" * 1000] * (size // 1000),
    "half ends": lambda size: [b"\r\n\r"] * (size // 3),
    "accounts that are none": lambda size: [b'data: {"usage":' + b"[" * size],
    "digits": lambda size: [b'"total_tokens":' + b"9" * size],
    "names of a count": lambda size: [b'"total_tokens"' * (size // 14)],
    "blanks after a name": lambda size: [b'"total_tokens"' + b" " * size],
    "ends that are none": lambda size: [b"data: [DONE" * (size // 11)],
    "blanks after an end": lambda size: [b"data: [DONE]" + b" " * size + b"x"],
    "a type that comes late": lambda size: [
        b'data: {"x": "' + b"x" * size + b'", "type": "error"}'
    ],
    "lines of data": lambda size: [b"data: {\n" * (size // 8)],
    "types that are none": lambda size: [b'data: {"type":' * (size // 14)],
    "a response that is open": lambda size: [b'data: {"response": {"output": [' + b"{" * size],
    "many ends": lambda size: [b"data: [DONE] \n" * (size // 14)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_stream_takes_time_with_the_square_of_its_bytes(kind: str) -> None:
    of_responses = response_events.Signs()

    def work(chunks: list[bytes]) -> None:
        splitter = EventSplitter()
        for chunk in chunks:
            for event in splitter.feed(chunk):
                look(event)
        look(splitter.rest())

    def look(event: bytes) -> None:
        is_done(event)
        is_account(event)
        cost.counted(event)
        cost.of_event(event)
        for sign in (of_responses.is_preamble, of_responses.is_end, of_responses.error_in):
            sign(event)
        of_responses.counted(event)
        of_responses.tokens_in(event)

    small, large = (KINDS[kind](size) for size in (250_000, 1_000_000))
    assert too_slow(lambda: work(small), lambda: work(large)) is None
