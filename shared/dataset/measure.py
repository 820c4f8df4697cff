"""What is remembered of every example: its tokens, two hashes, a signature. About 60 bytes each.

The texts themselves are not kept, so a file of any size is measured in the memory of its numbers.
System prompts are counted once however often they occur, and are left out of the signatures, or
all examples of a file would look alike.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.dataset import similarity
from shared.dataset.examples import Conversation
from shared.dataset.quoting import shorten
from shared.dataset.similarity import Ints
from shared.dataset.stats import System
from shared.dataset.tokens import PER_EXAMPLE, PER_MESSAGE, Tokens, encoding

SYSTEMS = 500  # different system prompts that are told apart
_NO_TOKENS = np.empty(0, np.uint32)


@dataclass(frozen=True)
class Index:
    """One row for each example that could be read as a conversation."""

    lines: npt.NDArray[np.uint32]
    totals: npt.NDArray[np.uint32]
    answers: npt.NDArray[np.uint32]
    keys: Ints  # equal for examples that say the same
    prompts: Ints  # equal for examples that ask the same
    signatures: similarity.Signatures

    @cached_property
    def groups(self) -> Ints:
        """For each example the first one that is almost the same."""
        return similarity.groups(self.signatures)


class Measure:
    def __init__(self, encoding_name: str, *, deep: bool) -> None:
        self.deep = deep
        self.systems: dict[int, list[int]] = {}  # hash → [tokens, count, first line]
        self.quotes: dict[int, str] = {}
        self.without_system = 0
        self._encoding_name = encoding_name
        self._lines, self._totals, self._answers = (Column(np.uint32) for _ in range(3))
        self._keys, self._prompts = Column(np.int64), Column(np.int64)
        self._signatures = Column(np.uint8, similarity.BINS)

    def add(self, talks: list[Conversation]) -> None:
        """All messages of a batch in one row, so that numpy can add them up."""
        row = _Row(talks)
        counts, tokens = self._count(row)
        around = np.where(row.roles == ord("x"), PER_EXAMPLE, PER_MESSAGE)
        answers = np.where(row.roles == ord("a"), counts, 0)
        keys, prompts = row.hashes()
        self._lines.extend(row.lines)
        self._totals.extend(np.add.reduceat(counts + around, row.starts))
        self._answers.extend(np.add.reduceat(answers, row.starts))
        self._keys.extend(keys)
        self._prompts.extend(prompts)
        self.without_system += int((~row.systems[row.starts]).sum())
        if self.deep:
            said = np.add.reduceat(np.where(row.systems, 0, counts), row.starts)
            self._signatures.extend(similarity.signatures(tokens, said))

    def index(self) -> Index:
        """What was gathered, and is then forgotten here."""
        lines = self._lines.take()
        signatures = self._signatures.take()
        return Index(
            lines=lines,
            totals=self._totals.take(),
            answers=self._answers.take(),
            keys=self._keys.take(),
            prompts=self._prompts.take(),
            signatures=signatures
            if self.deep
            else np.zeros((len(lines), similarity.BINS), np.uint8),
        )

    def common_systems(self) -> tuple[System, ...]:
        """Most frequent first."""
        ranked = sorted(self.systems.items(), key=lambda item: (-item[1][1], item[1][2]))
        return tuple(System(self.quotes[key], count, line) for key, (_, count, line) in ranked)

    def _count(self, row: "_Row") -> tuple[Ints, Tokens]:
        """The number of tokens of every text, and the tokens of those that are no system prompt,
        one after the other."""
        encode = encoding(self._encoding_name).encode
        counts = np.zeros(len(row.texts), np.int64)
        counts[row.systems] = self._count_systems(row)
        spoken = row.filled & ~row.systems
        encoded = map(encode, compress(row.texts, spoken))
        kept = list(encoded) if self.deep else []
        counts[spoken] = np.fromiter(map(len, kept or encoded), np.int64)
        return counts, np.concatenate([_NO_TOKENS, *kept])

    def _count_systems(self, row: "_Row") -> list[int]:
        texts = list(compress(row.texts, row.systems))
        sizes: dict[str, int] = {}
        for text, count in Counter(texts).items():
            entry = self.systems.get(hash(text)) or self._new_system(text, row)
            entry[1] += count
            sizes[text] = entry[0]
        return [sizes[text] for text in texts]

    def _new_system(self, text: str, row: "_Row") -> list[int]:
        entry = [len(encoding(self._encoding_name).encode(text)), 0, 0]
        if len(self.systems) < SYSTEMS:
            place = next(at for at in np.flatnonzero(row.systems) if row.texts[at] == text)
            entry[2] = int(row.lines[np.searchsorted(row.starts, place, "right") - 1])
            self.systems[hash(text)] = entry
            self.quotes[hash(text)] = shorten(text, 160)
        return entry


class _Row:
    """The texts of some talks one after the other, each talk's `extra` after its messages.

    `roles` has the letter of each text, x for what is extra; `starts` says where the talks begin.
    """

    def __init__(self, talks: list[Conversation]) -> None:
        self.lines = np.array([talk.line for talk in talks], np.int64)
        self.texts: list[str] = []
        for talk in talks:
            self.texts += [message.content for message in talk.messages]
            self.texts.append(talk.extra)
        letters = "x".join([talk.roles for talk in talks]) + "x"
        self.roles = np.frombuffer(letters.encode(), np.uint8)
        ends = np.flatnonzero(self.roles == ord("x")) + 1
        self.starts = np.concatenate([[0], ends[:-1]])
        self.filled = np.fromiter(map(bool, self.texts), np.bool_, len(self.texts))
        self.systems = (self.roles == ord("s")) | (self.roles == ord("d"))

    def hashes(self) -> tuple[Ints, Ints]:
        """Of each talk, and of its prompt: all but a last answer, if there is anything else.

        Made of Python's own hashes: quick, and equal for equal texts within this process, which is
        all that is asked of them. The place of a text in its talk changes its weight.
        """
        hashes = np.fromiter(map(hash, self.texts), np.int64, len(self.texts)).view(np.uint64)
        sizes = np.diff(self.starts, append=len(self.roles))
        place = np.arange(len(self.roles)) - np.repeat(self.starts, sizes)
        mixed = (hashes ^ (self.roles * _ROLE)) * (place.astype(np.uint64) * _PLACE | np.uint64(1))
        keys = np.add.reduceat(mixed, self.starts)
        last = self.starts + sizes - 2
        asks = (sizes > 2) & (self.roles[last] == ord("a"))
        return keys.view(np.int64), np.where(asks, keys - mixed[last] - mixed[last + 1], keys).view(
            np.int64
        )


_ROLE = np.uint64(0x9E3779B97F4A7C15)
_PLACE = np.uint64(0xC2B2AE3D27D4EB4E)


class Column:
    """Rows of numbers gathered bit by bit, in no more memory than they need: what grows by being
    copied leaves holes."""

    PIECE = 1 << 17  # rows

    def __init__(self, dtype: npt.DTypeLike, *width: int) -> None:
        self._shape, self._dtype = width, dtype
        self._pieces: list[npt.NDArray[Any]] = []
        self._free = 0  # rows of the last piece

    def extend(self, rows: npt.NDArray[Any]) -> None:
        while len(rows):
            if not self._free:
                self._pieces.append(self._piece())
                self._free = self.PIECE
            taken = rows[: self._free]
            start = self.PIECE - self._free
            self._pieces[-1][start : start + len(taken)] = taken
            self._free -= len(taken)
            rows = rows[len(taken) :]

    def _piece(self) -> npt.NDArray[Any]:
        """Mapped, not allocated: so it takes memory as it fills, and gives it back when dropped."""
        size = self.PIECE * math.prod(self._shape) * np.dtype(self._dtype).itemsize
        return np.frombuffer(mmap(-1, size), self._dtype).reshape(-1, *self._shape)

    def take(self) -> npt.NDArray[Any]:
        """All rows in one array; the column is empty afterwards."""
        count = len(self._pieces) * self.PIECE - self._free
        whole = np.empty((count, *self._shape), self._dtype)
        self._pieces.reverse()
        for start in range(0, count, self.PIECE):
            whole[start : start + self.PIECE] = self._pieces.pop()[: count - start]
        self._free = 0
        return whole
