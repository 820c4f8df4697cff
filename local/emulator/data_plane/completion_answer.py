"""Completions in the shapes of the API, whole or in chunks, from their pieces as they come.

Knows no torch, and of HTTP only what an event of a stream looks like.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from ..language.answer_queue import AnswerQueue
from ..language.generation import GenerationFailed
from .completion import Completion, deltas, event
from .completion_request import CompletionRequest
from .content_filter import of_prompt, safe
from .inference import refusal

Body = dict[str, Any]


@dataclass
class CompletionAnswer:
    """All choices of all prompts, those of a prompt side by side. `head`: what the body and every
    chunk begin with."""

    head: Body
    asked: CompletionRequest
    prompt_tokens: int
    queue: AnswerQueue
    _choices: list[Completion] = field(init=False)
    _offsets: list[int] = field(init=False)  # characters told of each choice

    def __post_init__(self) -> None:
        asked = self.asked
        count = len(asked.prompts) * asked.each
        self._choices = [Completion(asked.stops, asked.sampling.max_tokens) for _ in range(count)]
        self._offsets = [0] * count

    async def whole(self) -> Body:
        """The body, once all is generated; raises InferenceError if it cannot be."""
        try:
            async for _ in deltas(self.queue, self._choices):
                pass
        except GenerationFailed as error:
            raise refusal(error) from error
        shown = [
            self._choice(index, choice.text, choice.logprobs, choice.finish_reason)
            for index, choice in enumerate(self._choices)
        ]
        return {**self._filtered(), "choices": shown, "usage": self._usage()}

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events, as of a chat. That the filter's results of the prompt come with the
        first chunk is [inferred]."""
        yield event({**self._filtered(), "choices": []})
        try:
            async for index, delta in deltas(self.queue, self._choices):
                reason = None if delta else self._choices[index].finish_reason
                text, logprobs = (delta.text, delta.logprobs) if delta else ("", [])
                choice = self._choice(index, text, logprobs, reason)
                yield event({**self.head, "choices": [choice]})
        except GenerationFailed as error:
            yield event({"error": refusal(error).body()})
            return
        if self.asked.include_usage:
            yield event({**self.head, "choices": [], "usage": self._usage()})
        yield "data: [DONE]\n\n"

    def _filtered(self) -> Body:
        return {**self.head, "prompt_filter_results": of_prompt()}

    def _choice(self, index: int, text: str, logprobs: list[Body], reason: str | None) -> Body:
        return {
            "text": text,
            "index": index,
            "finish_reason": reason,
            "logprobs": self._logprobs(index, logprobs),
            "content_filter_results": safe() if text else {},
        }

    def _logprobs(self, index: int, found: list[Body]) -> Body | None:
        """In the shape from before chat: a list for each thing that is told of a token."""
        if self.asked.sampling.top_logprobs is None:
            return None
        offsets = []
        for one in found:
            offsets.append(self._offsets[index])
            self._offsets[index] += len(one["token"])
        return {
            "tokens": [one["token"] for one in found],
            "token_logprobs": [one["logprob"] for one in found],
            "top_logprobs": [
                {rival["token"]: rival["logprob"] for rival in one["top_logprobs"]} for one in found
            ],
            "text_offset": offsets,
        }

    def _usage(self) -> dict[str, int]:
        tokens = sum(choice.tokens for choice in self._choices)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }
