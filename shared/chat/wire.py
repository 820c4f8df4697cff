"""OpenAI's wire format, as far as a relay must understand it: requests, errors, stream events.

Everything that is not named here is passed on untouched, so that tomorrow's fields work today.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from shared.errors import AccessDenied, CallerError, NotFound, TunedropError, Unavailable

# Azure's own limit for a chat request is far above what a fine-tuned model's window takes.
MOST_BYTES = 4 * 2**20
MOST_MESSAGES = 2048  # Azure OpenAI quotas: "maximum number of messages in /chat/completions"
DEEPEST = 64  # levels of nesting; a tool's schema has a dozen

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]"


class BadRequest(CallerError):
    """The request is not a chat request. `param` names the field that is wrong."""

    def __init__(self, message: str, fix: str, *, param: str | None = None, status: int = 400):
        super().__init__(message, fix)
        self.param = param
        self.status = status


class LimitReached(CallerError):
    """The caller's own limit; `retry_after` is in seconds."""

    def __init__(self, message: str, fix: str, retry_after: float) -> None:
        super().__init__(message, fix)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat request that may be forwarded: `body` as it came, `model` as the caller named it."""

    body: dict[str, Any]
    model: str
    streams: bool
    size: int

    def to(self, deployment: str) -> bytes:
        """The body for a deployment. Escaped, so that half a surrogate pair survives as well."""
        return json.dumps({**self.body, "model": deployment}).encode()


def read_chat(body: bytes, model_in_path: str | None = None) -> Chat:
    """A request for the model that the path names, otherwise the body.

    Raises BadRequest for what no deployment could answer: it is refused before it is sent.
    """
    if len(body) > MOST_BYTES:
        raise BadRequest(
            f"The request has {len(body):,} bytes; at most {MOST_BYTES:,} are taken.",
            "Send less.",
            status=413,
        )
    try:
        chat = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadRequest("The request is nested too deeply.", "Send less depth.") from None
    except ValueError:
        raise BadRequest("The body is not JSON.", "Send a chat completion request.") from None
    if not isinstance(chat, dict):
        raise BadRequest("The body is not a JSON object.", 'Send {"model": …, "messages": […]}.')
    _refuse_depth(chat)
    model, messages = model_in_path or chat.get("model"), chat.get("messages")
    if not isinstance(model, str) or not model:
        raise BadRequest("The request names no model.", "GET /v1/models lists them.", param="model")
    if not isinstance(messages, list) or not messages:
        raise BadRequest(
            "The request has no messages.",
            'Send a list of {"role": …, "content": …}.',
            param="messages",
        )
    if len(messages) > MOST_MESSAGES:
        raise BadRequest(
            f"The request has {len(messages)} messages; at most {MOST_MESSAGES} are taken.",
            "Leave out old ones.",
            param="messages",
        )
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        raise BadRequest(
            "A message is not an object with a role.",
            'Send {"role": …, "content": …}.',
            param="messages",
        )
    if not isinstance(streams := chat.get("stream") or False, bool):
        raise BadRequest("`stream` is neither true nor false.", "Send a boolean.", param="stream")
    return Chat(chat, model, streams, len(body))


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
        if depth > DEEPEST:
            raise BadRequest(
                f"The request is nested more than {DEEPEST} levels deep.", "Send less depth."
            )


# ---- errors


def error_response(error: TunedropError, request_id: str) -> JSONResponse:
    """An error in the shape that OpenAI's clients raise as their own exceptions."""
    status, kind, code = _classified(error)
    headers = {"x-request-id": request_id}
    if retry_after := getattr(error, "retry_after", None):
        headers["retry-after"] = str(max(1, round(retry_after)))
    return JSONResponse({"error": _error(error, kind, code)}, status, headers)


def error_event(error: TunedropError) -> bytes:
    """The same within a stream that has begun: clients raise it and do not take it for an end."""
    _, kind, code = _classified(error)
    return b"data: " + json.dumps({"error": _error(error, kind, code)}).encode() + b"\n\n"


def _error(error: TunedropError, kind: str, code: str) -> dict[str, Any]:
    param = getattr(error, "param", None)
    return {"message": str(error), "type": kind, "param": param, "code": code}


def _classified(error: TunedropError) -> tuple[int, str, str]:
    match error:
        case AccessDenied():
            return 401, "authentication_error", "invalid_api_key"
        case NotFound():
            return 404, "invalid_request_error", "model_not_found"
        case LimitReached():
            return 429, "rate_limit_error", "rate_limit_exceeded"
        case BadRequest(status=status):
            return status, "invalid_request_error", "invalid_request"
        case Unavailable(code="429"):
            return 429, "rate_limit_error", "upstream_throttled"
        case Unavailable(code=code):
            return 503, "service_unavailable_error", code or "upstream_unavailable"
        case _:
            return 502, "server_error", "upstream_refused"


# ---- what an answer cost

_TOTAL = re.compile(rb'"total_tokens"\s*:\s*(\d+)')


def tokens_used(tail: bytes, events: int) -> int:
    """Tokens of an answer: by its own account in `tail`, or about one for each stream event."""
    told = _TOTAL.findall(tail)
    return int(told[-1]) if told else events
