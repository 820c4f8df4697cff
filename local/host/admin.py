"""The host's own endpoints: `/admin` and the Event Grid webhook. Calls functions on request."""

import asyncio
import json
import logging
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from azure.core.exceptions import AzureError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.host import webhook
from local.host.accounts import first_line
from local.host.blobs import BlobQueue, run_blob
from local.host.http import REASON
from local.host.index import BlobTrigger, Function, HttpTrigger, TimerTrigger
from local.host.runtime import Runtime
from local.host.timer import run_timer

log = logging.getLogger("Host.Admin")

Handler = Callable[[Request], Awaitable[Response]]


class Admin:
    def __init__(self, runtime: Runtime, queue: BlobQueue) -> None:
        self._runtime = runtime
        self._functions = {item.name: item for item in runtime.functions}
        self._queue = queue
        self._instance = str(uuid.uuid4())
        self._started = time.monotonic()
        self._background: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        table: list[tuple[str, Handler, list[str], str]] = [
            ("/admin/host/status", self._status, ["GET"], "admin"),
            ("/admin/host/ping", self._ping, ["GET", "POST"], "anonymous"),
            ("/admin/functions", self._list, ["GET"], "admin"),
            ("/admin/functions/{name}", self._one, ["GET", "POST"], "admin"),
            ("/runtime/webhooks/blobs", self._blob_event, ["GET", "POST", "OPTIONS"], "system"),
        ]
        return [
            Route(path, self._checked(handler, level), methods=methods)
            for path, handler, methods, level in table
        ]

    def _checked(self, handler: Handler, level: str) -> Handler:
        async def checked(request: Request) -> Response:
            if not self._runtime.keys.allow(request.scope, level):
                return Response(status_code=401)
            return await handler(request)

        return checked

    async def _status(self, _: Request) -> Response:
        return JSONResponse(
            {
                "id": self._runtime.settings.host_id,
                "state": "Stopping" if self._runtime.invoker.stopping.is_set() else "Running",
                "version": "4.0.0-local",
                "versionDetails": "4.0.0-local",
                "instanceId": self._instance,
                "computerName": socket.gethostname(),
                "processUptime": int((time.monotonic() - self._started) * 1000),
            }
        )

    async def _ping(self, _: Request) -> Response:
        return Response(status_code=200)

    async def _list(self, request: Request) -> Response:
        return JSONResponse([self._describe(item, request) for item in self._functions.values()])

    async def _one(self, request: Request) -> Response:
        function = self._functions.get(request.path_params["name"])
        if function is None:
            return Response(status_code=404)
        if request.method == "POST":
            return await self._invoke(function, request)
        return JSONResponse(self._describe(function, request))

    def _describe(self, function: Function, request: Request) -> dict[str, Any]:
        url = None
        if isinstance(function.trigger, HttpTrigger):
            route = "/".join(
                filter(None, (self._runtime.settings.route_prefix, function.trigger.route))
            )
            url = f"{request.base_url}{route}"
        return {
            "name": function.name,
            "language": "python",
            "isDisabled": False,
            "invoke_url_template": url,
            "config": {"name": function.name, "bindings": list(function.bindings)},
        }

    async def _invoke(self, function: Function, request: Request) -> Response:
        try:
            value = json.loads(await webhook.body_of(request))["input"]
        except (webhook.EventError, ValueError, KeyError, TypeError, RecursionError):
            value = None
        if not isinstance(value, str):
            return PlainTextResponse('The body must be {"input": "..."}.', 400)
        if isinstance(function.trigger, HttpTrigger):
            return PlainTextResponse("An HTTP function is called by its own route.", 400)
        container, _, name = value.strip("/").partition("/")
        if any("\ud800" <= character <= "\udfff" for character in name):
            return PlainTextResponse("The input has half a surrogate pair.", 400)
        if isinstance(function.trigger, BlobTrigger) and not name:
            return PlainTextResponse('The input of a blob trigger is "container/blob".', 400)
        task = asyncio.create_task(self._run(function, container, name))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return Response(status_code=202)

    async def _run(self, function: Function, container: str, name: str) -> None:
        if isinstance(function.trigger, TimerTrigger):
            await run_timer(function, self._runtime.invoker, REASON)
            return
        try:
            await run_blob(function, container, name, self._runtime, REASON)
        except AzureError as error:
            log.error("'%s' was not run: %s", function.name, first_line(error))

    async def _blob_event(self, request: Request) -> Response:
        return await webhook.receive(request, self._queue.enqueue)
