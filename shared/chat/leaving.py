"""A caller who leaves before the answer: the work for it ends then. Knows no chats."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

T = TypeVar("T")


async def unless_caller_left(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of the work, or None if the caller left first, which also ends the work."""
    done = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({done, left}, return_when=asyncio.FIRST_COMPLETED)
        return await done if done.done() else None
    finally:
        for task in (done, left):
            if not task.done():
                task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
