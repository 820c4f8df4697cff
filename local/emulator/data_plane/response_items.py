"""The input of a response: its items as the API has them, and as the messages that a model reads.

Pure. What an item's type is here decides nothing else; what an answer consists of is
`response_answer`.
"""

from collections.abc import Callable
from typing import Any

from ..core.errors import InferenceError
from ..core.protocol import new_item_id
from ..language.dataset import Message, to_message
from .parameters import bad

Item = dict[str, Any]
Find = Callable[[str], Item | None]
_TEXTS = ("input_text", "output_text", "text", "refusal")
# Types that are taken, and how their ids begin.
_TYPES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
_UNREAD = "reasoning"  # what a model of another kind has thought


def items_of(given: Any, find: Find) -> list[Item]:
    """What the caller gave, as items with an id each; `find` knows the stored ones."""
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise bad("input", "must be a string or a list of items.")
    return [_item(f"input[{number}]", item, find) for number, item in enumerate(given)]


def messages_of(items: list[Item]) -> list[Message]:
    messages: list[Item] = []
    for number, item in enumerate(items):
        if item["type"] == _UNREAD:
            continue
        message = _message(f"input[{number}]", item)
        if messages and item["type"] == "function_call" and "tool_calls" in messages[-1]:
            messages[-1]["tool_calls"] += message["tool_calls"]
        else:
            messages.append(message)
    try:
        return [to_message(message) for message in messages]
    except ValueError as error:
        raise bad("input", f"{error}.") from error


def _item(place: str, item: Any, find: Find) -> Item:
    if not isinstance(item, dict):
        raise bad(place, "must be an object.")
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind == "item_reference":
        return _stored(item.get("id"), find)
    if not isinstance(kind, str) or kind not in _TYPES:
        raise bad(f"{place}.type", f"this emulator takes no item of type {str(kind)[:80]!r}.")
    own = item.get("id") or new_item_id(_TYPES[kind])
    if not isinstance(own, str):
        raise bad(f"{place}.id", "must be a string.")
    made = {**item, "type": kind, "id": own}
    if kind == "message" and isinstance(item.get("content"), str):
        written = "output_text" if item.get("role") == "assistant" else "input_text"
        made["content"] = [{"type": written, "text": item["content"]}]
    return made


def _stored(id: Any, find: Find) -> Item:
    item = find(id) if isinstance(id, str) else None
    if item is None:
        # The service's words (codex#3528 tells when); the code is [inferred].
        message = f"Item with id '{str(id)[:80]}' not found."
        raise InferenceError(400, "invalid_value", message, "input")
    return item


def _message(place: str, item: Item) -> Item:
    match item["type"]:
        case "function_call":
            call = {"name": item.get("name"), "arguments": item.get("arguments")}
            return {"role": "assistant", "tool_calls": [{"function": call}]}
        case "function_call_output":
            if not isinstance(item.get("call_id"), str):
                raise bad(f"{place}.call_id", "must be a string.")
            return {"role": "tool", "content": _content(place, item.get("output"))}
    return {"role": item.get("role"), "content": _content(place, item.get("content"))}


def _content(place: str, content: Any) -> Any:
    """As a chat has it."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise bad(place, "has no text.")
    return [_part(place, part) for part in content]


def _part(place: str, part: Any) -> Item:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "input_image":
        shown = {"url": part.get("image_url"), "detail": part.get("detail") or "auto"}
        return {"type": "image_url", "image_url": shown}
    said = part.get("refusal" if kind == "refusal" else "text") if kind in _TEXTS else None
    if not isinstance(said, str):
        raise bad(place, f"this emulator reads texts and images, not {str(kind)[:80]!r}.")
    return {"type": "text", "text": said}
