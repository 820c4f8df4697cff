"""What every call to a model goes through, in whatever form it asks: which model answers, whether
there is room for it, what the headers tell, and the end of an answer whose client has gone.

Knows no form of a request or of an answer, and no torch.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..control_plane.catalog import base_of
from ..control_plane.deployments import Deployments, model_retired
from ..control_plane.model_registry import Servable
from ..core import connection
from ..core.context import Component, Context
from ..core.errors import GatewayError, InferenceError, ServiceError
from ..core.faults import Fault
from ..core.protocol import json_body
from ..core.regions import REGIONS
from ..language.answer_queue import AnswerQueue
from ..language.generation import (
    GenerationFailed,
    GenerationRequest,
    Overloaded,
    SamplingOptions,
    Stopping,
)
from ..language.model import LanguageModel

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


@dataclass(frozen=True)
class Admitted:
    """A call that a model will answer; `fault`: what strikes it on the way."""

    deployment: str
    model: Servable
    fault: Fault | None

    def option(self, fault: str, name: str) -> Any:
        """Of that fault, if it is the one that strikes."""
        struck = self.fault is not None and self.fault.fault == fault
        return self.fault.options[name] if struck and self.fault else None


class Answer(Protocol):
    """One answer in one of the forms of the API, while it is generated."""

    queue: AnswerQueue

    async def whole(self) -> dict[str, Any]: ...

    def stream(self) -> AsyncIterator[str]: ...


class Inference(Component):
    def __init__(self, context: Context, deployments: Deployments, language: LanguageModel) -> None:
        super().__init__(context)
        self._deployments, self.language = deployments, language

    def admit(self, deployment: str, operation: str) -> Admitted:
        """Raises ServiceError if nothing answers under this name, now, or not to this."""
        fault = self._faults.trigger(*FAULTS)
        if fault and fault.fault == "deployment-paused":
            raise InferenceError(*PAUSED)
        if fault and fault.fault == "model-retired":
            raise model_retired()
        model = self._deployments.answering(deployment)
        base = base_of(model.name)
        if base is not None and operation not in base.operations:
            raise _wrong_operation(operation, base.name)
        return Admitted(deployment, model, fault)

    def room(self, prompt_tokens: int, sampling: SamplingOptions, limited: bool) -> SamplingOptions:
        """The same, with no more tokens than fit, if the caller named no number of them (as the
        service does). Raises InferenceError if there is no room."""
        length = self.language.context_length
        left = length - prompt_tokens
        if left < 1 or (limited and left < sampling.max_tokens):
            raise too_long(length, prompt_tokens, sampling.max_tokens if limited else 0)
        return replace(sampling, max_tokens=min(sampling.max_tokens, left))

    async def ask(
        self, admitted: Admitted, prompts: list[list[int]], sampling: SamplingOptions, each: int = 1
    ) -> tuple[AnswerQueue, dict[str, str]]:
        """So many answers to each prompt, as they are generated, and the headers of the call."""
        # Tokens as the service estimates them: with all that the answers may have (S-DOC quota).
        tokens = sum(map(len, prompts)) + len(prompts) * each * sampling.max_tokens
        headers = self.headers(admitted.deployment, tokens)
        if seconds := admitted.option("slow-first-token", "seconds"):
            await asyncio.sleep(seconds)
        every = [prompt for prompt in prompts for _ in range(each)]
        return self._generate(admitted.model, every, sampling), headers

    def note(self, kind: str, admitted: Admitted) -> None:
        self._journal.add_effect(kind, admitted.deployment, "answered")

    async def respond(
        self,
        request: Request,
        admitted: Admitted,
        answer: Answer,
        headers: dict[str, str],
        *,
        stream: bool,
    ) -> Response:
        if not stream:
            return await _whole(request, answer, headers)
        chunks = answer.stream()
        if (most := admitted.option("stream-cut", "after_chunks")) is not None:
            chunks = _cut_short(request, chunks, most)
        return _Stream(answer.queue, chunks, headers)

    def headers(self, deployment: str, tokens: int) -> dict[str, str]:
        """S-HEADERS."""
        return {
            "x-request-id": str(uuid.uuid4()),
            "x-ms-region": REGIONS[self._settings.current.location].title,
            **self._deployments.rate_headers(deployment, tokens),
        }

    # ---- inside ------------------------------------------------------------------------------

    def _generate(
        self, model: Servable, prompts: list[list[int]], sampling: SamplingOptions
    ) -> AnswerQueue:
        seed = sampling.seed
        requests = [
            GenerationRequest(
                model.adapter,
                prompt,
                replace(sampling, seed=None if seed is None else seed + number),
            )
            for number, prompt in enumerate(prompts)
        ]
        try:
            return self.language.generate(requests, self._settings.current.chat_limit)
        except Overloaded as error:
            message = OVERLOADED.format(OVERLOADED_SECONDS)
            overloaded = InferenceError(429, "429", message)
            overloaded.headers = {"Retry-After": str(OVERLOADED_SECONDS)}
            raise overloaded from error
        except Stopping as error:
            raise refusal(error) from error


def _wrong_operation(operation: str, model: str) -> ServiceError:
    """In the service's words and its two keys (langchainjs#1510, graphrag#1557)."""
    message = f"The {operation} operation does not work with the specified model, {model}. Please"
    message += " choose different model and try again. You can learn more about which models can be"
    message += " used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993."
    return GatewayError(400, "OperationNotSupported", message)


def refusal(error: GenerationFailed) -> InferenceError:
    """Both codes [inferred]."""
    if isinstance(error, Stopping):
        return InferenceError(503, "serviceUnavailable", str(error))
    return InferenceError(500, "internalFailure", str(error))


def too_long(length: int, prompt_tokens: int, answer_tokens: int) -> InferenceError:
    """In OpenAI's own words, by which clients know that they have to shorten (deer-flow#310,
    obsidian-copilot#155)."""
    limit = f"This model's maximum context length is {length} tokens. However,"
    message = f"{limit} your messages resulted in {prompt_tokens} tokens. Please reduce the length"
    message += " of the messages."
    if answer_tokens and prompt_tokens <= length:
        message = (
            f"{limit} you requested {prompt_tokens + answer_tokens} tokens ({prompt_tokens} in the"
            f" messages, {answer_tokens} in the completion). Please reduce the length of the"
            " messages or completion."
        )
    return InferenceError(400, "context_length_exceeded", message, "messages")


async def body_of(request: Request) -> dict[str, Any]:
    try:
        return await json_body(request)
    except ServiceError as error:  # in the envelope of everything that asks a model
        raise InferenceError(error.status, error.code, error.message) from error


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


async def _whole(request: Request, answer: Answer, headers: dict[str, str]) -> Response:
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
