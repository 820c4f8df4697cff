"""Chat completions in both URL families, whole or streamed. Knows no torch."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..control_plane.deployments import Deployments
from ..control_plane.model_registry import Servable
from ..core import connection
from ..core.context import Component, Context
from ..core.errors import InferenceError, ServiceError
from ..core.protocol import json_body, new_id
from ..language.model import LanguageModel
from .chat_request import ChatRequest, parse
from .completion import Completion

FAULTS = ("deployment-paused", "model-retired", "slow-first-token", "stream-cut")
# Statuses S-DOC troubleshoot-errors; the codes and messages are [inferred].
REFUSALS: dict[str | None, tuple[int, str, str]] = {
    "deployment-paused": (423, "DeploymentPaused", "The deployment is paused."),
    "model-retired": (410, "ModelRetired", "The model of this deployment has been retired."),
}


class Chat(Component):
    def __init__(self, context: Context, deployments: Deployments, language: LanguageModel) -> None:
        super().__init__(context)
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
        fault = self._faults.trigger(*FAULTS)
        name = fault.fault if fault else None
        if name in REFUSALS:
            raise InferenceError(*REFUSALS[name])
        model = self._deployments.answering(deployment)
        chat = parse(body)
        # In a thread: the model may still be loading.
        prompt = await run_in_threadpool(self._language.prompt, chat.messages)
        self._check_context(chat, len(prompt))
        if fault and name == "slow-first-token":
            await asyncio.sleep(fault.options["seconds"])
        answers = [self._answer(model, prompt, chat, number) for number in range(chat.choices)]
        self._journal.add_effect("chat", deployment, "answered")
        if not chat.stream:
            return await run_in_threadpool(self._whole, model, answers, len(prompt), chat)
        chunks = self._stream(model, answers, len(prompt), chat)
        most = fault.options["after_chunks"] if fault and name == "stream-cut" else float("inf")
        return StreamingResponse(_cut_short(request, chunks, most), media_type="text/event-stream")

    def _answer(
        self, model: Servable, prompt: list[int], chat: ChatRequest, number: int
    ) -> Completion:
        seed = chat.sampling.seed
        sampling = replace(chat.sampling, seed=None if seed is None else seed + number)
        pieces = self._language.generate(model.adapter, prompt, sampling)
        return Completion(pieces, chat.stops, sampling.max_tokens)

    def _check_context(self, chat: ChatRequest, prompt_tokens: int) -> None:
        left = self._language.context_length - prompt_tokens - chat.sampling.max_tokens
        if left < 0:
            raise InferenceError(
                400,
                "context_length_exceeded",
                f"The messages take {prompt_tokens} tokens; with the answer this is {-left} more"
                " than the model's context holds.",
                "messages",
            )

    def _head(self, kind: str, model: Servable) -> dict[str, Any]:
        return {
            "id": new_id("chatcmpl"),
            "object": kind,
            "created": self._clock.seconds(),
            "model": model.name,
            # The model has Azure's name; this says which model really answered.
            "system_fingerprint": self._language.fingerprint,
        }

    def _whole(
        self, model: Servable, answers: list[Completion], prompt_tokens: int, chat: ChatRequest
    ) -> JSONResponse:
        choices = []
        for index, answer in enumerate(answers):
            logprobs = [one for _, several in answer for one in several]
            choices.append(
                {
                    "index": index,
                    "message": {"role": "assistant", "content": answer.text, "refusal": None},
                    "finish_reason": answer.finish_reason,
                    "logprobs": _logprobs(logprobs, chat),
                }
            )
        head = self._head("chat.completion", model)
        return JSONResponse({**head, "choices": choices, "usage": _usage(prompt_tokens, answers)})

    def _stream(
        self, model: Servable, answers: list[Completion], prompt_tokens: int, chat: ChatRequest
    ) -> Iterator[str]:
        """One choice after the other: the model generates one answer at a time."""
        head = self._head("chat.completion.chunk", model)
        extra = {"usage": None} if chat.include_usage else {}

        def chunk(
            index: int,
            delta: dict[str, str],
            finish_reason: str | None = None,
            logprobs: list[dict[str, Any]] | None = None,
        ) -> str:
            choice = {
                "index": index,
                "delta": delta,
                "finish_reason": finish_reason,
                "logprobs": _logprobs(logprobs, chat) if logprobs else None,
            }
            return _event({**head, "choices": [choice], **extra})

        for index, answer in enumerate(answers):
            yield chunk(index, {"role": "assistant", "content": ""})
            for text, logprobs in answer:
                yield chunk(index, {"content": text}, logprobs=logprobs)
            yield chunk(index, {}, answer.finish_reason)
        if chat.include_usage:
            yield _event({**head, "choices": [], "usage": _usage(prompt_tokens, answers)})
        yield "data: [DONE]\n\n"


async def _body(request: Request) -> dict[str, Any]:
    try:
        return await json_body(request)
    except ServiceError as error:  # in chat's own envelope
        raise InferenceError(error.status, error.code, error.message) from error


async def _cut_short(request: Request, chunks: Iterator[str], most: float) -> AsyncIterator[str]:
    """So many chunks; after them the connection is broken off."""
    async for chunk in iterate_in_threadpool(chunks):
        if most <= 0:
            await connection.cut(request.scope, request.receive)
            return
        most -= 1
        yield chunk


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _logprobs(logprobs: list[dict[str, Any]], chat: ChatRequest) -> dict[str, Any] | None:
    if chat.sampling.top_logprobs is None:
        return None
    return {"content": logprobs, "refusal": None}


def _usage(prompt_tokens: int, answers: list[Completion]) -> dict[str, int]:
    tokens = sum(answer.tokens for answer in answers)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": prompt_tokens + tokens,
    }
