"""Chat completions in both URL families, whole or streamed. Knows no torch."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..control_plane.deployments import Deployments, model_retired
from ..control_plane.model_registry import Servable
from ..core import connection
from ..core.context import Component, Context
from ..core.errors import InferenceError, ServiceError
from ..core.protocol import json_body, new_id
from ..core.regions import REGIONS
from ..language.answer_queue import AnswerQueue
from ..language.generation import GenerationRequest, Overloaded, Stopping
from ..language.model import LanguageModel
from .chat_answer import ChatAnswer, refusal
from .chat_request import ChatRequest, parse

FAULTS = ("deployment-paused", "model-retired", "slow-first-token", "stream-cut")
# S-DOC troubleshoot-errors; code and message are [inferred].
PAUSED = (423, "DeploymentPaused", "The deployment is paused.")
# The service's words when it is over its capacity (pollinations#6260, seen 2025-12), and its pause.
OVERLOADED = (
    "The system is currently experiencing high demand and cannot process your request. Please retry"
    " after {} seconds."
)
OVERLOADED_SECONDS = 20
CLIENT_GONE = 499  # nginx's number for it; nobody reads it but the journal


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
        if name == "deployment-paused":
            raise InferenceError(*PAUSED)
        if name == "model-retired":
            raise model_retired()
        model = self._deployments.answering(deployment)
        chat = parse(body)
        prompt = await self._language.prompt(chat.messages)
        self._check_context(chat, len(prompt))
        headers = self._headers(deployment, chat, len(prompt))
        if fault and name == "slow-first-token":
            await asyncio.sleep(fault.options["seconds"])
        queue = self._generate(model, prompt, chat)
        self._journal.add_effect("chat", deployment, "answered")
        asynchronous = self._settings.current.asynchronous_filter
        answer = ChatAnswer(self._head(model), chat, len(prompt), queue, asynchronous)
        if not chat.stream:
            return await _whole(request, answer, headers)
        most = fault.options["after_chunks"] if fault and name == "stream-cut" else float("inf")
        return _Stream(queue, _cut_short(request, answer.stream(), most), headers)

    def _generate(self, model: Servable, prompt: list[int], chat: ChatRequest) -> AnswerQueue:
        seed = chat.sampling.seed
        requests = [
            GenerationRequest(
                model.adapter,
                prompt,
                replace(chat.sampling, seed=None if seed is None else seed + number),
            )
            for number in range(chat.choices)
        ]
        try:
            return self._language.generate(requests, self._settings.current.chat_limit)
        except Overloaded as error:
            message = OVERLOADED.format(OVERLOADED_SECONDS)
            overloaded = InferenceError(429, "429", message)
            overloaded.headers = {"Retry-After": str(OVERLOADED_SECONDS)}
            raise overloaded from error
        except Stopping as error:
            raise refusal(error) from error

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

    def _headers(self, deployment: str, chat: ChatRequest, prompt_tokens: int) -> dict[str, str]:
        """S-HEADERS. Tokens are counted as the service estimates them: with all that the answer
        may have (S-DOC quota)."""
        tokens = prompt_tokens + chat.choices * chat.sampling.max_tokens
        return {
            "x-request-id": str(uuid.uuid4()),
            "x-ms-region": REGIONS[self._settings.current.location].title,
            **self._deployments.rate_headers(deployment, tokens),
        }

    def _head(self, model: Servable) -> dict[str, Any]:
        return {
            "id": new_id("chatcmpl"),
            "created": self._clock.seconds(),
            "model": model.name,
            # The model has Azure's name; this says which model really answered.
            "system_fingerprint": self._language.fingerprint,
        }


class _Stream(StreamingResponse):
    """However it ends, also when its client has gone: nothing more is generated for it."""

    def __init__(
        self, queue: AnswerQueue, chunks: AsyncIterator[str], headers: dict[str, str]
    ) -> None:
        super().__init__(chunks, headers=headers, media_type="text/event-stream")
        self._queue = queue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._queue.cancel()


async def _whole(request: Request, answer: ChatAnswer, headers: dict[str, str]) -> Response:
    """The answer, unless its client goes before it is complete."""
    body, gone = asyncio.create_task(answer.whole()), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({body, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not body.done():
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(body.result(), headers=headers)
    finally:
        answer.queue.cancel()
        body.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> dict[str, Any]:
    try:
        return await json_body(request)
    except ServiceError as error:  # in chat's own envelope
        raise InferenceError(error.status, error.code, error.message) from error


async def _cut_short(
    request: Request, chunks: AsyncIterator[str], most: float
) -> AsyncIterator[str]:
    """So many chunks; after them the connection is broken off."""
    async for chunk in chunks:
        if most <= 0:
            await connection.cut(request.scope, request.receive)
            return
        most -= 1
        yield chunk
