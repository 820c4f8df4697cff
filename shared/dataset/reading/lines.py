"""Bytes into lines, in bounded memory however long a line is. Knows nothing of what they hold."""

from collections.abc import Iterator
from typing import IO

LONGEST = 32_000_000  # bytes; the longest sensible example has 64 linked images and 65,536 tokens
BLOCK = 1 << 19  # bytes of lines that are worked on together
LINES = 5000  # of one block: the objects of tiny lines outweigh their bytes

Block = list[bytes | None]  # lines without their line feed; None for one that is too long


class Blocks:
    """Feed it chunks of any size; what comes back are blocks of lines that are complete."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False  # there is the end of a line in the pieces
        self._skipping = False  # they begin within a line that is too long

    def feed(self, chunk: bytes) -> Iterator[Block]:
        for start in range(0, len(chunk), BLOCK):
            piece = chunk[start : start + BLOCK]
            self._pieces.append(piece)
            self._size += len(piece)
            self._ended = self._ended or b"\n" in piece
            if self._ended and self._size >= BLOCK:
                yield from self._cut()
            elif not self._ended and self._size > LONGEST:
                self._pieces, self._size, self._skipping = [], 0, True

    def rest(self) -> Iterator[Block]:
        """What is left when the file has ended."""
        if self._size or self._skipping:
            if not self._pieces or not self._pieces[-1].endswith(b"\n"):
                self._pieces.append(b"\n")
            yield from self._cut()

    def _cut(self) -> Iterator[Block]:
        lines = self._lines()
        while lines:
            block, lines = lines[:LINES], lines[LINES:]
            yield block

    def _lines(self) -> Block:
        """Those that are complete. A long line is held once and not in three copies."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        *ended, begun = whole.split(b"\n")
        lines: Block = list(ended)
        if len(whole) > LONGEST or self._skipping:
            lines = [line if len(line) <= LONGEST else None for line in ended]
            lines[0] = None if self._skipping else lines[0]
        self._pieces, self._size = [begun], len(begun)
        self._ended = self._skipping = False
        return lines


def pieces(file: IO[bytes], size: int) -> Iterator[tuple[bytes, bool, bool]]:
    """The lines of a file with their line feeds; one with more bytes than `size` in several pieces.
    Of each piece: does a line begin with it, does one end with it?"""
    begins, piece = True, file.readline(size)
    while piece:
        following = file.readline(size)
        ends = piece.endswith(b"\n") or not following
        yield piece, begins, ends
        begins, piece = ends, following
