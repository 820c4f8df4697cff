"""The text of one answer, up to its stop sequence. Knows no HTTP and no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..language.generation import Piece


@dataclass
class Completion:
    """One answer: iterate it for its text as it is generated, then read how it ended."""

    pieces: Iterator[Piece]
    stops: tuple[str, ...]
    max_tokens: int
    tokens: int = 0
    finish_reason: str = "stop"
    text: str = field(default="", init=False)

    def __iter__(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Text as soon as it is certain that no stop sequence begins in it, and the probabilities
        of its tokens, if they were asked for."""
        pending, logprobs = "", []
        for piece in self.pieces:
            self.tokens += 1
            pending += piece.text
            if piece.logprob:
                logprobs.append(piece.logprob)
            places = [place for stop in self.stops if (place := pending.find(stop)) >= 0]
            if places:
                yield self._add(pending[: min(places)]), logprobs
                return
            held = _held_back(pending, self.stops)
            if len(pending) > held:
                yield self._add(pending[: len(pending) - held]), logprobs
                pending, logprobs = pending[len(pending) - held :], []
        if self.tokens >= self.max_tokens:
            self.finish_reason = "length"
        if pending or logprobs:
            yield self._add(pending), logprobs

    def _add(self, text: str) -> str:
        self.text += text
        return text


def _held_back(text: str, stops: tuple[str, ...]) -> int:
    """Length of the longest end of the text that is the beginning of a stop sequence."""
    lengths = (n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
    return max(lengths, default=0)
