"""What all operations of the data plane share: created objects, pages, request bodies.

Knows the two URL families (S-AUTH, S-V1) and nothing of files, jobs or chats.
"""

import json
import math
import secrets
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message

from .errors import ServiceError, invalid

V1 = "/openai/v1"
DATED = "/openai"
# Of JSON; files have limits of their own.
MAX_BODY_BYTES = 64 * 2**20
MAX_DIGITS = 300  # so that every number is one of Python's floats too


def new_id(prefix: str) -> str:
    """Ids are a prefix and 32 hexadecimal digits (S-FT)."""
    return f"{prefix}-{uuid.uuid4().hex}"


def new_item_id(prefix: str) -> str:
    """Of what the Responses API makes (azure-rest-api-specs#42141)."""
    return f"{prefix}_{secrets.token_hex(25)}"


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"  # 24 characters (S-OAI)


def is_v1(request: Request) -> bool:
    return request.url.path.startswith(f"{V1}/")


def created(request: Request, body: dict[str, Any]) -> JSONResponse:
    """200 in v1 (S-V1); 201 and where to find it in the dated family (S-AUTH)."""
    if is_v1(request):
        return JSONResponse(body)
    folder = request.url.path.removesuffix("/import")
    place = request.url.replace(path=f"{folder}/{body['id']}")
    return JSONResponse(body, 201, {"Location": str(place)})


def page(
    request: Request,
    items: list[dict[str, Any]],
    default_limit: int,
    most: int,
    *,
    ends: bool = False,
) -> JSONResponse:
    """The part of a list that follows the item `after`, `limit` items long, and never longer than
    `most`: whoever asks for more gets a page and `has_more`. `ends`: it names its first and its
    last item."""
    query = request.query_params
    if after := query.get("after"):
        ids = [item["id"] for item in items]
        items = items[ids.index(after) + 1 :] if after in ids else []
    limit = min(_limit(query.get("limit"), default_limit), most)
    shown = items[:limit]
    named = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if ends and shown else {}
    more = len(items) > limit
    return JSONResponse({"object": "list", "data": shown, **named, "has_more": more})


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    number = whole_number(text)
    if number is None or number < 1:
        raise invalid(f"limit must be a positive whole number, not {text!r}.")
    return number


def whole_number(text: str) -> int | None:
    """Of digits and nothing else; None for any other text."""
    digits = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if digits else None


def limited(request: Request, most: int, refusal: ServiceError) -> Request:
    """The same request; reading it raises `refusal` when its body turns out to be longer."""
    if int(request.headers.get("content-length") or 0) > most:
        raise refusal
    left = most

    async def receive() -> Message:
        nonlocal left
        message = await request.receive()
        left -= len(message.get("body", b""))
        if left < 0:  # sent in chunks, without a length
            raise refusal
        return message

    return Request(request.scope, receive)


async def json_body(request: Request, *, optional: bool = False) -> dict[str, Any]:
    refusal = ServiceError(413, "invalidPayload", "The request body is too large.")  # [inferred]
    content = await limited(request, MAX_BODY_BYTES, refusal).body()
    if optional and not content:
        return {}
    try:
        body = json.loads(content, parse_constant=_no_number, parse_float=_finite, parse_int=_short)
        # Half a surrogate pair is valid in a Python string and in no encoding.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise invalid("The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object.")
    return body


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value
