"""The management routes of an app in memory, over HTTP: for the command-line tool."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typer.testing import CliRunner, Result

from shared import api, delete_api, model_api
from shared.run.context import Context
from tunedrop.__main__ import cli

Body = Callable[[Request, Context], Awaitable[Response]]
ROUTES: tuple[tuple[str, str, Body], ...] = (
    ("GET", "/api/runs", api.runs),
    ("GET", "/api/runs/{id}", api.run),
    ("POST", "/api/runs/{id}/delete", delete_api.run),
    ("GET", "/api/models/{name}", model_api.model),
    ("POST", "/api/models/{name}/{order}", model_api.order),
)


@asynccontextmanager
async def served(ctx: Context, **instead: Body) -> AsyncIterator[str]:
    """The app's address. `instead`: other bodies for routes, by the names of their own."""

    def route(method: str, path: str, body: Body) -> Route:
        async def answer(request: Request) -> Response:
            return await instead.get(body.__name__, body)(request, ctx)

        return Route(path, answer, methods=[method])

    app = Starlette(routes=[route(*row) for row in ROUTES])
    config = uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def tool(address: str, *words: str, typed: str = "") -> Result:
    """What the tool says; `typed` is what a person answers to its questions."""
    asked = [*words, "--app", address]
    return await asyncio.to_thread(CliRunner().invoke, cli, asked, input=typed)
