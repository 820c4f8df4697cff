"""Requests of programs that cannot be installed here, or only with much else: made as their sources
make them (docs/clients.md), and answered."""

import json
from typing import Any

import pytest

from tests.chat import upstream as up
from tests.support.in_process import KEY, in_process

CHAT = "chat/completions"
HELLO: dict[str, Any] = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
BEARER, AZURE = {"authorization": f"Bearer {KEY}"}, {"api-key": KEY}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
RECORDED: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "Open WebUI": (
        f"/v1/{CHAT}",
        {**BEARER, "http-referer": "https://openwebui.com/", "x-title": "Open WebUI"},
        {
            "stream": True,
            "model": "captain",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, PICTURE]}],
            "stream_options": {"include_usage": True},
        },
    ),
    "Open WebUI, provider Azure OpenAI": (
        f"/openai/deployments/captain/{CHAT}?api-version=2024-10-21",
        {**AZURE, "api-version": "2024-10-21"},
        {"stream": True, "messages": HELLO["messages"]},
    ),
    "LibreChat": (
        f"/v1/{CHAT}",
        {**BEARER, "x-stainless-lang": "js"},
        {**HELLO, "user": "6571", "stream": True, "stream_options": {"include_usage": True}},
    ),
    "Continue": (
        f"/v1/{CHAT}",
        {**BEARER, **AZURE},  # it sends both
        {**HELLO, "max_tokens": 4096, "stream": True},
    ),
    "Continue, provider azure": (
        f"/openai/deployments/captain/{CHAT}?api-version=2024-10-21",
        {**BEARER, **AZURE},
        {**HELLO, "stream": True},
    ),
    "n8n": (
        f"/v1/{CHAT}",
        {**BEARER, "x-stainless-lang": "js"},
        {**HELLO, "stream": True, "stream_options": {"include_usage": True}, "temperature": 0.7},
    ),
    "Cursor": (
        f"/v1/{CHAT}",
        BEARER,
        {**HELLO, "stream": True, "tools": [], "tool_choice": "auto", "user": "google-oauth2|1"},
    ),
    "go-openai": (
        f"/v1/{CHAT}",
        {**BEARER, "accept": "text/event-stream", "cache-control": "no-cache"},
        {**HELLO, "stream": True},
    ),
    "go-openai, Azure": (
        f"/openai/deployments/captain/{CHAT}?api-version=2023-05-15",
        {**AZURE, "accept": "text/event-stream"},
        {**HELLO, "stream": True},
    ),
    "Spring AI with /v1 in its base address": (f"/v1/v1/{CHAT}", BEARER, {**HELLO, "stream": True}),
}


@pytest.mark.parametrize("program", RECORDED)
async def test_requests_of_programs_are_answered(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, headers, chat = RECORDED[program]
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        server.plan("captain-v1", up.stream(up.event("one")))
        del http.headers["api-key"]
        answer = await http.post(path, headers=headers, content=json.dumps(chat))
    assert answer.status_code == 200
    assert answer.content == up.event("one") + b"data: [DONE]\n\n"
    (call,) = server.calls
    del call.body["stream_options"]
    assert call.body == {"model": "captain-v1", **_without(chat, "model", "stream_options")}


def _without(chat: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in chat.items() if name not in names}
