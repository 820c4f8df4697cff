"""What is remembered of every example: its tokens, two hashes, a signature. About 60 bytes each.

The texts themselves are not kept, so a file of any size is measured in the memory of its numbers.
System prompts are counted once however often they occur, and are left out of the signatures, or
all examples of a file would look alike.
"""

from array import array
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shared.dataset import similarity
from shared.dataset.examples import Conversation
from shared.dataset.quoting import shorten
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
    keys: similarity.Ints  # equal for examples that say the same
    prompts: similarity.Ints  # equal for examples that ask the same
    signatures: similarity.Signatures

    @cached_property
    def groups(self) -> similarity.Ints:
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
        roles = "".join([f"{talk.roles}x" for talk in talks])  # x: what is extra, mostly nothing
        texts = [
            text
            for talk in talks
            for text in (*[message.content for message in talk.messages], talk.extra)
        ]
        ends = np.cumsum([len(talk.messages) + 1 for talk in talks])
        lines = np.array([talk.line for talk in talks], np.int64)
        counts, bodies = self._encode(roles, texts, lines, ends)
        self._sum(roles, counts, ends)
        self._lines.extend(lines.tolist())
        self._hash(talks, texts, ends.tolist())
        if self.deep:
            tokens = np.concatenate(bodies) if bodies else _NO_TOKENS
            sizes = self._body(roles, counts, ends)
            self._signatures += similarity.signatures(tokens, sizes).tobytes()

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

    def _encode(
        self, roles: str, texts: list[str], lines: similarity.Ints, ends: similarity.Ints
    ) -> tuple[similarity.Ints, list[Tokens]]:
        """The number of tokens of every text, and the tokens of those that are no system prompt."""
        encode = encoding(self._encoding_name).encode
        counts: list[int] = []
        bodies: list[Tokens] = []
        for role, text in zip(roles, texts, strict=True):
            if role == "s" or role == "d":
                entry = self.systems.get(hash(text))
                if entry is None:
                    line = int(lines[np.searchsorted(ends, len(counts), "right")])
                    entry = self._new_system(text, line, len(encode(text)))
                entry[1] += 1
                counts.append(entry[0])
            elif text:
                tokens = encode(text)
                bodies.append(tokens)
                counts.append(len(tokens))
            else:
                counts.append(0)
        return np.array(counts, np.int64), bodies

    def _new_system(self, text: str, line: int, tokens: int) -> list[int]:
        entry = [tokens, 0, line]
        if len(self.systems) < SYSTEMS:
            self.systems[hash(text)] = entry
            self.quotes[hash(text)] = shorten(text, 160)
        return entry

    def _sum(self, roles: str, counts: similarity.Ints, ends: similarity.Ints) -> None:
        starts = np.concatenate([[0], ends[:-1]])
        letters = np.frombuffer(roles.encode(), np.uint8)
        around = np.where(letters == ord("x"), PER_EXAMPLE, PER_MESSAGE)
        answers = np.where(letters == ord("a"), counts, 0)
        self._totals.extend(np.add.reduceat(counts + around, starts).tolist())
        self._answers.extend(np.add.reduceat(answers, starts).tolist())
        opening = letters[starts]
        self.without_system += int(((opening != ord("s")) & (opening != ord("d"))).sum())

    @staticmethod
    def _body(roles: str, counts: similarity.Ints, ends: similarity.Ints) -> similarity.Ints:
        """Tokens of each example that are no system prompt's."""
        letters = np.frombuffer(roles.encode(), np.uint8)
        said = np.where((letters == ord("s")) | (letters == ord("d")), 0, counts)
        return np.add.reduceat(said, np.concatenate([[0], ends[:-1]]))

    def _hash(self, talks: list[Conversation], texts: list[str], ends: list[int]) -> None:
        """Python's own hash: quick, and equal for equal texts within this process, which is all
        that is asked of it."""
        start = 0
        for talk, end in zip(talks, ends, strict=True):
            key = hash((talk.roles, *texts[start:end]))
            self._keys.append(key)
            asks = end - start > 2 and talk.roles[-1:] == "a"
            self._prompts.append(hash((talk.roles, *texts[start : end - 2])) if asks else key)
            start = end
