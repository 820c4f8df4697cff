"""A harness for chat: the real relay served over HTTP, the real registry in Azurite, and an
upstream that follows a script."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from shared.chat.relay import Relay
from shared.cloud import AzureClients
from shared.model.registry import Registry, Version
from shared.settings import Settings
from tests.chat import upstream as up
from tests.support.decided import BY_RUN
from tests.support.stack import StackHarness

QUESTION: list[Any] = [{"role": "user", "content": "Hi"}]


@dataclass
class ChatHarness:
    """The app as a caller meets it, and the upstream behind it."""

    upstream: up.Upstream
    cloud: AzureClients
    openai: openai.AsyncOpenAI
    http: httpx.AsyncClient
    relay: Relay
    registry: Registry
    server: uvicorn.Server

    async def ask(self, model: str = "captain", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": QUESTION} | more
        return await self.http.post("/v1/chat/completions", content=json.dumps(body))

    async def idle(self) -> None:
        """Wait until every request has ended, with the work that follows its answer."""
        while self.server.server_state.tasks:
            await asyncio.wait(self.server.server_state.tasks)


def a_version(number: int) -> Version:
    """What the run of this number has made."""
    at = datetime(2026, 11, number, tzinfo=UTC)
    return Version(
        run_id=f"run-{number}",
        base_model="b",
        fine_tuned_model=f"ft-{number}",
        sku="S",
        capacity=1,
        created_at=at,
        dropped_at=at,
    )


@pytest.fixture
async def harness(stack: StackHarness) -> AsyncIterator[ChatHarness]:
    """A model `captain` with two versions, the second its champion, and a base deployment."""
    apart = uuid.uuid4().hex[:8]
    for name in ("models", "feedback"):
        stack.blobs.create_container(f"{name}-{apart}")
    async with up.upstream() as upstream:
        settings = {
            "TunedropStorage": stack.addresses.storage,
            "TUNEDROP_MODELS_CONTAINER": f"models-{apart}",
            "TUNEDROP_FEEDBACK_CONTAINER": f"feedback-{apart}",
            "TUNEDROP_REMEMBER": "captain",
            "AZURE_OPENAI_ENDPOINT": upstream.url,
            "AZURE_OPENAI_API_KEY": "the-resource-key",
            "AZURE_SUBSCRIPTION_ID": "s",
            "AZURE_RESOURCE_GROUP": "g",
            "AZURE_OPENAI_ACCOUNT": "a",
            "TUNEDROP_BASE_DEPLOYMENTS": "base",
            "TUNEDROP_CHAT_FALLBACK": "previous, base",
            "TUNEDROP_CHAT_DEADLINE_SECONDS": "3",
            "TUNEDROP_APP_KEYS": json.dumps(
                [
                    {"name": "web", "sha256": hashlib.sha256(b"k").hexdigest()},
                    {
                        "name": "narrow",
                        "sha256": hashlib.sha256(b"n").hexdigest(),
                        "models": ["base"],
                    },
                    {
                        "name": "metered",
                        "sha256": hashlib.sha256(b"m").hexdigest(),
                        "tokens_per_minute": 60,
                    },
                ]
            ),
        }
        async with AzureClients(Settings.load(settings)) as cloud:
            registry = Registry(cloud.models)
            for number in (1, 2):
                await registry.add_version("captain", a_version(number))
                await registry.promote("captain", number, BY_RUN)
            relay = Relay(cloud)
            async with (
                serving(relay) as (url, server),
                openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client,
                httpx.AsyncClient(base_url=url, headers={"api-key": "k"}, timeout=20) as http,
            ):
                yield ChatHarness(upstream, cloud, client, http, relay, registry, server)
                await relay.trace_log.flush()  # as long as there is storage


class serving:  # noqa: N801
    """A relay behind a real server on a free port."""

    def __init__(self, relay: Relay) -> None:
        routes = [
            Route("/v1/chat/completions", relay.complete, methods=["POST"]),
            Route("/v1/models", relay.models),
            Route("/feedback", relay.rate, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), port=0, log_level="error", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)

    async def __aenter__(self) -> tuple[str, uvicorn.Server]:
        self.task = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}", self.server

    async def __aexit__(self, *error: object) -> None:
        self.server.should_exit = True
        await self.task
