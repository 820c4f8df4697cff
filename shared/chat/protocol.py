"""OpenAI's wire format, as far as a relay must understand it: requests, errors, stream events.

Everything that is not named here is passed on untouched, so that tomorrow's fields work today.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from shared.chat import cost
from shared.chat.bodies import LARGE_BYTES, Overloaded
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

# Azure's own limit for a chat request is far above what a fine-tuned model's window takes.
MAX_BODY_BYTES = 4 * 2**20
MAX_MESSAGES = 2048  # Azure OpenAI quotas: "maximum number of messages in /chat/completions"
MAX_DEPTH = 64  # levels of nesting; a tool's schema has a dozen
# The parser holds the interpreter for a whole body: 4 MiB of empty lists would take a second.
MAX_VALUES = 100_000
MAX_DIGITS = 100  # of a whole number
MAX_MODEL_NAME = 200  # characters; a deployment's name has at most 64

KEEP_ALIVE = b": keep-alive\n\n"


class BadRequest(CallerError):
    """The request is not a chat request. `param` names the field that is wrong."""

    def __init__(self, message: str, fix: str, *, param: str | None = None, status: int = 400):
        super().__init__(message, fix)
        self.param = param
        self.status = status


class RateLimitExceeded(CallerError):
    """The own limit of `caller`, a key's name; `retry_after` is in seconds."""

    def __init__(self, message: str, fix: str, retry_after: float, caller: str) -> None:
        super().__init__(message, fix)
        self.retry_after, self.caller = retry_after, caller


