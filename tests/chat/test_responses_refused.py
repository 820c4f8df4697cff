"""What of a request to the Responses API would use what is kept at the service, or run there: it is
refused wherever it stands, and because it is not known to be harmless."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.chat import upstream as up
from tests.chat.asked import App, three_versions


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with three_versions(monkeypatch) as started:
        yield started


async def asked(app: App, **more: Any) -> httpx.Response:
    return await app.http.post("/v1/responses", json={"model": "captain", "input": "Hi", **more})


SAID = {"role": "user", "content": "Hi"}
HOSTED = {"type": "mcp", "server_label": "x", "server_url": "https://attacker.example"}
MINE = {"type": "function", "name": "look"}


def within(*tools: Any) -> dict[str, Any]:
    return {"type": "namespace", "name": "n", "description": "d", "tools": [*tools]}


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [MINE, within(MINE, HOSTED)]},
        {"tools": [within(within(HOSTED))]},
        {"tools": {"0": HOSTED}},
        {"tools": HOSTED},
        {"tools": [{"type": ["mcp"]}]},
        {"tools": [{"name": "mcp"}]},
        {"input": [SAID, {"type": "additional_tools", "role": "developer", "tools": [HOSTED]}]},
        {"input": [SAID, {"type": "additional_tools", "tools": [within(HOSTED)]}]},
        {"input": [SAID, {"type": "tool_search_output", "execution": "server", "tools": [HOSTED]}]},
        {"input": [SAID, {"type": "mcp_approval_response", "approve": True}]},
        {"input": [SAID, {"type": "of_tomorrow", "content": "x"}]},
        {"input": [SAID, {"type": ["message"], "role": "user", "content": "x"}]},
    ],
)
async def test_tools_of_the_service_are_refused_at_any_depth(
    app: App, fields: dict[str, Any]
) -> None:
    answer = await asked(app, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, next(iter(fields)))
    assert "hosted_tools" in error["message"]
    assert app.server.calls == []


@pytest.mark.parametrize(
    "item",
    [
        {"id": "msg_1"},
        {"id": "msg_1", "type": None},
        {"id": "msg_1", "content": "Hi"},
        {"id": "msg_1", "role": "user", "content": ""},
        {"id": "msg_1", "type": "message", "role": "assistant", "content": []},
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}]},
        {"id": "fc_1", "type": "function_call"},
        {"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]},
        {"type": "function_call_output", "call_id": "c", "output": [{"file_id": "file-1"}]},
    ],
)
async def test_what_stands_for_something_kept_is_refused_by_what_it_lacks(
    app: App, item: dict[str, Any]
) -> None:
    """It may be anybody's: the resource is used by others than this app."""
    answer = await asked(app, input=[item, SAID])
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "input")
    assert "store" in error["message"]
    assert app.server.calls == []


async def test_a_kept_file_is_refused_in_a_chat_too(app: App) -> None:
    part = {"type": "file", "file": {"file_id": "file-1"}}
    chat = {"model": "captain", "messages": [{"role": "user", "content": [part]}]}
    answer = await app.http.post("/v1/chat/completions", json=chat)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages")
    part["file"] = {"file_data": "data:application/pdf;base64,AA=="}
    assert (await app.http.post("/v1/chat/completions", json=chat)).status_code == 200


async def test_a_prompt_that_is_kept_is_refused(app: App) -> None:
    answer = await asked(app, prompt={"id": "pmpt_1"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "prompt")


async def test_a_whole_conversation_passes_as_clients_send_it(app: App) -> None:
    items = [
        {"role": "developer", "content": "Be brief.", "phase": None},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "reasoning", "summary": [], "content": []},
        up.message_item("Hello"),
        {"role": "assistant", "id": "msg_2", "content": [{"type": "output_text", "text": "x"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "look", "arguments": ""},
        {"type": "function_call_output", "id": None, "call_id": "c", "output": ""},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "d", "name": "x", "input": ""},
        {"type": "local_shell_call", "id": "l_1", "call_id": "e", "action": {"type": "exec"}},
        {"type": "apply_patch_call_output", "id": "p_1", "call_id": "f", "status": "completed"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"},
        {"type": "compaction_trigger"},
        {"type": "additional_tools", "role": "developer", "tools": [MINE, within(MINE)]},
    ]
    assert (await asked(app, input=items, tools=[within(MINE)], prompt=None)).status_code == 200
    assert app.server.calls[0].body["input"] == items
    assert (await asked(app, tools=None)).status_code == 200
