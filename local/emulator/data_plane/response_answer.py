"""A response in the shapes of the API, whole or as typed events, from its pieces as they come.

Its output is one item: a message, or the call of a function. Knows no torch, and of HTTP only what
an event of a stream looks like.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..core.protocol import new_call_id, new_item_id
from ..language.answer_queue import AnswerQueue
from ..language.generation import GenerationFailed, SamplingOptions
from .completion import Completion, Delta, deltas
from .content_filter import of_response
from .inference import refusal

Body = dict[str, Any]
IN_PROGRESS, COMPLETED, INCOMPLETE, FAILED = "in_progress", "completed", "incomplete", "failed"


@dataclass
class ResponseAnswer:
    """`head`: what the response has from the beginning. `ended` is told of the response once it is
    complete, before the caller is."""

    head: Body
    sampling: SamplingOptions
    prompt_tokens: int
    queue: AnswerQueue
    ended: Callable[[Body], None]
    _number: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._said = Completion((), self.sampling.max_tokens)
        self._ids = {"message": new_item_id("msg"), "call": new_item_id("fc")}
        self._call_id = new_call_id()

    async def whole(self) -> Body:
        """The body, once all is generated; raises InferenceError if it cannot be."""
        try:
            async for _ in deltas(self.queue, [self._said]):
                pass
        except GenerationFailed as error:
            raise refusal(error) from error
        return self._complete()

    async def stream(self) -> AsyncIterator[str]:
        """Typed events. A response that fails ends with an error and as failed (bifrost#6302)."""
        yield self._event("response.created", response=self._body(IN_PROGRESS))
        yield self._event("response.in_progress", response=self._body(IN_PROGRESS))
        begun = False
        try:
            async for _, delta in deltas(self.queue, [self._said]):
                for event in () if begun else self._begin():
                    yield event
                begun = True
                if delta and (delta.arguments or not self._is_call):
                    yield self._more(delta)
        except GenerationFailed as error:
            for event in self._failed(error):
                yield event
            return
        for event in self._end():
            yield event

    # ---- events ------------------------------------------------------------------------------

    def _begin(self) -> Iterator[str]:
        """Only now is it known what the item is."""
        nothing: dict[str, Any] = {"arguments": ""} if self._is_call else {"content": []}
        added = self._item(IN_PROGRESS) | nothing
        yield self._event("response.output_item.added", output_index=0, item=added)
        if not self._is_call:
            yield self._of_text("response.content_part.added", part=self._part("", []))

    def _more(self, delta: Delta) -> str:
        if self._is_call:
            kind = "response.function_call_arguments.delta"
            return self._of_item(kind, delta=delta.arguments)
        more = {"delta": delta.text, "logprobs": self._logprobs(delta.logprobs)}
        return self._of_text("response.output_text.delta", **more)

    def _end(self) -> Iterator[str]:
        if self._is_call:
            done = {"name": self._said.name, "arguments": self._said.arguments}
            yield self._of_item("response.function_call_arguments.done", **done)
        else:
            part = self._part(self._said.text, self._said.logprobs)
            done = {"text": part["text"], "logprobs": part["logprobs"]}
            yield self._of_text("response.output_text.done", **done)
            yield self._of_text("response.content_part.done", part=part)
        yield self._event(
            "response.output_item.done", output_index=0, item=self._item(self._status)
        )
        response = self._complete()
        yield self._event(f"response.{response['status']}", response=response)

    def _failed(self, error: GenerationFailed) -> Iterator[str]:
        refused = refusal(error)
        yield self._event("error", error=refused.body())
        failure = {"code": "server_error", "message": refused.message}
        yield self._event("response.failed", response=self._body(FAILED) | {"error": failure})

    def _of_text(self, kind: str, **more: Any) -> str:
        return self._of_item(kind, content_index=0, **more)

    def _of_item(self, kind: str, **more: Any) -> str:
        return self._event(kind, item_id=self._item_id, output_index=0, **more)

    def _event(self, kind: str, **more: Any) -> str:
        """Every one has its number: clients that read strictly want it (OmniRoute#13964)."""
        body = {"type": kind, "sequence_number": self._number, **more}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"

    # ---- shapes ------------------------------------------------------------------------------

    @property
    def _is_call(self) -> bool:
        return self._said.name is not None

    @property
    def _item_id(self) -> str:
        return self._ids["call" if self._is_call else "message"]

    @property
    def _status(self) -> str:
        return INCOMPLETE if self._said.finish_reason == "length" else COMPLETED

    def _complete(self) -> Body:
        found = {"content_filters": of_response(), "usage": self._usage()}
        response = self._body(self._status) | found | {"output": [self._item(self._status)]}
        if self._status == INCOMPLETE:
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        self.ended(response)
        return response

    def _body(self, status: str) -> Body:
        unknown = dict.fromkeys(("content_filters", "error", "incomplete_details", "usage"))
        return {**self.head, "status": status, "output": [], **unknown}

    def _item(self, status: str) -> Body:
        if self._is_call:
            said = {"name": self._said.name, "arguments": self._said.arguments}
            item = {"id": self._item_id, "type": "function_call", "status": status}
            return {**item, "call_id": self._call_id, **said}
        part = self._part(self._said.text, self._said.logprobs)
        item = {"id": self._item_id, "type": "message", "status": status, "role": "assistant"}
        return {**item, "content": [part]}

    def _part(self, text: str, logprobs: list[Body]) -> Body:
        shown = self._logprobs(logprobs)
        return {"type": "output_text", "annotations": [], "logprobs": shown, "text": text}

    def _logprobs(self, logprobs: list[Body]) -> list[Body]:
        return logprobs if self.sampling.top_logprobs is not None else []

    def _usage(self) -> Body:
        tokens = self._said.tokens
        return {
            "input_tokens": self.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.prompt_tokens + tokens,
        }
