"""What of a message or a tool belongs into an example: the keys of the training format, no others.

SDKs send an answer back with every key that it may have (refusal, annotations, audio, reasoning),
which neither the training service nor the dataset check takes. Knows shapes, not what is private.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MESSAGE_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")
FUNCTION_KEYS = ("name", "description", "parameters", "strict")
TEXT_PARTS = ("text", "refusal")
DETAILS = ("low", "high", "auto")
SETTLED = ("system", "developer")  # whose message says nothing where it is empty
EMPTY: tuple[Any, ...] = (None, "", [], {})
# An address may hold a key, and what it leads to changes: only a picture that is there is kept.
PICTURE = re.compile(r"data:image/(?:jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}")

Message = dict[str, Any]


class Said(NamedTuple):
    """An answer: its id, the message of its first choice, and why that ended, if it is known."""

    id: str
    message: Message
    finish_reason: str | None


class NotKept(ValueError):
    """A part that cannot be kept: what is left would not be what was said."""


def kept_messages(messages: list[Message]) -> list[Message]:
    kept = map(kept_message, messages)
    return [one for one in kept if "content" in one or one.get("role") not in SETTLED]


def kept_message(message: Message) -> Message:
    """The message as an example has it. Raises NotKept."""
    found = {key: message.get(key) for key in MESSAGE_KEYS}
    if isinstance(found["content"], list):
        found["content"] = list(_kept_parts(found["content"]))
    if found["content"] in EMPTY:
        found["content"] = message.get("refusal")  # where an answer's words stand instead
    if isinstance(found["tool_calls"], list):
        found["tool_calls"] = list(map(_kept_call, found["tool_calls"]))
    return {key: value for key, value in found.items() if value not in EMPTY}


def kept_tools(tools: Any) -> Any:
    """Definitions without what is null or of no function; what is no list stays as it is."""
    return list(map(_kept_tool, tools)) if isinstance(tools, list) else tools


def _kept_parts(parts: list[Any]) -> Iterator[dict[str, Any]]:
    """Without texts that are blank: they say nothing, and no example may have them."""
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in TEXT_PARTS:
            text = part.get(kind)
            if not isinstance(text, str) or text.strip():
                yield {"type": "text", "text": text}
        elif kind == "image_url":
            yield {"type": "image_url", "image_url": _kept_picture(part.get("image_url"))}
        else:
            raise NotKept("a part that is neither a text nor a picture")


def _kept_picture(image: Any) -> dict[str, str]:
    given = image if isinstance(image, dict) else {"url": image}
    url, detail = given.get("url"), given.get("detail")
    if not isinstance(url, str) or not PICTURE.fullmatch(url):
        raise NotKept("a picture that is not in the message itself")
    return {"url": url, "detail": detail} if detail in DETAILS else {"url": url}


def _kept_call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return call
    named = {key: function[key] for key in ("name", "arguments") if key in function}
    return {"id": call.get("id"), "type": call.get("type") or "function", "function": named}


def _kept_tool(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    named = {key: function[key] for key in FUNCTION_KEYS if function.get(key) is not None}
    return {"type": tool.get("type"), "function": named}
