"""Conversations of the Responses API in the form of chats, which is that of the training format.

Pure: knows the items of a request and of a response, not what is private, nor what of a message an
example keeps. Reasoning is left out: no example has it. Whatever else has no place in a chat (calls
of tools at the service, references to what is kept there) is passed on as a part that is not kept.
https://platform.openai.com/docs/api-reference/responses (2026-11)
"""

import json
from collections.abc import Iterable
from typing import Any

from shared.chat.messages import Message, NotKept, Said
from shared.chat.response_events import ended

Item = dict[str, Any]
TEXTS = ("input_text", "output_text", "text")
ELSEWHERE = ("previous_response_id", "conversation", "prompt")  # where a part of what was said is


def as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """The messages and tools of a request. Raises NotKept where a part of them is elsewhere."""
    if any(body.get(name) is not None for name in ELSEWHERE):
        raise NotKept("a conversation whose beginning is at the service")
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    instructions = body.get("instructions")
    first = [{"role": "system", "content": instructions}] if instructions else []
    tools = body.get("tools")
    return {
        "messages": _messages([*first, *items]),
        "tools": list(map(_tool, tools)) if isinstance(tools, list) else None,
        "parallel_tool_calls": body.get("parallel_tool_calls"),
    }


def read_response(answer: bytes) -> Said | None:
    """What a whole response says, or the stream that ends with one; None where none has ended."""
    whole = answer.lstrip()[:1] == b"{"
    response = json.loads(answer) if whole else ended(answer)
    if response is None:
        return None
    message: Message = {"role": "assistant", "content": "", "tool_calls": []}
    for said in _messages(response["output"]):
        message["content"] = _joined(message["content"], said.get("content") or "")
        message["tool_calls"] += said.get("tool_calls") or []
    return Said(response["id"], message, _finish_reason(response, message))


def _finish_reason(response: Item, message: Message) -> str | None:
    if response["status"] == "completed":
        return "tool_calls" if message["tool_calls"] else "stop"
    reason = str((response.get("incomplete_details") or {}).get("reason"))
    return {"max_output_tokens": "length", "content_filter": "content_filter"}.get(reason)


def _messages(items: Iterable[Item]) -> list[Message]:
    messages: list[Message] = []
    for item in items:
        kind = item.get("type") or "message"
        if kind == "function_call":
            _with_call(messages, item)
        elif kind != "reasoning":
            messages.append(_message(kind, item))
    return messages


def _message(kind: str, item: Item) -> Message:
    if kind == "message":
        return {"role": item.get("role"), "content": _content(item.get("content"))}
    if kind == "function_call_output":
        content = _content(item.get("output"))
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": content}
    return {"role": "assistant", "content": [{"type": kind}]}


def _with_call(messages: list[Message], item: Item) -> None:
    """A call belongs to the message before it, if that is the model's."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": ""})
    function = {"name": item.get("name"), "arguments": item.get("arguments")}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    messages[-1].setdefault("tool_calls", []).append(call)


def _content(given: Any) -> Any:
    """One text is a text; several are parts."""
    if not isinstance(given, list):
        return given
    parts = list(map(_part, given))
    return parts[0]["text"] if len(parts) == 1 and parts[0].get("type") == "text" else parts


def _part(part: Any) -> Item:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in TEXTS:
        return {"type": "text", "text": part.get("text")}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal")}
    if kind == "input_image":
        picture = {"url": part.get("image_url"), "detail": part.get("detail")}
        return {"type": "image_url", "image_url": picture}
    return {"type": kind}


def _joined(before: Any, more: Any) -> Any:
    """Texts as one; with a part that is none, as parts."""
    if isinstance(before, str) and isinstance(more, str):
        return before + more
    return [*_as_parts(before), *_as_parts(more)]


def _as_parts(content: Any) -> list[Item]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _tool(tool: Any) -> Item:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        raise NotKept("a tool that is no function")
    named = {key: value for key, value in tool.items() if key != "type"}
    return {"type": "function", "function": named}
