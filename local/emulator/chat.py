"""Chat completions in both URL families, whole or streamed. Knows no torch.

What the small model cannot do is refused in the words of the API rather than quietly left out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .clock import Clock
from .dataset import Message, to_message
from .deployments import Deployments
from .errors import InferenceError
from .language import Language, Sampling
from .models import Servable
from .wire import json_body, new_id

# Azure sets no limit of its own; a model of this size would talk until its context is full.
DEFAULT_MAX_TOKENS = 512
UNSUPPORTED = ("tools", "functions", "tool_choice", "logprobs", "audio", "modalities")
MOST_STOPS = 4


@dataclass(frozen=True)
class Wanted:
    messages: list[Message]
    sampling: Sampling
    stops: tuple[str, ...]
    stream: bool
    include_usage: bool


@dataclass
class Answer:
    """An answer in the making: iterate it for its text, then read how it ended."""

    pieces: Iterator[str]
    stops: tuple[str, ...]
    max_tokens: int
    tokens: int = 0
    finish_reason: str = "stop"
    text: str = field(default="", init=False)

    def __iter__(self) -> Iterator[str]:
        """Text as soon as it is certain that no stop sequence begins in it."""
        pending = ""
        for piece in self.pieces:
            self.tokens += 1
            pending += piece
            places = [place for stop in self.stops if (place := pending.find(stop)) >= 0]
            if places:
                yield from self._say(pending[: min(places)])
                return
            held = _held_back(pending, self.stops)
            yield from self._say(pending[: len(pending) - held])
            pending = pending[len(pending) - held :]
        yield from self._say(pending)
        if self.tokens >= self.max_tokens:
            self.finish_reason = "length"

    def _say(self, text: str) -> Iterator[str]:
        if text:
            self.text += text
            yield text


def _held_back(text: str, stops: tuple[str, ...]) -> int:
    """Length of the longest end of the text that is the beginning of a stop sequence."""
    lengths = (n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
    return max(lengths, default=0)


class Chat:
    def __init__(self, deployments: Deployments, language: Language, clock: Clock) -> None:
        self._deployments, self._language, self._clock = deployments, language, clock

    def v1_routes(self) -> list[Route]:
        return [Route("/chat/completions", self.complete_v1, methods=["POST"])]

    def dated_routes(self) -> list[Route]:
        path = "/deployments/{name}/chat/completions"
        return [Route(path, self.complete_dated, methods=["POST"])]

    # ---- endpoints ---------------------------------------------------------------------------

    async def complete_v1(self, request: Request) -> Response:
        body = await json_body(request)
        return await self._complete(str(body.get("model")), body)

    async def complete_dated(self, request: Request) -> Response:
        return await self._complete(request.path_params["name"], await json_body(request))

    # ---- inside ------------------------------------------------------------------------------

    async def _complete(self, deployment: str, body: dict[str, Any]) -> Response:
        model = self._deployments.answering(deployment)
        wanted = parse(body)
        # In a thread: the model may still be loading.
        prompt = await run_in_threadpool(self._language.prompt, wanted.messages)
        room = self._language.context_length - len(prompt) - wanted.sampling.max_tokens
        if room < 0:
            raise InferenceError(
                400,
                "context_length_exceeded",
                f"The messages take {len(prompt)} tokens; with the answer this is {-room} more than"
                " the model's context holds.",
                "messages",
            )
        pieces = self._language.generate(model.adapter, prompt, wanted.sampling)
        answer = Answer(pieces, wanted.stops, wanted.sampling.max_tokens)
        if wanted.stream:
            chunks = self._stream(model, answer, len(prompt), wanted.include_usage)
            return StreamingResponse(chunks, media_type="text/event-stream")
        return await run_in_threadpool(self._whole, model, answer, len(prompt))

    def _head(self, kind: str, model: Servable) -> dict[str, Any]:
        return {
            "id": new_id("chatcmpl"),
            "object": kind,
            "created": self._clock.seconds(),
            "model": model.name,
            # Azure's names outside, but nothing pretends: this says which model really answered.
            "system_fingerprint": self._language.fingerprint,
        }

    def _whole(self, model: Servable, answer: Answer, prompt_tokens: int) -> JSONResponse:
        for _ in answer:
            pass
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": answer.text, "refusal": None},
            "finish_reason": answer.finish_reason,
            "logprobs": None,
        }
        head = self._head("chat.completion", model)
        return JSONResponse({**head, "choices": [choice], "usage": _usage(prompt_tokens, answer)})

    def _stream(
        self, model: Servable, answer: Answer, prompt_tokens: int, include_usage: bool
    ) -> Iterator[str]:
        head = self._head("chat.completion.chunk", model)
        extra = {"usage": None} if include_usage else {}

        def chunk(delta: dict[str, str], finish_reason: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
            return _event({**head, "choices": [choice], **extra})

        yield chunk({"role": "assistant", "content": ""})
        for text in answer:
            yield chunk({"content": text})
        yield chunk({}, answer.finish_reason)
        if include_usage:
            yield _event({**head, "choices": [], "usage": _usage(prompt_tokens, answer)})
        yield "data: [DONE]\n\n"


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _usage(prompt_tokens: int, answer: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": answer.tokens,
        "total_tokens": prompt_tokens + answer.tokens,
    }


# ---- what the caller wants -----------------------------------------------------------------


def parse(body: dict[str, Any]) -> Wanted:
    _refuse_unsupported(body)
    raw = body.get("messages")
    if not isinstance(raw, list) or not raw:
        raise _bad("messages", "must be a list with at least one message.")
    try:
        messages = [to_message(message) for message in raw]
    except ValueError as error:
        raise _bad("messages", f"{error}.") from error
    name = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    limit = _number(body, name, 1, 1_000_000)
    seed = _number(body, "seed", -(2**63), 2**63 - 1)
    options = body.get("stream_options") or {}
    return Wanted(
        messages=messages,
        sampling=Sampling(
            max_tokens=DEFAULT_MAX_TOKENS if limit is None else int(limit),
            temperature=_number(body, "temperature", 0, 2),
            top_p=_number(body, "top_p", 0, 1),
            seed=None if seed is None else int(seed),
        ),
        stops=_stops(body.get("stop")),
        stream=bool(body.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def _bad(param: str, why: str) -> InferenceError:
    return InferenceError(400, "invalid_value", f"Invalid value for '{param}': {why}", param)


def _refuse_unsupported(body: dict[str, Any]) -> None:
    asked = [name for name in UNSUPPORTED if body.get(name)]
    if body.get("n") not in (None, 1):
        asked.append("n")
    kind = body.get("response_format")
    if kind is not None and kind != {"type": "text"}:
        asked.append("response_format")
    if asked:
        raise InferenceError(
            400,
            "unsupported_parameter",
            f"Unsupported parameter: '{asked[0]}' is not supported with this model.",
            asked[0],
        )


def _number(body: dict[str, Any], name: str, low: float, high: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _bad(name, f"{value!r} is not a number between {low} and {high}.")
    return value


def _stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if (
        not isinstance(stops, list)
        or len(stops) > MOST_STOPS
        or not all(isinstance(stop, str) and stop for stop in stops)
    ):
        raise _bad("stop", f"must be a string or a list of at most {MOST_STOPS} strings.")
    return tuple(stops)
