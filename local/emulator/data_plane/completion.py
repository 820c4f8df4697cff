"""The text of one answer, up to its stop sequence, or its call; and of several that come mixed.

Knows no torch, and of HTTP only what an event of a stream looks like.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from ..language.answer_queue import AnswerQueue
from ..language.generation import Piece

# How a call begins, in the layout to which a grammar holds it; its end is one more bracket.
CALL = re.compile(r'\{"name": "([\w-]+)", "arguments": ')


@dataclass(frozen=True)
class Delta:
    """Text that can be shown, and the probabilities of its tokens, if they were asked for; or what
    comes of a call: the function's name first, then more and more of the arguments."""

    text: str
    logprobs: list[dict[str, Any]]
    name: str | None = None
    arguments: str = ""


@dataclass
class Completion:
    """One answer: give it every piece as it is generated, and tell it when there are no more.
    `name`: the function that it calls, once that is known."""

    stops: tuple[str, ...]
    max_tokens: int
    tokens: int = 0
    text: str = field(default="", init=False)
    logprobs: list[dict[str, Any]] = field(default_factory=list, init=False)
    finish_reason: str | None = field(default=None, init=False)
    name: str | None = field(default=None, init=False)
    arguments: str = field(default="", init=False)
    _is_call: bool = field(default=False, init=False)
    _pending: str = field(default="", init=False)
    _of_pending: list[dict[str, Any]] = field(default_factory=list, init=False)

    def add(self, piece: Piece) -> Delta | None:
        """Text as soon as it is certain that no stop sequence begins in it. `finish_reason` is set
        once one has come: whatever follows is not wanted."""
        self.tokens += 1
        self._pending += piece.text
        if piece.call:
            self._is_call = True
            return self._of_call(kept=1)
        if piece.logprob:
            self._of_pending.append(piece.logprob)
        places = [place for stop in self.stops if (place := self._pending.find(stop)) >= 0]
        if places:
            self.finish_reason = "stop"
            return self._shown(min(places))
        held = _held_back(self._pending, self.stops)
        return self._shown(len(self._pending) - held) if len(self._pending) > held else None

    def end(self) -> Delta | None:
        """What is left, when the model has ended its answer."""
        self.finish_reason = "length" if self.tokens >= self.max_tokens else "stop"
        if self._is_call:
            return self._ended_call()
        return self._shown(len(self._pending)) if self._pending or self._of_pending else None

    def _of_call(self, kept: int) -> Delta | None:
        """What has come of the call; its last bracket is kept back, for it is not an argument's."""
        begun = None
        if self.name is None:
            if not (head := CALL.match(self._pending)):
                return None
            self.name = begun = head[1]
            self._pending = self._pending[head.end() :]
        more = self._pending[: len(self._pending) - kept]
        self._pending = self._pending[len(more) :]
        self.arguments += more
        return Delta("", [], begun, more) if more or begun else None

    def _ended_call(self) -> Delta | None:
        whole = self._pending == "}" and _is_json(self.arguments)
        if whole:
            self.finish_reason = "stop"  # also with its last token
        return self._of_call(kept=1 if whole else 0)

    def _shown(self, length: int) -> Delta:
        delta = Delta(self._pending[:length], self._of_pending)
        self._pending, self._of_pending = self._pending[length:], []
        self.text += delta.text
        self.logprobs += delta.logprobs
        return delta


async def deltas(
    queue: AnswerQueue, choices: list[Completion]
) -> AsyncIterator[tuple[int, Delta | None]]:
    """What is added to which choice; None when it has ended. Raises GenerationFailed."""
    left = len(choices)
    while left:
        for index, piece in await queue.read():
            choice = choices[index]
            if choice.finish_reason:
                continue  # it came after a stop sequence
            delta = choice.end() if piece is None else choice.add(piece)
            if delta:
                yield index, delta
            if choice.finish_reason:
                queue.cancel(index)
                left -= 1
                yield index, None


def event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _held_back(text: str, stops: tuple[str, ...]) -> int:
    """Length of the longest end of the text that is the beginning of a stop sequence."""
    lengths = (n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
    return max(lengths, default=0)
