"""The app's own HTTP functions behind a real server that asks for keys as the host does.

For the command-line tool. Storage is in memory; routes are read from function_app as the Functions
host reads them. Whoever sends a token that the platform knows is signed in by it.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send
from typer.testing import CliRunner, Result

import function_app
from shared.chat.relay import Relay
from tests.support.in_process import application, signed_in
from tests.support.runs import RunHarness
from tunedrop.__main__ import cli

Result_ = TypeVar("Result_")

HOST_KEY = "the-hosts-key"
ROLES = ("chat", "reader", "operator")  # each has a key of the same name
KEYS = json.dumps(
    [
        {"name": f"{role}s", "role": role, "sha256": hashlib.sha256(role.encode()).hexdigest()}
        for role in ROLES
    ]
)


@dataclass
class Served:
    """`asked` has what came, oldest first: method and path."""

    url: str
    relay: Relay
    runs: RunHarness
    asked: list[str] = field(default_factory=list)

    async def tool(self, *words: object, typed: str = "") -> Result:
        """What the tool says; `typed` comes by its standard input."""
        return await asyncio.to_thread(
            CliRunner().invoke, cli, [str(word) for word in words], input=typed
        )

    async def in_thread(self, work: Callable[..., Result_], *arguments: object) -> Result_:
        """While the app answers."""
        return await asyncio.to_thread(work, *arguments)

    async def with_key(self, key: str, *words: object, typed: str = "") -> Result:
        return await self.tool(*words, "--app", self.url, "--key", key, typed=typed)


class _Host:
    """In front of the app: refuses calls of its keyed routes without a key, as the host does, and
    names whom it has signed in, as the platform does."""

    def __init__(self, app: Starlette, asked: list[str], people: dict[str, str]) -> None:
        self.app, self.asked, self.people = app, asked, people
        self.keyed = _keyed_routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix("/api/")
            self.asked.append(f"{scope['method']} {path}")
            headers = dict(scope["headers"])
            if path.partition("/")[0] in self.keyed and (
                headers.get(b"x-functions-key") != HOST_KEY.encode()
            ):
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            bearer = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
            if person := self.people.get(bearer):
                vouched = signed_in(person).items()
                scope["headers"] += [(name.encode(), value.encode()) for name, value in vouched]
        await self.app(scope, receive, send)


def _keyed_routes() -> set[str]:
    """First parts of paths for which the host asks a key."""
    found = set()
    for builder in function_app.app._function_builders:
        for binding in map(json.loads, builder._function.get_raw_bindings()):
            if binding["type"] == "httpTrigger" and binding.get("authLevel") != "ANONYMOUS":
                found.add(binding["route"].partition("/")[0])
    return found


@asynccontextmanager
async def served(
    monkeypatch: pytest.MonkeyPatch,
    upstream_url: str = "http://nobody",
    people: dict[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[Served]:
    """`people`: whom the platform signs in, by their tokens."""
    settings = {"TUNEDROP_APP_KEYS": KEYS, **settings}
    asked: list[str] = []
    async with application(upstream_url, monkeypatch, **settings) as (app, relay, runs):
        host = _Host(Starlette(routes=[Mount("/api", app)]), asked, people or {})
        config = uvicorn.Config(host, port=0, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
        try:
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Served(f"http://127.0.0.1:{port}", relay, runs, asked)
        finally:
            server.should_exit = True
            await task
