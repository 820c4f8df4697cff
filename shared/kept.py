"""Lists that are looked at again and again: shown out of memory as long as nothing has changed.

Who looks says how old a list may be (`Cache-Control: max-age`, in seconds); nobody else gets an old
one. What this process has written makes every list of its own old at once; what another instance
has written is seen when a list is older than was allowed. Knows requests, not what is in a list.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from shared.run.context import Context

MOST_SECONDS = 60  # however much older a list may be for who asks
MOST_LISTS = 50  # that are kept
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")

Body = Callable[[Request, Context], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Kept:
    """`changes`: those that this process had made when it was made."""

    body: bytes
    etag: str
    made: datetime
    changes: int


def kept(body: Body) -> Body:
    """The answers of `body` have an ETag, and one that the caller has is not sent again."""

    @wraps(body)
    async def answer(request: Request, ctx: Context) -> Response:
        headers = {"cache-control": "private, no-cache"}
        address = f"{body.__module__}.{body.__name__}{request.path_params}?{request.query_params}"
        age = _allowed_age(request.headers.get("cache-control", ""))
        page: Kept | None = ctx.pages.get(address)
        if page is None or not _is_new(page, age, ctx):
            changes, made = _changes(ctx), ctx.now()
            response = await body(request, ctx)
            if response.status_code != 200:
                return response
            page = Kept(bytes(response.body), _etag(response.body), made, changes)
            _keep(ctx.pages, address, page)
        headers["etag"] = page.etag
        if request.headers.get("if-none-match") == page.etag:
            return Response(status_code=304, headers=headers)
        return Response(page.body, headers=headers, media_type="application/json")

    return answer


def _allowed_age(header: str) -> int:
    """In seconds; 0 for who does not say."""
    found = _MAX_AGE.search(header.lower())
    return min(int(found[1]), MOST_SECONDS) if found else 0


def _is_new(page: Kept, age: int, ctx: Context) -> bool:
    age_now = ctx.now() - page.made  # below nothing, where the clock was set back
    return page.changes == _changes(ctx) and timedelta(0) <= age_now < timedelta(seconds=age)


def _changes(ctx: Context) -> int:
    clients = ctx.clients
    return clients.runs.changes + clients.models.changes + clients.datasets.changes


def _etag(body: bytes | memoryview) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _keep(pages: dict[str, Kept], address: str, page: Kept) -> None:
    pages.pop(address, None)
    pages[address] = page
    while len(pages) > MOST_LISTS:
        del pages[next(iter(pages))]
