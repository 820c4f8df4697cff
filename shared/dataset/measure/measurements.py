"""What is remembered of every example: its tokens, two hashes, a signature. About 60 bytes each.

The texts themselves are not kept, so a file of any size is measured in the memory of its numbers.
System prompts and tools are left out of the signatures, or all examples of a file would look alike.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.dataset.measure import prompts, similarity
from shared.dataset.measure.batch import TextBatch
from shared.dataset.measure.columns import Column
from shared.dataset.measure.similarity import Ints
from shared.dataset.measure.system_prompts import PromptCount, SystemPrompts
from shared.dataset.measure.tokens import PER_EXAMPLE, PER_MESSAGE, Tokens, encode_all, encoding
from shared.dataset.reading.examples import Conversation


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


class Rows(NamedTuple):
    """Some conversations of a file as an ExampleIndex has them, in the order of their lines; their
    system prompts, and how many of them begin without one."""

    lines: Ints
    totals: Ints
    answers: Ints
    keys: Ints
    prompts: Ints
    signatures: similarity.Signatures
    system_prompts: list[PromptCount]
    without_system_prompt: int


def merged(one: Rows, other: Rows) -> Rows:
    """Both in the order of the lines."""
    order = np.argsort(np.concatenate([one.lines, other.lines]), kind="stable")
    prompts = sorted([*one.system_prompts, *other.system_prompts], key=lambda found: found.line)
    without = one.without_system_prompt + other.without_system_prompt

    def both(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.concatenate([ours, theirs])[order]

    return Rows(
        both(one.lines, other.lines),
        both(one.totals, other.totals),
        both(one.answers, other.answers),
        both(one.keys, other.keys),
        both(one.prompts, other.prompts),
        both(one.signatures, other.signatures),
        prompts,
        without,
    )


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

    def add(self, conversations: list[Conversation], known: Rows | None = None) -> None:
        """Some of the file; of others between their lines the rows may be `known`."""
        rows = self.measure(conversations) if conversations else None
        both = merged(known, rows) if rows and known else rows or known
        if both:
            self.keep(both)

    def measure(self, conversations: list[Conversation]) -> Rows:
        """Remembers nothing of them."""
        batch = TextBatch(conversations)
        counts, tokens, prompts = self._count(batch)
        around = np.where(batch.roles == ord("x"), PER_EXAMPLE, PER_MESSAGE)
        answers = np.where(batch.roles == ord("a"), counts, 0)
        signatures = np.empty((len(batch.lines), 0), np.uint8)
        if self.deep:
            signatures = self._signed(batch, np.where(batch.prompts, 0, counts), tokens)
        return Rows(
            batch.lines,
            np.add.reduceat(counts + around, batch.starts),
            np.add.reduceat(answers, batch.starts),
            *batch.hashes(),
            signatures,
            prompts,
            int((~batch.prompts[batch.starts]).sum()),
        )

    def keep(self, rows: Rows) -> None:
        """What was measured, in the order of the file."""
        self._lines.extend(rows.lines)
        self._totals.extend(rows.totals)
        self._answers.extend(rows.answers)
        self._keys.extend(rows.keys)
        self._prompts.extend(rows.prompts)
        self.system_prompts.keep(rows.system_prompts)
        self.without_system_prompt += rows.without_system_prompt
        if self.deep:
            self._signatures.extend(rows.signatures)

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

    def _signed(self, batch: TextBatch, counts: Ints, tokens: Tokens) -> similarity.Signatures:
        """Signatures; `counts` and `tokens` of all texts but system prompts."""
        lengths = np.add.reduceat(counts, batch.starts)
        said = {at: text for at, text in enumerate(batch.said) if text is not None}
        if said:
            owner = np.repeat(np.arange(len(lengths)), lengths)
            extra = np.repeat(batch.roles == ord("x"), counts)
            kept = ~(extra & np.isin(owner, list(said)))
            filled = {at: text for at, text in said.items() if text}
            instead, sizes = encode_all(encoding(self._encoding_name), list(filled.values()))
            owner = np.concatenate([owner[kept], np.repeat(list(filled), sizes)]).astype(np.int64)
            order = np.argsort(owner, kind="stable")
            tokens = np.concatenate([tokens[kept], instead])[order]
            lengths = np.bincount(owner, minlength=len(lengths))
        return similarity.signatures(tokens, lengths, batch.shown)

    def _count(self, batch: TextBatch) -> tuple[Ints, Tokens, list[PromptCount]]:
        """The number of tokens of every text, the tokens of those that are no system prompt, one
        after the other, and the system prompts."""
        counter = encoding(self._encoding_name)
        counts = np.zeros(len(batch.texts), np.int64)
        texts = batch.texts_at(batch.prompts)
        prompts = self.system_prompts.count(texts, batch.lines_of(batch.prompts), counter)
        sizes = {prompt.text: prompt.tokens for prompt in prompts}
        counts[batch.prompts] = [sizes[text] for text in texts]
        others = batch.filled & ~batch.prompts
        tokens, counts[others] = encode_all(counter, batch.texts_at(others))
        return counts, tokens, prompts
