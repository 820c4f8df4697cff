"""What is remembered of every example: its tokens, two hashes, a signature. About 60 bytes each.

The texts themselves are not kept, so a file of any size is measured in the memory of its numbers.
System prompts are counted once however often they occur, and are left out of the signatures, or
all examples of a file would look alike.
"""

from array import array
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np
import numpy.typing as npt

from shared.dataset import similarity
from shared.dataset.examples import Conversation
from shared.dataset.quoting import shorten
from shared.dataset.similarity import Ints
from shared.dataset.stats import System
from shared.dataset.tokens import PER_EXAMPLE, PER_MESSAGE, Tokens, encoding

SYSTEMS = 500  # different system prompts that are told apart


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
        self._lines, self._totals, self._answers = array("I"), array("I"), array("I")
        self._keys, self._prompts = array("q"), array("q")
        self._signatures = bytearray()

    def add(self, talks: list[Conversation]) -> None:
        """All messages of a batch in one row, so that numpy can add them up."""
        row = _Row(talks)
        counts, tokens = self._count(row)
        around = np.where(row.roles == ord("x"), PER_EXAMPLE, PER_MESSAGE)
        answers = np.where(row.roles == ord("a"), counts, 0)
        keys, prompts = row.hashes()
        _extend(self._lines, row.lines)
        _extend(self._totals, np.add.reduceat(counts + around, row.starts))
        _extend(self._answers, np.add.reduceat(answers, row.starts))
        _extend(self._keys, keys)
        _extend(self._prompts, prompts)
        self.without_system += int((~row.systems[row.starts]).sum())
        if self.deep:
            said = np.add.reduceat(np.where(row.systems, 0, counts), row.starts)
            self._signatures += similarity.signatures(tokens, said).tobytes()

    def index(self) -> Index:
        """Views of what was gathered, not copies: the measure must not be added to any more."""
        signed = self._signatures or bytes(len(self._lines) * similarity.BINS)
        return Index(
            lines=np.frombuffer(self._lines, np.uint32),
            totals=np.frombuffer(self._totals, np.uint32),
            answers=np.frombuffer(self._answers, np.uint32),
            keys=np.frombuffer(self._keys, np.int64),
            prompts=np.frombuffer(self._prompts, np.int64),
            signatures=np.frombuffer(signed, np.uint8).reshape(-1, similarity.BINS),
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
        return counts, np.frombuffer(b"".join(kept), np.uint32)

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
            self.texts += [message.content or "" for message in talk.messages]
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


def _extend(column: "array[int]", values: npt.NDArray[np.integer]) -> None:
    column.frombytes(values.astype(column.typecode).tobytes())
