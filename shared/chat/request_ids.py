"""The ids of requests: a caller's own, or one that is made here and tells when the request came.

One of ours is `req-` and a UUID of version 7 in hex (RFC 9562, 5.7): milliseconds, then chance.
"""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

REQUEST_ID = re.compile(r"[A-Za-z0-9._:=+/-]{1,128}")  # of a caller; others are replaced
OF_CLIENTS = ("x-client-request-id", "x-ms-client-request-id")  # OpenAI's word, and Azure's
_OURS = re.compile(r"req-([0-9a-f]{12})7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


def request_id(request: Request, now: Callable[[], datetime] = utc_now) -> str:
    """The caller's, if it can be told in headers and logs; otherwise a new one."""
    given = (request.headers.get(name, "") for name in ("x-request-id", *OF_CLIENTS))
    return next(filter(REQUEST_ID.fullmatch, given), None) or new(now())


def echoed(request: Request) -> dict[str, str]:
    """The headers by which clients find their own name for a request in its answer."""
    given = {name: request.headers.get(name, "") for name in OF_CLIENTS}
    return {name: id for name, id in given.items() if REQUEST_ID.fullmatch(id)}


def new(at: datetime) -> str:
    chance = f"7{secrets.randbits(12):03x}{8 + secrets.randbits(2):x}{secrets.randbits(60):015x}"
    return f"req-{(at - _BEGIN) // timedelta(milliseconds=1):012x}{chance}"


def came_at(id: str) -> datetime | None:
    """When a request came, by an id that has the form of ours. A caller may have made it up."""
    ours = _OURS.fullmatch(id)
    if ours is None:
        return None
    try:
        return _BEGIN + timedelta(milliseconds=int(ours[1], 16))
    except OverflowError:
        return None
