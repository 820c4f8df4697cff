"""Clients that call the Responses API first, in their defaults, as processes of their own: OpenAI's
in JavaScript, the Vercel AI SDK, OpenAI's Agents SDK. Only address and key are changed.

Each is installed once, under .local, and skipped where it cannot be.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.chat import upstream as up
from tests.chat.asked import App, three_versions
from tests.environments import environment, node_environment
from tests.support.in_process import KEY, listening

CLIENTS = Path(__file__).parent / "clients"
PATIENCE_SECONDS = 120
CALL = up.call_item("weather", '{"city": "Oslo"}')
BROKEN = up.stream(*up.response_events("Arr!")[:5], done=False)


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        yield started


async def run(app: App, *command: str, env: dict[str, str]) -> Any:
    async with listening(app.http) as address:
        process = await asyncio.create_subprocess_exec(
            *command, address, KEY, env=env, stdout=-1, stderr=-1
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            said, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    return json.loads(said.decode().splitlines()[-1])


async def run_script(app: App, name: str) -> Any:
    env = await asyncio.to_thread(node_environment, "clients-js", CLIENTS)
    return await run(app, shutil.which("node") or "node", str(CLIENTS / name), env=env)


async def test_openais_client_in_javascript(app: App) -> None:
    app.server.plan("captain-v1", BROKEN)
    answers = [up.response(), up.response_stream("Ar", "r!"), up.response_stream("Aye.")]
    app.server.plan("captain-v3", *answers * 2)
    found = await run_script(app, "openai_js.cjs")
    for family in (found["plain"], found["azure"]):
        assert (family["response"], family["said"], family["helped"]) == ("Hello", "Arr!", "Aye.")
        assert (family["kinds"][0], family["kinds"][-1]) == (
            "response.created",
            "response.completed",
        )
        assert family["request"].startswith("req-")
        assert family["models"][0][0] == "captain"
        assert all(created > 10**9 for _, created in family["models"])
        assert family["model"]["id"] == "captain"
    assert (found["embedding"], found["completion"]) == ([0.5, 0.25], "Hello")
    assert (found["stored"]["kind"], found["stored"]["status"]) == ("NotFoundError", 404)
    assert "none is kept" in found["stored"]["message"]
    assert found["files"]["status"] == 404
    assert found["broken"]["kind"] == "APIError"


async def test_vercels_ai_sdk(app: App) -> None:
    app.server.plan("captain-v1", BROKEN)
    app.server.plan("captain-v2", up.response(CALL), up.response(up.message_item("No.")))
    app.server.plan("captain-v3", up.response(), up.response_stream("Ar", "r!"))
    found = await run_script(app, "ai_sdk.cjs")
    assert (found["text"], found["stream"], found["tokens"]) == ("Hello", "Arr!", 7)
    assert found["agent"] == {"text": "No.", "steps": 2}
    assert found["embedding"] == [0.5, 0.25]
    assert found["second"]["status"] == 400
    assert "providerOptions.openai.store" in found["second"]["message"]
    assert found["stateless"] == "Hello"
    assert "Azure OpenAI" in found["broken"]
    second_step = [call.body for call in app.server.calls if call.deployment == "captain-v2"][1]
    assert second_step["input"][-1]["output"] == "dry in Oslo"


async def test_openais_agents_sdk(app: App) -> None:
    app.server.plan("captain-v2", up.response(CALL), up.response(up.message_item("No.")))
    app.server.plan("captain-v3", up.response(), up.response_stream("Ar", "r!"))
    python = await asyncio.to_thread(environment, "openai-agents", "openai-agents==0.24.0")
    found = await run(app, str(python), str(CLIENTS / "agents_sdk.py"), env=dict(os.environ))
    assert found == {"first": "Hello", "stream": "Arr!", "agent": "No.", "again": "Hello"}
