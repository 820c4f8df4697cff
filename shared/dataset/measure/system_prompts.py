"""System prompts: each different one is encoded and quoted once, however often it occurs."""

from collections import Counter
from dataclasses import dataclass
from itertools import compress

import numpy as np

from shared.dataset.findings.quoting import shorten
from shared.dataset.measure.batch import TextBatch
from shared.dataset.measure.tokens import Encoding

MOST = 500  # different ones that are counted each for itself
QUOTED = 160  # characters


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """A system prompt, masked and shortened, and how many examples begin with it."""

    text: str
    count: int
    line: int


@dataclass(slots=True)
class _Entry:
    tokens: int
    count: int = 0
    line: int = 0  # the first
    quote: str = ""


class SystemPrompts:
    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}  # by the hash of the text

    def add(self, batch: TextBatch, encoding: Encoding) -> list[int]:
        """The number of tokens of each system prompt of the batch."""
        prompts = list(compress(batch.texts, batch.prompts))
        sizes: dict[str, int] = {}
        for text, count in Counter(prompts).items():
            entry = self._entries.get(hash(text)) or self._new(text, batch, encoding)
            entry.count += count
            sizes[text] = entry.tokens
        return [sizes[text] for text in prompts]

    def common(self) -> tuple[SystemPrompt, ...]:
        """Most frequent first."""
        ranked = sorted(self._entries.values(), key=lambda entry: (-entry.count, entry.line))
        return tuple(SystemPrompt(entry.quote, entry.count, entry.line) for entry in ranked)

    def _new(self, text: str, batch: TextBatch, encoding: Encoding) -> _Entry:
        entry = _Entry(len(encoding.encode(text)))
        if len(self._entries) < MOST:
            places = np.flatnonzero(batch.prompts)
            place = next(place for place in places if batch.texts[place] == text)
            entry.line = batch.line_of(int(place))
            entry.quote = shorten(text, QUOTED)
            self._entries[hash(text)] = entry
        return entry
