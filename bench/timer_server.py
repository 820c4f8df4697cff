"""The relay behind a bare ASGI server, whose calls may stand in for a timer: what bench/timer.py
measures, in a process of its own on loopback.

It chats with one upstream and looks after runs at another: a chat's time is then its own.
"""

import argparse

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.chat_servers import settings
from shared.chat.relay import Relay
from shared.cloud import AzureClients
from shared.run.context import Context
from shared.run.standin import Standin
from shared.settings import Settings


def server(upstream: str, storage: str, context: Context | None) -> Starlette:
    """Without a context no call looks at the timer."""
    chats = Settings.load({**settings(upstream), "TunedropStorage": storage})
    relay = Relay(AzureClients(chats))
    standin = Standin(context, nothing) if context else None

    async def complete(request: Request) -> Response:
        if standin:
            standin.called()
        return await relay.complete(request)

    return Starlette(routes=[Route("/api/v1/chat/completions", complete, methods=["POST"])])


async def nothing() -> None:
    """There is nothing to forget."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name in ("upstream", "storage", "service", "name"):
        parser.add_argument(f"--{name}", default="")
    asked = parser.parse_args()
    context = None
    if asked.name:
        from bench.timer import app_of

        context = app_of(asked.storage, asked.service, asked.name)
    app = server(asked.upstream, asked.storage, context)
    uvicorn.run(app, port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
