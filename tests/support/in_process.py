"""The app's own HTTP functions within the test's process: real requests, storage in memory.

Routes are read from function_app as the Functions host reads them, so none is forgotten. Chats go
to a real server, which a test brings along.
"""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

import function_app
from shared.chat.relay import Relay
from shared.model.registry import Registry, Version
from shared.settings import Settings
from tests.support.decided import BY_RUN
from tests.support.runs import RunHarness
from tests.support.settings import BY_HAND, ENVIRON

KEY = "in-process"
METERED = "metered"  # a key with a limit of tokens, where a test sets one


def signed_in(person: str, tenant: str = "our-tenant") -> dict[str, str]:
    """The headers by which the platform names somebody who has signed in."""
    claims = {"claims": [{"typ": "tid", "val": tenant}]}
    return {
        "x-ms-client-principal": base64.b64encode(json.dumps(claims).encode()).decode(),
        "x-ms-client-principal-id": person,
    }


def settings(upstream_url: str, **more: str) -> Settings:
    keys = [
        {"name": "web", "sha256": hashlib.sha256(KEY.encode()).hexdigest()},
        {
            "name": "metered",
            "sha256": hashlib.sha256(METERED.encode()).hexdigest(),
            "tokens_per_minute": 10_000,
        },
    ]
    chat = {
        "AZURE_OPENAI_ENDPOINT": upstream_url,
        "AZURE_OPENAI_API_KEY": "the-resource-key",
        "TUNEDROP_APP_KEYS": json.dumps(keys),
        "TUNEDROP_BASE_DEPLOYMENTS": "base",
        "TUNEDROP_REMEMBER": "captain",
        "TUNEDROP_ENTRA_TENANT": "our-tenant",
    }
    return Settings.load({**ENVIRON, **BY_HAND, **chat, **more})


def http_routes() -> list[tuple[str, list[str], Any]]:
    """Template, methods and function of each HTTP trigger.

    Not through get_functions(): it may be called once in a process, and others call it too.
    """
    functions = [builder._function for builder in function_app.app._function_builders]
    return [
        (binding["route"], binding["methods"], function.get_user_function())
        for function in functions
        for binding in map(json.loads, function.get_raw_bindings())
        if binding["type"] == "httpTrigger"
    ]


async def another_version(runs: RunHarness, number: int) -> None:
    """The next version of `captain`, which becomes its champion."""
    registry, at = Registry(runs.ctx.clients.models), datetime(2026, 11, number, tzinfo=UTC)
    version = Version(
        run_id=f"captain-{number}",
        base_model="b",
        fine_tuned_model=f"ft-{number}",
        sku="S",
        capacity=1,
        created_at=at,
        dropped_at=at,
    )
    await registry.add_version("captain", version)
    await registry.promote("captain", number, BY_RUN)


@asynccontextmanager
async def listening(client: httpx.AsyncClient) -> AsyncIterator[str]:
    """The address of the same app on a free port, for clients that are processes of their own."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    server = uvicorn.Server(uvicorn.Config(transport.app, port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def in_process(
    upstream_url: str, monkeypatch: pytest.MonkeyPatch, **more: str
) -> AsyncIterator[tuple[httpx.AsyncClient, Relay, RunHarness]]:
    """A client of the app, its relay, and the runs behind it; `captain` serves."""
    async with application(upstream_url, monkeypatch, **more) as (app, relay, runs):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://app", headers={"api-key": KEY}
        ) as client:
            yield client, relay, runs


@asynccontextmanager
async def application(
    upstream_url: str, monkeypatch: pytest.MonkeyPatch, **more: str
) -> AsyncIterator[tuple[Starlette, Relay, RunHarness]]:
    """The same without a client."""
    runs = RunHarness.in_memory(settings(upstream_url, **more), "m")
    clients = runs.ctx.clients
    await another_version(runs, 1)
    relay = Relay(clients)
    monkeypatch.setattr(function_app, "context", lambda: runs.ctx)
    monkeypatch.setattr(function_app, "relay", lambda: relay)
    routes = [
        Route("/" + re.sub(r"\{\*(\w+)\}", r"{\1:path}", path), work, methods=methods)
        for path, methods, work in http_routes()
    ]
    async with clients:
        yield Starlette(routes=routes), relay, runs
