"""Chat completions in both URL families, whole or streamed. Knows no torch."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from . import connection
from .chat_request import Wanted, parse
from .deployments import Deployments
from .errors import InferenceError, ServiceError
from .language import Language, Piece
from .models import Servable
from .room import Common, Room
from .store import Document
from .wire import json_body, new_id

FAULTS = ("deployment-paused", "model-retired", "slow-first-token", "stream-cut")
# Statuses S-DOC troubleshoot-errors; the codes and words are [inferred].
PAUSED = (423, "DeploymentPaused", "The deployment is paused.")
RETIRED = (410, "ModelRetired", "The model of this deployment has been retired.")


@dataclass
class Answer:
    """An answer in the making: iterate it for its pieces, then read how it ended."""

    pieces: Iterator[Piece]
    stops: tuple[str, ...]
    max_tokens: int
    tokens: int = 0
    finish_reason: str = "stop"
    text: str = field(default="", init=False)

    def __iter__(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Text as soon as it is certain that no stop sequence begins in it, and what is known of
        the probabilities of the tokens that made it."""
        pending, likely = "", []
        for piece in self.pieces:
            self.tokens += 1
            pending += piece.text
            if piece.logprob:
                likely.append(piece.logprob)
            places = [place for stop in self.stops if (place := pending.find(stop)) >= 0]
            if places:
                yield self._said(pending[: min(places)]), likely
                return
            held = _held_back(pending, self.stops)
            if len(pending) > held:
                yield self._said(pending[: len(pending) - held]), likely
                pending, likely = pending[len(pending) - held :], []
        if self.tokens >= self.max_tokens:
            self.finish_reason = "length"
        if pending or likely:
            yield self._said(pending), likely

    def _said(self, text: str) -> str:
        self.text += text
        return text