# ---- requests


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that may be forwarded: `raw` as it came, `model` as the caller named it, about how
    many tokens it has and allows its answers, how many `answers` it asks for, and whether the
    caller asks for the usage at the end of a stream.

    It is held as bytes: parsed, 4 MiB of them may take 16 MiB or more."""

    raw: bytes
    model: str
    streams: bool
    prompt_tokens: int
    answer_tokens: int
    answers: int
    asks_usage: bool

    @property
    def size(self) -> int:
        """Of the body, in bytes."""
        return len(self.raw)

    @property
    def body(self) -> dict[str, Any]:
        """The request, parsed anew each time: it takes as long as parsing does."""
        body: dict[str, Any] = json.loads(_text(self.raw))
        return body

    def body_for(self, deployment: str, *, usage: bool = True) -> bytes:
        """The body for a deployment. Half a surrogate pair, which UTF-8 has no bytes for, is
        escaped; all else is not, for escapes may be six times as long.
        With `usage`, a stream ends with what it has cost, whether or not the caller asks for it.
        """
        body = {**self.body, "model": deployment}
        if self.streams and usage:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")


async def read_body(
    request: Request, limit: int, hold: Callable[[int], None] = lambda size: None
) -> bytes:
    """The body of a request. Raises BadRequest after `limit` bytes: the rest stays unread.
    `hold` is told how many have come, and may raise."""
    body = bytearray()
    async for chunk in request.stream():
        hold(len(body) + len(chunk))
        body += chunk
        if len(body) > limit:
            raise BadRequest(
                f"The request has more than {limit:,} bytes.", "Send less.", status=413
            )
    return bytes(body)


def parse_chat(
    body: bytes,
    model_in_path: str | None = None,
    refuse: Callable[[dict[str, Any]], None] = lambda chat: None,
) -> ChatRequest:
    """A request for the model that the path names, otherwise the body.

    Raises BadRequest for what no deployment could answer, and what `refuse` raises for a body: it
    is refused before it is sent.
    """
    chat = _parse_object(body)
    model = model_in_path or chat.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("The request names no model.", "GET /v1/models lists them.", param="model")
    if len(model) > MAX_MODEL_NAME:
        raise BadRequest(
            f"The model's name has {len(model):,} characters: {shown(model, 40)!r}.",
            f"No model's name has more than {MAX_MODEL_NAME}; GET /v1/models lists them.",
            param="model",
        )
    _check_messages(chat.get("messages"))
    streams = chat.get("stream") or False
    if not isinstance(streams, bool):
        raise BadRequest("`stream` is neither true nor false.", "Send a boolean.", param="stream")
    asks_usage = _asks_usage(chat) if streams else False
    refuse(chat)
    return ChatRequest(
        raw=body,
        model=model,
        streams=streams,
        prompt_tokens=cost.of_prompt(chat, len(body)),
        answer_tokens=cost.of_longest_answer(chat),
        answers=cost.answers(chat),
        asks_usage=asks_usage,
    )


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


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        text = _text(body)
        if len(body) > LARGE_BYTES and has_more_values(text, MAX_VALUES):
            raise BadRequest(f"The request has more than {MAX_VALUES:,} values.", "Send fewer.")
        chat = json.loads(text, parse_int=_short_int, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadRequest("The request is nested too deeply.", "Send less depth.") from None
    except ValueError:
        raise BadRequest("The body is not JSON.", "Send a chat completion request.") from None
    if not isinstance(chat, dict):
        raise BadRequest("The body is not a JSON object.", 'Send {"model": …, "messages": […]}.')
    _refuse_depth(chat)
    return chat


def _text(body: bytes) -> str:
    return body.decode(json.detect_encoding(body), "surrogatepass")


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages:
        raise BadRequest(
            "The request has no messages.",
            'Send a list of {"role": …, "content": …}.',
            param="messages",
        )
    if len(messages) > MAX_MESSAGES:
        raise BadRequest(
            f"The request has {len(messages)} messages; at most {MAX_MESSAGES} are taken.",
            "Leave out old ones.",
            param="messages",
        )
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        raise BadRequest(
            "A message is not an object with a role.",
            'Send {"role": …, "content": …}.',
            param="messages",
        )


def has_more_values(text: str, limit: int) -> bool:
    """Whether JSON has more lists, objects and members of them than that; known without parsing,
    by the signs outside of strings."""
    unescaped = text.replace(r"\\", "").replace(r"\"", "")
    if unescaped.count('"') > 4 * limit + 2:  # a member has a name and a value
        return True
    outside = "".join(unescaped.split('"')[::2])
    return sum(map(outside.count, "[{,")) > limit


def _short_int(digits: str) -> int:
    """To read and write a number takes a time that grows with the square of its digits."""
    if len(digits) > MAX_DIGITS:
        message = f"The request has a number of {len(digits):,} digits."
        raise BadRequest(message, f"At most {MAX_DIGITS} are taken: send it as a text.")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _refuse_depth(value: Any) -> None:
    layer, depth = [value], 0
    while layer := [
        inner
        for outer in layer
        for inner in (outer.values() if isinstance(outer, dict) else outer)
        if isinstance(inner, dict | list)
    ]:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadRequest(
                f"The request is nested more than {MAX_DEPTH} levels deep.", "Send less depth."
            )


# ---- errors


def code_of(error: TunedropError) -> str:
    """The stable code of an error, for callers and for metrics."""
    return _status_type_code(error)[2]


def error_response(error: TunedropError, request_id: str) -> JSONResponse:
    """An error in the shape that OpenAI's clients raise as their own exceptions."""
    status, kind, code = _status_type_code(error)
    headers = {**getattr(error, "headers", {}), "x-request-id": request_id}
    if retry_after := getattr(error, "retry_after", None):
        headers["retry-after"] = str(max(1, ceil(retry_after)))
    return JSONResponse({"error": _error_object(error, kind, code)}, status, headers)


def error_event(error: TunedropError) -> bytes:
    """The same within a stream that has begun: clients raise it and do not take it for an end."""
    _, kind, code = _status_type_code(error)
    return b"data: " + json.dumps({"error": _error_object(error, kind, code)}).encode() + b"\n\n"


def _error_object(error: TunedropError, kind: str, code: str) -> dict[str, Any]:
    param = getattr(error, "param", None)
    return {"message": str(error), "type": kind, "param": param, "code": code}


def _status_type_code(error: TunedropError) -> tuple[int, str, str]:
    match error:
        case AccessDenied():
            return 401, "authentication_error", "invalid_api_key"
        case SettingError():
            return 503, "service_unavailable_error", "settings_unreadable"
        case NotFound():
            return 404, "invalid_request_error", "model_not_found"
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
        case Unavailable() if not isinstance(error, Denied):
            return 503, "service_unavailable_error", "upstream_unavailable"
        case _:  # the app itself was refused: Denied, Refused
            return 502, "server_error", "upstream_refused"
