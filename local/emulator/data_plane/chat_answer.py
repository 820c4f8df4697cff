"""An answer in the shapes of the API, whole or in chunks, from its pieces as they are generated.

Knows no torch, and of HTTP only what an event of a stream looks like.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from ..core.protocol import new_call_id
from ..language.answer_queue import AnswerQueue
from ..language.calls import ALWAYS
from ..language.generation import GenerationFailed
from .chat_request import ChatRequest
from .completion import Completion, Delta, deltas, event
from .content_filter import AsynchronousFilter, of_prompt, safe, unnamed_chunk
from .inference import refusal


@dataclass
class ChatAnswer:
    """All choices of one answer. `head`: what the body and every chunk begin with.

    `asynchronous_filter`: the filter's results come in chunks of their own."""

    head: dict[str, Any]
    chat: ChatRequest
    prompt_tokens: int
    queue: AnswerQueue
    asynchronous_filter: bool = False
    _choices: list[Completion] = field(init=False)
    _filters: list[AsynchronousFilter] = field(init=False)

    def __post_init__(self) -> None:
        most, stops = self.chat.sampling.max_tokens, self.chat.stops
        self._choices = [Completion(stops, most) for _ in range(self.chat.choices)]
        asked = sum(len(message.content) for message in self.chat.messages)
        self._ids = [new_call_id() for _ in self._choices]
        self._filters = [AsynchronousFilter(asked) for _ in self._choices]

    async def whole(self) -> dict[str, Any]:
        """The body, once all is generated; raises InferenceError if it cannot be."""
        try:
            async for _ in deltas(self.queue, self._choices):
                pass
        except GenerationFailed as error:
            raise refusal(error) from error
        choices = [
            {
                "index": index,
                "message": self._message(index),
                "finish_reason": self._reason(choice),
                "logprobs": self._logprobs(choice.logprobs),
                "content_filter_results": safe(),
            }
            for index, choice in enumerate(self._choices)
        ]
        found = {"prompt_filter_results": of_prompt(), "usage": self._usage()}
        return self._body("chat.completion", choices=choices, **found)

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events; the chunks of several choices come mixed, as in OpenAI's API. An
        answer that fails has an error as its last event, and no end."""
        yield event(unnamed_chunk(choices=[], prompt_filter_results=of_prompt(), **self._extra()))
        for index in range(len(self._choices)):
            yield self._chunk(index, {"role": "assistant", "content": self._opening})
        try:
            async for index, delta in deltas(self.queue, self._choices):
                if delta is None:
                    yield self._chunk(index, {}, self._reason(self._choices[index]))
                elif self._choices[index].name:
                    yield self._chunk(index, self._call_delta(index, delta))
                else:
                    yield self._chunk(index, {"content": delta.text}, logprobs=delta.logprobs)
                if found := self._filtered(index, ended=delta is None):
                    yield event({**found, **self._extra()})
        except GenerationFailed as error:
            yield event({"error": refusal(error).body()})
            return
        if self.chat.include_usage:
            yield event(self._body("chat.completion.chunk", choices=[], usage=self._usage()))
        yield "data: [DONE]\n\n"

    @property
    def _opening(self) -> str | None:
        """The content of the first chunk: null where there will be none."""
        calls = self.chat.sampling.calls
        return None if calls and calls.least == ALWAYS else ""

    def _reason(self, choice: Completion) -> str | None:
        called = choice.name is not None and choice.finish_reason == "stop"
        return self.chat.tools.reason if called else choice.finish_reason

    def _message(self, index: int) -> dict[str, Any]:
        choice = self._choices[index]
        message = {"role": "assistant", "content": choice.text, "refusal": None}
        if choice.name is None:
            return message
        function = {"name": choice.name, "arguments": choice.arguments}
        if self.chat.tools.legacy:
            return {**message, "content": None, "function_call": function}
        call = {"id": self._ids[index], "type": "function", "function": function}
        return {**message, "content": None, "tool_calls": [call]}

    def _call_delta(self, index: int, delta: Delta) -> dict[str, Any]:
        """The first has the name and the id, those after it more of the arguments."""
        function = {"arguments": delta.arguments}
        if delta.name:
            function = {"name": delta.name, **function}
        if self.chat.tools.legacy:
            return {"function_call": function}
        first = {"id": self._ids[index], "type": "function"} if delta.name else {}
        return {"tool_calls": [{"index": 0, **first, "function": function}]}

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        finish_reason: str | None = None,
        logprobs: list[dict[str, Any]] | None = None,
    ) -> str:
        choice = {
            "index": index,
            "delta": delta,
            "finish_reason": finish_reason,
            "logprobs": self._logprobs(logprobs) if logprobs else None,
        }
        if not self.asynchronous_filter:
            # Without text of the answer there is nothing that could have been found.
            choice["content_filter_results"] = safe() if delta.get("content") else {}
        return event(self._body("chat.completion.chunk", choices=[choice], **self._extra()))

    def _filtered(self, index: int, *, ended: bool) -> dict[str, Any] | None:
        if not self.asynchronous_filter:
            return None
        return self._filters[index].chunk(index, len(self._choices[index].text), ended=ended)

    def _extra(self) -> dict[str, Any]:
        """What every chunk but the last has once the last one tells the usage."""
        return {"usage": None} if self.chat.include_usage else {}

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
