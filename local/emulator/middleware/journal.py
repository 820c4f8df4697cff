"""Middleware: one journal entry for each call to the service; calls to /_emulator leave none."""

import uuid

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.journal import Call, Journal, calling
from ..core.operations import family_of, name_of


class JournalMiddleware:
    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app, self._journal = app, journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        family = family_of(scope["path"]) if scope["type"] == "http" else None
        if family is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        method, path = request.method, request.url.path
        call = Call(name_of(method, path), family, method, path)
        written = False

        def write(status: int | None) -> None:
            # Before the first byte leaves: a client that has the answer can already read the entry.
            nonlocal written
            if not written:
                written = True
                self._journal.write({**vars(call), "status": status})

        async def send_and_write(message: Message) -> None:
            if message["type"] == "http.response.start":
                write(message["status"])
                message["headers"] = [*message.get("headers", []), _request_id(family)]
            await send(message)

        try:
            with calling(call):
                await self._app(scope, receive, send_and_write)
        finally:
            write(None)  # no answer was begun: the connection was reset


def _request_id(family: str) -> tuple[bytes, bytes]:
    """S-V1; ARM has its own name for it."""
    name = b"x-ms-request-id" if family == "arm" else b"apim-request-id"
    return name, str(uuid.uuid4()).encode()
