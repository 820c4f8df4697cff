"""Breaking a connection on purpose, which ASGI has no word for. Knows only the server beneath.

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
_LINGER_NOT = struct.pack("ii", 1, 0)  # close by RST instead of FIN


class Breakable:
    """Outermost of all: remembers the connection of a call for as long as it lasts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner: Any = getattr(send, "__self__", None)
        scope[_KEY] = getattr(owner, "transport", None)
        await self._app(scope, receive, send)


async def reset(scope: Scope, receive: Receive) -> None:
    """The client sees "connection reset by peer"."""
    transport: asyncio.Transport | None = scope.get(_KEY)
    if transport is not None:
        plug = transport.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
        await _gone(receive)


async def cut(scope: Scope, receive: Receive) -> None:
    """What was sent still arrives, then the connection ends in the middle of the answer."""
    transport: asyncio.Transport | None = scope.get(_KEY)
    if transport is not None:
        transport.close()
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Until the server knows it too; it would otherwise complain of an unfinished answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
