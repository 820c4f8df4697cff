"""HTTP functions: finds the route, calls the function, sends its response chunk by chunk.

In Azure the request reaches the worker through a proxy; here function and server share one event
loop, and the function sees the same request and answers with the same response objects.
"""

import asyncio
import logging
from typing import Any

from fastapi.encoders import jsonable_encoder
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from local.host.index import Function, HttpTrigger, extensions
from local.host.routes import Route, compile_route, decoded_path
from local.host.runtime import Runtime

log = logging.getLogger("Host.Http")

BODY_LIMIT = 104_857_600  # FUNCTIONS_REQUEST_BODY_SIZE_LIMIT of the real host
REASON = "This function was programmatically called via the host APIs."
HOME = "Your Functions 4.0 app is up and running (local host).\n"


class HttpFunctions:
    """An ASGI application made of the app's HTTP functions."""

    def __init__(self, runtime: Runtime) -> None:
        prefix = runtime.settings.route_prefix
        table = [
            (compile_route(f"{prefix}/{trigger.route.strip('/')}".strip("/")), item, trigger)
            for item, trigger in runtime.http()
        ]
        self._table = sorted(table, key=lambda row: row[0].precedence)
        self._keys, self._invoker = runtime.keys, runtime.invoker

    @property
    def routes(self) -> list[tuple[Route, Function, HttpTrigger]]:
        return self._table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._refusal(scope)
        if response is not None:
            await response(scope, receive, send)
            return
        path, method = (
            decoded_path(scope.get("raw_path") or scope["path"].encode()),
            scope["method"],
        )
        for route, function, trigger in self._table:
            # A route with other methods does not match at all: the end is 404, never 405.
            if trigger.methods and method not in trigger.methods:
                continue
            if (values := route.match(path)) is not None:
                if self._keys.allow(scope, trigger.auth_level):
                    await self._run(function, {**scope, "path_params": values}, receive, send)
                else:
                    await Response(status_code=401)(scope, receive, send)
                return
        home = PlainTextResponse(HOME) if scope["path"] == "/" else Response(status_code=404)
        await home(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if self._invoker.stopping.is_set():
            return Response(status_code=503, headers={"connection": "close"})
        length = Request(scope).headers.get("content-length", "")
        if length.isdigit() and int(length) > BODY_LIMIT:
            return Response(status_code=413, headers={"connection": "close"})
        return None

    async def _run(self, function: Function, scope: Scope, receive: Receive, send: Send) -> None:
        """The invocation lasts until the answer is sent, as it does through the real proxy."""
        started = False

        async def tracked_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        limited = _limited(receive)
        try:
            async with self._invoker.invocation(function, REASON) as invocation_id:
                # The proxy's header, by which the real worker finds the request of an invocation.
                header = (b"x-ms-invocation-id", invocation_id.encode())
                scope["headers"] = [*scope["headers"], header]
                request = _request(scope, limited, send)
                response = _response(await self._invoker.call(function, request, invocation_id))
                await response(scope, limited, tracked_send)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - logged by the invocation
            if not started:
                await _failure(error)(scope, receive, send)
            # Otherwise the answer stays incomplete, and the client sees a broken connection.


def _request(scope: Scope, receive: Receive, send: Send) -> Any:
    base = extensions()
    assert base is not None  # without it no HTTP function is taken
    return base.RequestTrackerMeta.get_request_type()(scope, receive, send)


def _response(result: Any) -> Response:
    """The extension's server is a FastAPI route, which encodes any other value as JSON."""
    return result if isinstance(result, Response) else JSONResponse(jsonable_encoder(result))


def _failure(error: Exception) -> Response:
    if isinstance(error, HTTPException):  # FastAPI's own handler, also in Azure
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)
    return PlainTextResponse("Internal Server Error", 500)


def _limited(receive: Receive) -> Receive:
    """Stop a body that was sent in chunks, without a length, at the same limit."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > BODY_LIMIT:
            raise HTTPException(413, "Request body too large.")
        return message

    return counted
