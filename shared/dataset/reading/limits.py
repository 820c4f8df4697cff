"""How much of a line and of a file is examined. What is beyond is reported, never passed over.

Everything is counted and nothing timed, so that a file has the same report on every machine. The
limits lie far above what a sensible dataset has: the longest example that a model takes has 65,536
tokens. Without them the bytes of a file could be chosen so that each costs a hundred of memory, or
work that grows with the square of a line.
"""

import re
from collections.abc import Iterable
from itertools import islice

from shared.dataset.findings.finding import RawFinding

MOST_PIECES = 200_000  # of a line: texts, keys, and the signs [ { and , outside of them
MOST_TEXT = 4_000_000  # bytes of a line's texts, embedded images left out
MOST_UNREADABLE = 8_000_000  # bytes of a line that the strict reader refuses
MOST_LINES = 1_000_000  # of a file: what is remembered of an example takes 60 bytes
MOST_BROKEN = 10_000  # lines of a file: after so many, others that are not plain are only counted
MOST_STEPS = 500_000  # of a line's checks; a step takes about a microsecond
FIRST_STEPS = 2_000_000  # of a file's checks; each four bytes of the file add one
BYTES_PER_STEP = 4
PER_FINDING = 8  # steps: a finding quotes, masks and may look for a similar word

# A text ends at its closing quote, or with the line: no place is read twice.
_PIECE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)


class TooComplex(Exception):
    """A line, or the rest of it, is not examined."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.finding = RawFinding("not-examined", f"The line was not examined: {reason}.")


class Steps:
    """What the checks of lines may still do, in steps: only so much for a line, and over a whole
    file so much for each of its bytes. Checks whose work does not follow the length of what they
    read spend steps before they work."""

    def __init__(self) -> None:
        self._file, self._line = FIRST_STEPS, MOST_STEPS

    def earn(self, size: int) -> None:
        self._file += size // BYTES_PER_STEP

    def begin_line(self) -> None:
        self._line = MOST_STEPS

    def spend(self, steps: int, check: str) -> None:
        """Raises TooComplex if there are not so many left."""
        if steps > self._line:
            raise TooComplex(f"{check} would take more than {MOST_STEPS:,} steps")
        if steps > self._file:
            raise TooComplex(f"{check} would take more steps than a file of this size has")
        self._file -= steps
        self._line -= steps


def refuse_many_pieces(json: bytes, what: str = "it") -> None:
    """Raises TooComplex. Each piece may become an object of a hundred bytes."""
    if len(json) > MOST_PIECES and sum(map(json.count, (b'"', b",", b"[", b"{"))) > MOST_PIECES:
        pieces = islice(_PIECE.finditer(json), MOST_PIECES + 1)
        if sum(1 for _ in pieces) > MOST_PIECES:
            raise TooComplex(f"{what} has more than {MOST_PIECES:,} values")


def refuse_much_text(texts: Iterable[str]) -> None:
    """Raises TooComplex. Text takes up to four times its bytes, and its tokens five times."""
    if sum(map(_size, texts)) > MOST_TEXT:
        raise TooComplex(f"its texts have more than {MOST_TEXT:,} bytes")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))
