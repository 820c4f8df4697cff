"""A response in the shapes of the API, whole or as typed events, from its pieces as they come.

Knows no torch, and of HTTP only what an event of a stream looks like.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..core.protocol import new_item_id
from ..language.answer_queue import AnswerQueue
from ..language.generation import GenerationFailed, SamplingOptions
from .completion import Completion, deltas
from .content_filter import of_response
from .inference import refusal

Body = dict[str, Any]


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
        self._completion = Completion((), self.sampling.max_tokens)
        self._id = new_item_id("msg")

    async def whole(self) -> Body:
        """The body, once all is generated; raises InferenceError if it cannot be."""
        try:
            async for _ in deltas(self.queue, [self._completion]):
                pass
        except GenerationFailed as error:
            raise refusal(error) from error
        return self._complete()

    async def stream(self) -> AsyncIterator[str]:
        """Typed events. A response that fails ends with an error and as failed (bifrost#6302)."""
        begun = self._body("in_progress")
        yield self._event("response.created", response=begun)
        yield self._event("response.in_progress", response=begun)
        yield self._event(
            "response.output_item.added", **self._place(), item=self._item("in_progress")
        )
        yield self._part("response.content_part.added", part=self._text(""))
        try:
            async for _, delta in deltas(self.queue, [self._completion]):
                if delta is None:
                    continue
                more = {"delta": delta.text, "logprobs": self._logprobs(delta.logprobs)}
                yield self._part("response.output_text.delta", **more)
        except GenerationFailed as error:
            for event in self._failed(error):
                yield event
            return
        for event in self._end():
            yield event

    # ---- inside ------------------------------------------------------------------------------

    def _end(self) -> Iterator[str]:
        said, logprobs = self._completion.text, self._logprobs(self._completion.logprobs)
        yield self._part("response.output_text.done", text=said, logprobs=logprobs)
        yield self._part("response.content_part.done", part=self._text(said))
        yield self._event("response.output_item.done", **self._place(), item=self._said())
        response = self._complete()
        yield self._event(f"response.{response['status']}", response=response)

    def _failed(self, error: GenerationFailed) -> Iterator[str]:
        refused = refusal(error)
        yield self._event("error", error=refused.body())
        failure = {"code": "server_error", "message": refused.message}
        yield self._event("response.failed", response=self._body("failed") | {"error": failure})

    def _complete(self) -> Body:
        cut = self._completion.finish_reason == "length"
        response = self._body("incomplete" if cut else "completed")
        response |= {"output": [self._said()], "usage": self._usage()}
        if cut:
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        self.ended(response)
        return response

    def _body(self, status: str) -> Body:
        return {
            **self.head,
            "status": status,
            "content_filters": of_response() if status in ("completed", "incomplete") else None,
            "error": None,
            "incomplete_details": None,
            "output": [],
            "usage": None,
        }

    def _said(self) -> Body:
        cut = self._completion.finish_reason == "length"
        said = self._text(self._completion.text)
        return {**self._item("incomplete" if cut else "completed"), "content": [said]}

    def _item(self, status: str) -> Body:
        item = {"id": self._id, "type": "message", "status": status, "role": "assistant"}
        return {**item, "content": []}

    def _text(self, text: str) -> Body:
        logprobs = self._logprobs(self._completion.logprobs) if text else []
        return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": text}

    def _logprobs(self, logprobs: list[Body]) -> list[Body]:
        return logprobs if self.sampling.top_logprobs is not None else []

    def _usage(self) -> Body:
        tokens = self._completion.tokens
        return {
            "input_tokens": self.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.prompt_tokens + tokens,
        }

    def _place(self) -> Body:
        return {"output_index": 0}

    def _part(self, kind: str, **more: Any) -> str:
        place = {"item_id": self._id, **self._place(), "content_index": 0}
        return self._event(kind, **place, **more)

    def _event(self, kind: str, **more: Any) -> str:
        """Every one has its number: clients that read strictly want it (OmniRoute#13964)."""
        body = {"type": kind, "sequence_number": self._number, **more}
        self._number += 1
        return f"event: {kind}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"
