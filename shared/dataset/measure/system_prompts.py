"""System prompts: each different one is encoded and quoted once, however often it occurs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from shared.dataset.findings.quoting import shorten
from shared.dataset.measure.tokens import Encoding

MOST = 500  # different ones that are counted each for itself
QUOTED = 160  # characters


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """A system prompt, masked and shortened, and how many examples begin with it."""

    text: str
    count: int
    line: int


class PromptCount(NamedTuple):
    """How often a system prompt stands in some conversations, and first in which line."""

    text: str
    tokens: int
    times: int
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

    def count(self, prompts: list[str], lines: list[int], encoding: Encoding) -> list[PromptCount]:
        """Each different one, in the order of the lines. Remembers nothing."""
        first = dict(zip(reversed(prompts), reversed(lines), strict=True))
        return [
            PromptCount(text, self._tokens(text, encoding), count, first[text])
            for text, count in Counter(prompts).items()
        ]

    def keep(self, counted: Iterable[PromptCount]) -> None:
        """What was counted, in the order of the file."""
        for one in counted:
            if entry := self._entries.get(hash(one.text)) or self._new(one):
                entry.count += one.times

    def common(self) -> tuple[SystemPrompt, ...]:
        """Most frequent first."""
        ranked = sorted(self._entries.values(), key=lambda entry: (-entry.count, entry.line))
        return tuple(SystemPrompt(entry.quote, entry.count, entry.line) for entry in ranked)

    def _tokens(self, text: str, encoding: Encoding) -> int:
        known = self._entries.get(hash(text))
        return known.tokens if known else len(encoding.encode(text))

    def _new(self, one: PromptCount) -> _Entry | None:
        if len(self._entries) == MOST:
            return None
        entry = _Entry(one.tokens, line=one.line, quote=shorten(one.text, QUOTED))
        self._entries[hash(one.text)] = entry
        return entry
