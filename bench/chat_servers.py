"""The servers that bench/chat.py measures, each a process of its own on loopback.

stub      an upstream that answers at once, or slowly where the request asks for it
handler   this project's relay behind a bare ASGI server
app       the whole app in the local Functions host, as `dev.py up` runs it
litellm   the LiteLLM proxy, installed into an environment of its own
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import venv
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from local import supervised

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-bench-key"
MODEL = "stub"
LITELLM = "litellm[proxy]==1.106.2"

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 40},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60},
    }
).encode()


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"


# ---- the upstream


def stub() -> Starlette:
    async def complete(request: Request) -> Response:
        chat = await request.json()
        if not chat.get("stream"):
            return Response(ANSWER, media_type="application/json")
        # `seed` carries the milliseconds between events: every proxy passes that field on.
        return StreamingResponse(words((chat.get("seed") or 0) / 1000), 200, media_type=EVENTS)

    async def words(pause: float) -> AsyncIterator[bytes]:
        for _ in range(20):
            yield event("word ")
            await asyncio.sleep(pause)
        yield event("", "stop")
        yield b"data: [DONE]\n\n"

    return Starlette(routes=[Route("/openai/v1/chat/completions", complete, methods=["POST"])])


EVENTS = "text/event-stream"


# ---- what stands in front of it


def settings(upstream: str) -> dict[str, str]:
    return {
        "AZURE_OPENAI_ENDPOINT": upstream,
        "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_SUBSCRIPTION_ID": "s",
        "AZURE_RESOURCE_GROUP": "g",
        "AZURE_OPENAI_ACCOUNT": "a",
        "TUNEDROP_BASE_DEPLOYMENTS": MODEL,
        "TUNEDROP_APP_KEYS": f"bench:{hashlib.sha256(KEY.encode()).hexdigest()}",
        "TunedropStorage": "UseDevelopmentStorage=true",  # a base deployment needs no registry
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "PYTHON_ENABLE_INIT_INDEXING": "1",
    }


def handler(upstream: str) -> Starlette:
    from shared.chat.relay import Relay
    from shared.cloud import AzureClients
    from shared.settings import Settings

    relay = Relay(AzureClients(Settings.load(settings(upstream))))
    return Starlette(routes=[Route("/api/v1/chat/completions", relay.complete, methods=["POST"])])


def app_command(port: int) -> list[str]:
    return supervised.module("local.host", "--app", str(ROOT), "--port", str(port), "--no-auth")


def litellm_command(port: int, upstream: str) -> list[str]:
    """Installed once; the proxy asks the stub as an OpenAI-compatible service."""
    home = ROOT / ".local/bench/litellm"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (home / "installed").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", LITELLM], check=True)
        (home / "installed").touch()
    params = {"model": f"openai/{MODEL}", "api_base": f"{upstream}/openai/v1", "api_key": KEY}
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": params}],
        "general_settings": {"master_key": KEY},
    }
    (home / "config.yaml").write_text(json.dumps(config))
    proxy = python.with_name("litellm")
    return [
        str(proxy),
        "--config",
        str(home / "config.yaml"),
        "--port",
        str(port),
        "--host",
        "127.0.0.1",
        "--num_workers",
        "1",
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=["stub", "handler"])
    parser.add_argument("port", type=int)
    parser.add_argument("--upstream", default="")
    asked = parser.parse_args()
    served = stub() if asked.server == "stub" else handler(asked.upstream)
    uvicorn.run(served, port=asked.port, log_level="warning", access_log=False)
