"""Breaking a connection on purpose, for which ASGI has no message. Knows only the server beneath.

uvicorn's `send` is a method of the object that holds the socket; it is caught here, on the outside
of the app, before middleware wraps it. Under another server nothing can be broken and a call that
should be simply ends without an answer.
"""

import asyncio
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "emulator.transport"
_NO_LINGER = struct.pack("ii", 1, 0)  # close by RST instead of FIN


class ConnectionMiddleware:
    """Outermost of all: remembers the connection of a call for as long as it lasts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner: Any = getattr(send, "__self__", None)
        scope[_KEY] = getattr(owner, "transport", None)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            # The server stops and does not wait for this answer any longer. Were the connection
            # still open, it would log the missing answer with a traceback.
            await reset(scope, receive)


async def reset(scope: Scope, receive: Receive) -> None:
    """The client sees "connection reset by peer"."""
    transport: asyncio.Transport | None = scope.get(_KEY)
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        await _wait_disconnected(receive)


async def cut(scope: Scope, receive: Receive) -> None:
    """What was sent still arrives, then the connection ends in the middle of the answer."""
    transport: asyncio.Transport | None = scope.get(_KEY)
    if transport is not None:
        transport.close()
        await _wait_disconnected(receive)


async def _wait_disconnected(receive: Receive) -> None:
    """Until the server has noticed; otherwise it logs an unfinished answer as an error."""
    while (await receive())["type"] != "http.disconnect":
        pass
