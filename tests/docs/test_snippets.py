"""The programs of the how-to pages, as they stand there, chat with the app: only address and key
are set. The app's own functions in memory; its service is a server of the test."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from docs.markdown import ROOT, Fence, fences
from tests.chat import upstream as up
from tests.chat.asked import App, three_versions
from tests.environments import node_environment
from tests.support.in_process import KEY, listening

PAGES = ROOT / "docs/how-to"
CLIENTS = ROOT / "tests/chat/clients"
PICTURE = bytes.fromhex("89504e470d0a1a0a")
CALLED = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "set_light", "arguments": '{"room": "study"}'},
}


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        yield started


@pytest.fixture
async def address(app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[str]:
    """Of the app; a program finds it, its key and a picture where the pages say."""
    (tmp_path / "lamp.png").write_bytes(PICTURE)
    monkeypatch.chdir(tmp_path)
    async with listening(app.http) as url:
        monkeypatch.setenv("TUNEDROP_BASE", f"{url}/v1")
        monkeypatch.setenv("TUNEDROP_KEY", KEY)
        yield url


def written(page: str, language: str, number: int = 0) -> Fence:
    return [f for f in fences(PAGES / page) if f.language == language][number]


async def run(*command: str, **options: Any) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1, **options)
    said, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    return said.decode()


async def in_python(fence: Fence) -> None:
    code = compile(fence.content, str(fence), "exec")
    await asyncio.to_thread(exec, code, {"__name__": "__main__"})


async def test_python(app: App, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    app.server.plan("captain-v3", up.answer("Arr!"), up.stream(up.event("Ay"), up.event("e.")))
    await in_python(written("clients.md", "python"))
    assert capsys.readouterr().out == "Arr!\nAye."


async def test_langchain(app: App, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    app.server.plan("captain-v3", up.answer("Arr!"))
    await in_python(written("clients.md", "python", 1))
    assert capsys.readouterr().out == "Arr!\n"


async def test_curl(app: App, address: str) -> None:
    if not (shutil.which("curl") and shutil.which("sh")):
        pytest.skip("curl is not here")
    app.server.plan("captain-v3", up.answer("Arr!"))
    said = await run("sh", "-c", written("clients.md", "sh").content)
    assert json.loads(said)["choices"][0]["message"]["content"] == "Arr!"


@pytest.mark.parametrize("number", [0, 1], ids=["openai", "vercel"])
async def test_javascript(app: App, address: str, tmp_path: Path, number: int) -> None:
    env = await asyncio.to_thread(node_environment, "clients-js", CLIENTS)
    (tmp_path / "node_modules").symlink_to(env["NODE_PATH"])
    script = tmp_path / "snippet.mjs"
    script.write_text(written("clients.md", "js", number).content, encoding="utf-8")
    app.server.plan("captain-v3", up.answer("Arr!"))
    assert await run(shutil.which("node") or "node", str(script), env=env) == "Arr!\n"


async def test_a_tool_is_called(app: App, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
    app.server.plan("captain-v3", up.reply(200, json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": up.USAGE,
    }).encode()))  # fmt: skip
    await in_python(written("tool-calls.md", "python"))
    assert capsys.readouterr().out == 'set_light {"room": "study"}\n'
    assert app.server.calls[-1].body["tool_choice"]["function"]["name"] == "set_light"


async def test_a_picture_is_sent(
    app: App, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app.server.plan("captain-v3", up.answer("oil pressure"))
    await in_python(written("pictures.md", "python"))
    assert capsys.readouterr().out == "oil pressure\n"
    assert (
        app.server.calls[-1]
        .body["messages"][0]["content"][1]["image_url"]["url"]
        .startswith("data:image/png")
    )
