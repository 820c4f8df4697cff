"""What is remembered of every example: its tokens, two hashes, a signature. About 60 bytes each.

The texts themselves are not kept, so a file of any size is measured in the memory of its numbers.
System prompts are left out of the signatures, or all examples of a file would look alike.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np
import numpy.typing as npt

from shared.dataset.measure import prompts, similarity
from shared.dataset.measure.batch import TextBatch
from shared.dataset.measure.columns import Column
from shared.dataset.measure.similarity import Ints
from shared.dataset.measure.system_prompts import SystemPrompts
from shared.dataset.measure.tokens import PER_EXAMPLE, PER_MESSAGE, Tokens, encoding
from shared.dataset.reading.examples import Conversation

_NO_TOKENS = np.empty(0, np.uint32)


@dataclass(frozen=True)
class ExampleIndex:
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

    @cached_property
    def shared_prompts(self) -> npt.NDArray[np.bool_]:
        """Of which examples most of the file share the prompt, on purpose."""
        return prompts.shared(self.keys, self.prompts)


class Measurements:
    """Not `deep`: no signatures, so nothing is known of near duplicates."""

    def __init__(self, encoding_name: str, *, deep: bool) -> None:
        self.deep = deep
        self.system_prompts = SystemPrompts()
        self.without_system_prompt = 0
        self._encoding_name = encoding_name
        self._lines, self._totals, self._answers = (Column(np.uint32) for _ in range(3))
        self._keys, self._prompts = Column(np.int64), Column(np.int64)
        self._signatures = Column(np.uint8, similarity.BINS)

    def add(self, conversations: list[Conversation]) -> None:
        batch = TextBatch(conversations)
        counts, tokens = self._count(batch)
        around = np.where(batch.roles == ord("x"), PER_EXAMPLE, PER_MESSAGE)
        answers = np.where(batch.roles == ord("a"), counts, 0)
        keys, prompts = batch.hashes()
        self._lines.extend(batch.lines)
        self._totals.extend(np.add.reduceat(counts + around, batch.starts))
        self._answers.extend(np.add.reduceat(answers, batch.starts))
        self._keys.extend(keys)
        self._prompts.extend(prompts)
        self.without_system_prompt += int((~batch.prompts[batch.starts]).sum())
        if self.deep:
            lengths = np.add.reduceat(np.where(batch.prompts, 0, counts), batch.starts)
            self._signatures.extend(similarity.signatures(tokens, lengths, batch.shown))

    def index(self) -> ExampleIndex:
        """What was gathered, and is then forgotten here."""
        lines, signatures = self._lines.take(), self._signatures.take()
        if not self.deep:
            signatures = np.zeros((len(lines), similarity.BINS), np.uint8)
        return ExampleIndex(
            lines=lines,
            totals=self._totals.take(),
            answers=self._answers.take(),
            keys=self._keys.take(),
            prompts=self._prompts.take(),
            signatures=signatures,
        )

    def _count(self, batch: TextBatch) -> tuple[Ints, Tokens]:
        """The number of tokens of every text, and the tokens of those that are no system prompt,
        one after the other."""
        counter = encoding(self._encoding_name)
        counts = np.zeros(len(batch.texts), np.int64)
        counts[batch.prompts] = self.system_prompts.add(batch, counter)
        others = batch.filled & ~batch.prompts
        encoded = map(counter.encode, compress(batch.texts, others))
        kept = list(encoded) if self.deep else []
        counts[others] = np.fromiter(map(len, kept or encoded), np.int64)
        return counts, np.concatenate([_NO_TOKENS, *kept])
