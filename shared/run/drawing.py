"""Which lines of a validation file are asked: a bounded sample, the same one each time.

Pure, and in bounded memory however long the file is: of each line its rank is known from the seed
and its number alone, and only the lines of the lowest ranks are held.
"""

import hashlib
import heapq
import json
from dataclasses import dataclass
from typing import Any

from shared.model.evaluation import Example, example_of

SPARE = 2  # times as many lines are held as examples are wanted: of some nothing can be asked
HELD = 4  # times as many bytes as the examples may have
LONGEST_LINE = 1 << 20  # bytes; a longer one is left out


@dataclass(frozen=True, slots=True)
class Sample:
    """`examples` by line; `lines`: how many the file has that are not blank. `answer_tokens`: how
    many an answer may have; `too_long`: examples left out because they expect more."""

    examples: tuple[Example, ...]
    lines: int
    answer_tokens: int = 0
    too_long: int = 0


class Drawing:
    """Fed with a file's bytes; `most` examples, and no more bytes than `size` together."""

    def __init__(self, seed: str, most: int, size: int) -> None:
        self._seed, self._most, self._size = seed, most, size
        self._held: list[tuple[int, int, bytes]] = []  # a heap: the highest rank is the first
        self._rest = b""
        self._number = self._lines = self._bytes = 0

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > LONGEST_LINE:  # it is too long already, whatever follows
            self._rest = self._rest[: LONGEST_LINE + 1]

    def finish(self) -> Sample:
        if self._rest:
            self._take(self._rest)
        chosen: list[Example] = []
        left = self._size
        for _, number, line in sorted(self._held, reverse=True):
            example = _example(number, line)
            if example is None or len(chosen) == self._most:
                continue
            left -= len(line)
            if left >= 0:
                chosen.append(example)
        ordered = sorted(chosen, key=lambda example: example.line)
        return Sample(tuple(ordered), self._lines)

    def _take(self, line: bytes) -> None:
        self._number += 1
        if not line.strip():
            return
        self._lines += 1
        if len(line) > LONGEST_LINE:
            return
        heapq.heappush(self._held, (-self._rank(self._number), self._number, line))
        self._bytes += len(line)
        while len(self._held) > self._most * SPARE or self._bytes > self._size * HELD:
            self._bytes -= len(heapq.heappop(self._held)[2])

    def _rank(self, number: int) -> int:
        digest = hashlib.sha256(f"{self._seed} {number}".encode()).digest()
        return int.from_bytes(digest[:8], "big")


def _example(number: int, line: bytes) -> Example | None:
    try:
        parsed: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return example_of(number, parsed) if isinstance(parsed, dict) else None
