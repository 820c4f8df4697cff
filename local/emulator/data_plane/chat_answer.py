"""An answer in the shapes of the API, whole or in chunks, from its pieces as they are generated.

Knows no torch, and of HTTP only what an event of a stream looks like.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import InferenceError
from ..language.answer_queue import AnswerQueue
from ..language.generation import GenerationFailed, Stopping
from .chat_request import ChatRequest
from .completion import Completion, Delta


def refusal(error: GenerationFailed) -> InferenceError:
    """Both codes [inferred]."""
    if isinstance(error, Stopping):
        return InferenceError(503, "serviceUnavailable", str(error))
    return InferenceError(500, "internalFailure", str(error))


@dataclass
class ChatAnswer:
    """All choices of one answer. `head`: what the body and every chunk begin with."""

    head: dict[str, Any]
    chat: ChatRequest
    prompt_tokens: int
    queue: AnswerQueue
    _choices: list[Completion] = field(init=False)

    def __post_init__(self) -> None:
        most, stops = self.chat.sampling.max_tokens, self.chat.stops
        self._choices = [Completion(stops, most) for _ in range(self.chat.choices)]

    async def whole(self) -> dict[str, Any]:
        """The body, once all is generated; raises InferenceError if it cannot be."""
        try:
            async for _ in self._deltas():
                pass
        except GenerationFailed as error:
            raise refusal(error) from error
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "finish_reason": choice.finish_reason,
                "logprobs": self._logprobs(choice.logprobs),
            }
            for index, choice in enumerate(self._choices)
        ]
        return self._body("chat.completion", choices=choices, usage=self._usage())

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events; the chunks of several choices come mixed, as in OpenAI's API. An
        answer that fails has an error as its last event, and no end."""
        for index in range(len(self._choices)):
            yield self._chunk(index, {"role": "assistant", "content": ""})
        try:
            async for index, delta in self._deltas():
                if delta:
                    yield self._chunk(index, {"content": delta.text}, logprobs=delta.logprobs)
                else:
                    yield self._chunk(index, {}, self._choices[index].finish_reason)
        except GenerationFailed as error:
            yield _event({"error": refusal(error).body()})
            return
        if self.chat.include_usage:
            yield _event(self._body("chat.completion.chunk", choices=[], usage=self._usage()))
        yield "data: [DONE]\n\n"

    async def _deltas(self) -> AsyncIterator[tuple[int, Delta | None]]:
        """What is added to which choice; None when it has ended."""
        left = len(self._choices)
        while left:
            for index, piece in await self.queue.read():
                choice = self._choices[index]
                if choice.finish_reason:
                    continue  # it came after a stop sequence
                delta = choice.end() if piece is None else choice.add(piece)
                if delta:
                    yield index, delta
                if choice.finish_reason:
                    self.queue.cancel(index)
                    left -= 1
                    yield index, None

    def _chunk(
        self,
        index: int,
        delta: dict[str, str],
        finish_reason: str | None = None,
        logprobs: list[dict[str, Any]] | None = None,
    ) -> str:
        choice = {
            "index": index,
            "delta": delta,
            "finish_reason": finish_reason,
            "logprobs": self._logprobs(logprobs) if logprobs else None,
        }
        extra = {"usage": None} if self.chat.include_usage else {}
        return _event(self._body("chat.completion.chunk", choices=[choice], **extra))

    def _body(self, kind: str, **more: Any) -> dict[str, Any]:
        return {**self.head, "object": kind, **more}

    def _logprobs(self, logprobs: list[dict[str, Any]]) -> dict[str, Any] | None:
        if self.chat.sampling.top_logprobs is None:
            return None
        return {"content": logprobs, "refusal": None}

    def _usage(self) -> dict[str, int]:
        tokens = sum(choice.tokens for choice in self._choices)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
