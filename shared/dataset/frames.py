"""How the app and a worker process talk: frames through a pipe, each a JSON header and raw bytes.

Nothing is pickled: what comes back from a process that has read strangers' text is data only.
Knows no commands.
"""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any, NamedTuple, Protocol

LENGTHS = struct.Struct(">II")
OUT_OF_MEMORY = 3  # the exit code of a worker then: an answer would need some
LARGEST = 1 << 28  # bytes of a header or a body; no report comes near


class Frame(NamedTuple):
    head: dict[str, Any]
    body: bytes


class Readable(Protocol):
    def read(self, count: int, /) -> bytes:
        """Fewer bytes at the end only."""


def write(stream: IO[bytes], head: Mapping[str, Any], body: bytes = b"") -> None:
    """Raises OSError where nobody reads any more."""
    encoded = json.dumps(head).encode()
    stream.write(LENGTHS.pack(len(encoded), len(body)) + encoded)
    stream.write(body)
    stream.flush()


def read(stream: Readable) -> Frame:
    """The next frame. Raises EOFError where there is none, or only a part of one."""
    head, body = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    if max(head, body) > LARGEST:
        raise EOFError("a frame that is too long")
    return Frame(json.loads(_exactly(stream, head)), _exactly(stream, body))


def _exactly(stream: Readable, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the stream ends within a frame")
    return data
