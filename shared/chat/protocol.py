"""OpenAI's wire format, as far as a relay must understand it: requests, errors, stream events.

Everything that is not named here is passed on untouched, so that tomorrow's fields work today.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from shared.chat import cost
from shared.chat.apis import CHAT, RESPONSES, Api
from shared.chat.bodies import Overloaded
from shared.chat.key_store import KeysUnknown
from shared.chat.origins import OtherSite
from shared.chat.parsing import BadRequest, parse_object, text_of
from shared.chat.paths import NoSuchOperation
from shared.chat.pictures import lift, refuse_text
from shared.chat.stored_keys import Revoked
from shared.chat.unanswered import Unanswered
from shared.errors import (
    AccessDenied,
    CallerError,
    Denied,
    NotFound,
    SettingError,
    Throttled,
    TunedropError,
    Unavailable,
)
from shared.printable import shown

MAX_MODEL_NAME = 200  # characters; a deployment's name has at most 64

# A comment without an empty line: with one, some decoders take it for an event without data.
KEEP_ALIVE = b": keep-alive\n"
CLIENT_CLOSED_REQUEST = 499  # nginx's status: nobody is there to read it
LONGEST_PAUSE_SECONDS = 86_400  # that is passed on: nobody waits for longer


class RateLimitExceeded(CallerError):
    """The own limit of `caller`, a key's name; `retry_after` is in seconds."""

    def __init__(self, message: str, fix: str, retry_after: float, caller: str) -> None:
        super().__init__(message, fix)
        self.retry_after, self.caller = retry_after, caller


class Fault(TunedropError):
    """Something in the app itself that nobody has foreseen: its log has it, its caller does not."""

    def __init__(self) -> None:
        super().__init__(
            "The app failed at this request; it is no fault of yours.",
            "Try again. Whoever runs the app finds the reason in its log by this request's id.",
        )


# ---- requests


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request of chat, or of another API, that may be forwarded: `raw` as it came, `model` as the
    caller named it, about how many tokens it has and allows its answers, how many `answers` it asks
    for, and whether the caller gets the usage at the end of a stream. `sets` are fields that are
    sent as they stand there.

    It is held as bytes: parsed, 4 MiB of text may take 16 MiB or more. Pictures are not parsed."""

    raw: bytes
    model: str
    streams: bool
    prompt_tokens: int
    answer_tokens: int
    answers: int
    asks_usage: bool
    api: Api = CHAT
    sets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Of the body, in bytes."""
        return len(self.raw)

    @property
    def body(self) -> dict[str, Any]:
        """The request, parsed anew each time: it takes as long as parsing does."""
        body: dict[str, Any] = json.loads(text_of(self.raw))
        return body

    def body_for(self, deployment: str, *, usage: bool = True) -> bytes:
        """The body for a deployment. Half a surrogate pair, which UTF-8 has no bytes for, is
        escaped; all else is not, for escapes may be six times as long.
        With `usage`, a stream ends with what it has cost, whether or not the caller asks for it.
        """
        lifted = lift(self.raw)
        body = {**json.loads(text_of(lifted.rest)), "model": deployment, **self.sets}
        if self.streams and usage and self.api.is_asked_for_usage:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        written = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return lifted.put_back(written)