def _held_back(text: str, stops: tuple[str, ...]) -> int:
    """Length of the longest end of the text that is the beginning of a stop sequence."""
    lengths = (n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
    return max(lengths, default=0)


class Chat(Room):
    def __init__(self, common: Common, deployments: Deployments, language: Language) -> None:
        super().__init__(common)
        self._deployments, self._language = deployments, language

    def v1_routes(self) -> list[Route]:
        return [Route("/chat/completions", self.complete_v1, methods=["POST"])]

    def dated_routes(self) -> list[Route]:
        path = "/deployments/{name}/chat/completions"
        return [Route(path, self.complete_dated, methods=["POST"])]

    # ---- endpoints ---------------------------------------------------------------------------

    async def complete_v1(self, request: Request) -> Response:
        body = await _body(request)
        return await self._complete(request, str(body.get("model")), body)

    async def complete_dated(self, request: Request) -> Response:
        body = await _body(request)
        return await self._complete(request, request.path_params["name"], body)

    # ---- inside ------------------------------------------------------------------------------

    async def _complete(self, request: Request, deployment: str, body: dict[str, Any]) -> Response:
        fault = self._faults.take(*FAULTS) or {"fault": None}
        if fault["fault"] in ("deployment-paused", "model-retired"):
            raise InferenceError(*(PAUSED if fault["fault"] == "deployment-paused" else RETIRED))
        model = self._deployments.answering(deployment)
        wanted = parse(body)
        # In a thread: the model may still be loading.
        prompt = await run_in_threadpool(self._language.prompt, wanted.messages)
        self._require_context(wanted, len(prompt))
        if fault["fault"] == "slow-first-token":
            await asyncio.sleep(fault["options"]["seconds"])
        answers = [self._answer(model, prompt, wanted, number) for number in range(wanted.choices)]
        self._journal.note("chat", deployment, "answered")
        if not wanted.stream:
            return await run_in_threadpool(self._whole, model, answers, len(prompt), wanted)
        chunks = self._stream(model, answers, len(prompt), wanted)
        return StreamingResponse(_broken(request, chunks, fault), media_type="text/event-stream")

    def _answer(self, model: Servable, prompt: list[int], wanted: Wanted, number: int) -> Answer:
        seed = wanted.sampling.seed
        sampling = replace(wanted.sampling, seed=None if seed is None else seed + number)
        pieces = self._language.generate(model.adapter, prompt, sampling)
        return Answer(pieces, wanted.stops, sampling.max_tokens)

    def _require_context(self, wanted: Wanted, prompt_tokens: int) -> None:
        room = self._language.context_length - prompt_tokens - wanted.sampling.max_tokens
        if room < 0:
            raise InferenceError(
                400,
                "context_length_exceeded",
                f"The messages take {prompt_tokens} tokens; with the answer this is {-room} more"
                " than the model's context holds.",
                "messages",
            )

    def _head(self, kind: str, model: Servable) -> dict[str, Any]:
        return {
            "id": new_id("chatcmpl"),
            "object": kind,
            "created": self._clock.seconds(),
            "model": model.name,
            # Azure's names outside, but nothing pretends: this says which model really answered.
            "system_fingerprint": self._language.fingerprint,
        }

    def _whole(
        self, model: Servable, answers: list[Answer], prompt_tokens: int, wanted: Wanted
    ) -> JSONResponse:
        choices = []
        for index, answer in enumerate(answers):
            likely = [one for _, several in answer for one in several]
            choices.append(
                {
                    "index": index,
                    "message": {"role": "assistant", "content": answer.text, "refusal": None},
                    "finish_reason": answer.finish_reason,
                    "logprobs": _logprobs(likely, wanted),
                }
            )
        head = self._head("chat.completion", model)
        return JSONResponse({**head, "choices": choices, "usage": _usage(prompt_tokens, answers)})

    def _stream(
        self, model: Servable, answers: list[Answer], prompt_tokens: int, wanted: Wanted
    ) -> Iterator[str]:
        """One choice after the other: one model can say one thing at a time."""
        head = self._head("chat.completion.chunk", model)
        extra = {"usage": None} if wanted.include_usage else {}

        def chunk(
            index: int,
            delta: dict[str, str],
            finish_reason: str | None = None,
            likely: list[dict[str, Any]] | None = None,
        ) -> str:
            choice = {
                "index": index,
                "delta": delta,
                "finish_reason": finish_reason,
                "logprobs": _logprobs(likely, wanted) if likely else None,
            }
            return _event({**head, "choices": [choice], **extra})

        for index, answer in enumerate(answers):
            yield chunk(index, {"role": "assistant", "content": ""})
            for text, likely in answer:
                yield chunk(index, {"content": text}, likely=likely)
            yield chunk(index, {}, answer.finish_reason)
        if wanted.include_usage:
            yield _event({**head, "choices": [], "usage": _usage(prompt_tokens, answers)})
        yield "data: [DONE]\n\n"


async def _body(request: Request) -> dict[str, Any]:
    try:
        return await json_body(request)
    except ServiceError as error:  # in chat's own envelope
        raise InferenceError(error.status, error.code, error.message) from error


async def _broken(request: Request, chunks: Iterator[str], fault: Document) -> AsyncIterator[str]:
    """The chunks, up to where the fault ends them."""
    left = fault["options"]["after_chunks"] if fault["fault"] == "stream-cut" else float("inf")
    async for chunk in iterate_in_threadpool(chunks):
        if left <= 0:
            await connection.cut(request.scope, request.receive)
            return
        left -= 1
        yield chunk


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _logprobs(likely: list[dict[str, Any]], wanted: Wanted) -> dict[str, Any] | None:
    if wanted.sampling.alternatives is None:
        return None
    return {"content": likely, "refusal": None}


def _usage(prompt_tokens: int, answers: list[Answer]) -> dict[str, int]:
    tokens = sum(answer.tokens for answer in answers)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": prompt_tokens + tokens,
    }
