"""From a chat request to the answer of the right deployment, byte for byte as it comes.

Knows OpenAI's wire format and the models' names; a caller never chooses a host or a path.
"""

import json
import time
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from shared.chat.access import admit
from shared.cloud import Cloud
from shared.errors import AccessDenied, CallerError, NotFound, TunedropError, Unavailable
from shared.model.registry import Model, Registry

FRESH_SECONDS = 5  # how long a model's record may be used before it is read again
PASSED_ON = ("content-type", "retry-after", "retry-after-ms", "apim-request-id")


class BadRequest(CallerError):
    """The request is not a chat request."""


class Relay:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._known: dict[str, tuple[float, Model]] = {}

    async def complete(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        request_id = request.headers.get("x-request-id") or f"req-{uuid4().hex}"
        try:
            admit(request.headers, self.cloud.settings.app_keys)
            body = _chat(await request.body())
            served_by, deployment = await self._deployment(body["model"])
            reply = await self.cloud.completions.send({**body, "model": deployment})
        except TunedropError as error:
            return openai_error(error, request_id)
        passed_on = {name: reply.headers[name] for name in PASSED_ON if name in reply.headers}
        headers = {**passed_on, "x-request-id": request_id, "x-tunedrop-model": served_by}
        return StreamingResponse(reply.chunks, reply.status, headers)

    async def models(self, request: Request) -> Response:
        """GET /v1/models: what may be put into `model`."""
        try:
            admit(request.headers, self.cloud.settings.app_keys)
            ids = [*await self._served(), *self.cloud.settings.base_deployments]
        except TunedropError as error:
            return openai_error(error, "")
        data = [{"id": id, "object": "model", "created": 0, "owned_by": "tunedrop"} for id in ids]
        return JSONResponse({"object": "list", "data": data})

    async def _deployment(self, asked: str) -> tuple[str, str]:
        """What answers to a name (as a header tells the caller), and its deployment.

        `NAME` is the model's champion, `NAME@7` that version, otherwise an allowed base model.
        """
        if asked in self.cloud.settings.base_deployments:
            return asked, asked
        name, _, number = asked.partition("@")
        model = await self._model(name)
        if model is None:
            raise await self._unknown(asked)
        if number and not number.isdigit():
            raise NotFound(f"{asked!r} does not name a version.", f"Write {name}@1, for example.")
        wanted = int(number) if number else model.champion
        if wanted is None:
            raise Unavailable(
                f"{name} is being made: no version of it serves yet.",
                f"See GET /api/runs?model={name} and try again.",
                code="model_not_ready",
                retry_after=30,
            )
        return f"{name}@{wanted}", model.version(wanted).deployment

    async def _model(self, name: str) -> Model | None:
        read_at, model = self._known.get(name, (0.0, None))
        if model is None or time.monotonic() - read_at > FRESH_SECONDS:
            model = await Registry(self.cloud.models).load(name)
            if model and model.champion:
                self._known[name] = (time.monotonic(), model)
        return model

    async def _served(self) -> list[str]:
        models = await Registry(self.cloud.models).all()
        return [model.name for model in models if model.champion]

    async def _unknown(self, asked: str) -> NotFound:
        known = [*await self._served(), *self.cloud.settings.base_deployments]
        near = get_close_matches(asked, known, n=3) or known[:3]
        hint = f"Did you mean {', '.join(near)}?" if near else "No model serves yet."
        return NotFound(f"There is no model {asked!r}.", hint)


def openai_error(error: TunedropError, request_id: str) -> JSONResponse:
    """An error in the shape that OpenAI's clients raise as their own exceptions."""
    status, kind, code = _classified(error)
    headers = {"x-request-id": request_id}
    if isinstance(error, Unavailable) and error.retry_after:
        headers["retry-after"] = str(round(error.retry_after))
    body = {"message": str(error), "type": kind, "param": None, "code": code}
    return JSONResponse({"error": body}, status, headers)


def _classified(error: TunedropError) -> tuple[int, str, str]:
    match error:
        case AccessDenied():
            return 401, "authentication_error", "invalid_api_key"
        case NotFound():
            return 404, "invalid_request_error", "model_not_found"
        case BadRequest():
            return 400, "invalid_request_error", "invalid_request"
        case Unavailable(code=code):
            return 503, "service_unavailable_error", code or "upstream_unavailable"
        case _:
            return 500, "server_error", "internal_error"


def _chat(body: bytes) -> dict[str, Any]:
    try:
        chat = json.loads(body)
    except ValueError:
        raise BadRequest("The body is not JSON.", "Send a chat completion request.") from None
    if not isinstance(chat, dict) or not isinstance(chat.get("model"), str):
        raise BadRequest("The body names no model.", 'Send {"model": NAME, "messages": […]}.')
    return chat