async def read_body(
    request: Request, limit: int, hold: Callable[[int], None] = lambda size: None
) -> bytes:
    """The body of a request. Raises BadRequest after `limit` bytes: the rest stays unread.
    `hold` is told how many have come, and may raise."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            hold(len(body) + len(chunk))
            body += chunk
            if len(body) > limit:
                raise BadRequest(
                    f"The request has more than {limit:,} bytes.", "Send less.", status=413
                )
    except ClientDisconnect:  # nobody reads this; it is counted as what it is
        message = "The caller left before the request was there."
        raise BadRequest(message, "Send it again.", status=CLIENT_CLOSED_REQUEST) from None
    return bytes(body)


def parse_chat(
    body: bytes,
    model_in_path: str | None = None,
    refuse: Callable[[dict[str, Any]], None] = lambda chat: None,
    api: Api = CHAT,
    sets: Mapping[str, Any] = MappingProxyType({}),
) -> ChatRequest:
    """A request of an API for the model that the path names, otherwise the body.

    Raises BadRequest for what no deployment could answer, and what `refuse` raises for a body: it
    is refused before it is sent.
    """
    lifted = lift(body)
    chat = parse_object(lifted.rest)
    model = _model(model_in_path or chat.get("model"))
    api.check(chat)
    streams = chat.get("stream") or False
    if not isinstance(streams, bool):
        raise BadRequest("`stream` is neither true nor false.", "Send a boolean.", param="stream")
    asks_usage = _asks_usage(chat) if streams and api.is_asked_for_usage else streams
    refuse(chat)
    pictures = api.pictures(chat)
    size = lifted.besides(pictures)
    refuse_text(size)
    return ChatRequest(
        raw=body,
        model=model,
        streams=streams,
        prompt_tokens=cost.of_prompt(pictures, size),
        answer_tokens=api.answer_tokens(chat),
        answers=api.answers(chat),
        asks_usage=asks_usage,
        api=api,
        sets=sets,
    )


def _model(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise BadRequest("The request names no model.", "GET /v1/models lists them.", param="model")
    if len(given) > MAX_MODEL_NAME:
        raise BadRequest(
            f"The model's name has {len(given):,} characters: {shown(given, 40)!r}.",
            f"No model's name has more than {MAX_MODEL_NAME}; GET /v1/models lists them.",
            param="model",
        )
    return given


def _asks_usage(chat: dict[str, Any]) -> bool:
    """Whether the caller wants the usage of a stream. What the service would refuse is refused
    here: it gets to see another value."""
    options = chat.get("stream_options") or {}
    asks = options.get("include_usage") if isinstance(options, dict) else "?"
    if asks not in (None, True, False):
        raise BadRequest(
            "`stream_options` is not an object whose include_usage is true or false.",
            'Send {"include_usage": true}, or leave it out.',
            param="stream_options",
        )
    return asks is True


# ---- errors


def code_of(error: TunedropError) -> str:
    """The stable code of an error, for callers and for metrics."""
    return _status_type_code(error)[2]


def error_response(error: TunedropError, request_id: str) -> JSONResponse:
    """An error in the shape that OpenAI's clients raise as their own exceptions."""
    status, kind, code = _status_type_code(error)
    headers = {**getattr(error, "headers", {}), "x-request-id": request_id}
    headers.pop("retry-after", None)  # as it came; what is understood of it is sent
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        headers["retry-after"] = str(max(1, ceil(min(retry_after, LONGEST_PAUSE_SECONDS))))
    if allow := getattr(error, "allow", None):
        headers["allow"] = allow
    return JSONResponse({"error": _error_object(error, kind, code)}, status, headers)


def error_event(error: TunedropError, api: Api = CHAT, number: int = 0) -> bytes:
    """The same within a stream that has begun: clients raise it and do not take it for an end. Of
    the typed events some clients read the service's form, which nests the error, and others that
    of OpenAI's documentation, which does not: it has both. `number` is its place in the stream."""
    _, kind, code = _status_type_code(error)
    told = {"error": _error_object(error, kind, code)}
    if api is not RESPONSES:
        return b"data: " + json.dumps(told).encode() + b"\n\n"
    flat = {"code": code, "message": str(error), "param": told["error"]["param"]}
    typed = {"type": "error", "sequence_number": number, **flat, **told}
    return b"event: error\ndata: " + json.dumps(typed).encode() + b"\n\n"


def _error_object(error: TunedropError, kind: str, code: str) -> dict[str, Any]:
    param = getattr(error, "param", None)
    return {"message": str(error), "type": kind, "param": param, "code": code}


def _status_type_code(error: TunedropError) -> tuple[int, str, str]:
    match error:
        case OtherSite():
            return 403, "permission_error", "origin_not_allowed"
        case Revoked():
            return 401, "authentication_error", "key_revoked"
        case AccessDenied():
            return 401, "authentication_error", "invalid_api_key"
        case SettingError():
            return 503, "service_unavailable_error", "settings_unreadable"
        case NotFound():
            return 404, "invalid_request_error", "model_not_found"
        case NoSuchOperation(allow=allow):
            return 405 if allow else 404, "invalid_request_error", "unknown_url"
        case RateLimitExceeded():
            return 429, "rate_limit_error", "rate_limit_exceeded"
        case BadRequest(status=status):
            return status, "invalid_request_error", "invalid_request"
        case Throttled():
            return 429, "rate_limit_error", "upstream_throttled"
        case Overloaded():
            return 503, "service_unavailable_error", "overloaded"
        case Unanswered(http=http):
            return http
        case Fault():
            return 500, "server_error", "internal_error"
        case KeysUnknown():
            return 503, "service_unavailable_error", "keys_unreadable"
        case Unavailable() if not isinstance(error, Denied):
            return 503, "service_unavailable_error", "upstream_unavailable"
        case _:  # the app itself was refused: Denied, Refused
            return 502, "server_error", "upstream_refused"
