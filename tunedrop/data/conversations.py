"""Conversations of other formats: ShareGPT's, with its variants, and OpenAI's own from before there
were tools.

Source of the forms: the files and reports that docs/data.md names.
"""

from typing import Any

from shared.dataset.findings.quoting import shorten
from tunedrop.data.fields import Calls, Example, Fields, LeftOut, Message, as_tools, turns

LISTS = ("conversations", "conversation", "messages", "items")  # where the turns are


def is_sharegpt(record: dict[str, Any]) -> str:
    """What shows it; empty if nothing does."""
    if "chosen" in record:
        return ""
    for key in LISTS:
        listed = record.get(key)
        if isinstance(listed, list):
            if any(isinstance(turn, dict) and "from" in turn for turn in listed):
                return f"`{key}` whose turns have `from`"
            if listed and key != "messages" and all(map(_has_role, listed)):
                return f"`{key}` whose turns have `role`"
    return ""


def _has_role(turn: Any) -> bool:
    return isinstance(turn, dict) and "role" in turn


def sharegpt(fields: Fields) -> Example:
    """Raises LeftOut."""
    key, listed = next(
        ((key, value) for key in LISTS if (value := fields.take(key)) is not None), ("", None)
    )
    if not isinstance(listed, list) or not listed:
        raise LeftOut("it has no `conversations`")
    messages = turns(listed, f"`{key}`", fields)
    if system := fields.text("system", "system_prompt"):
        if messages[0]["role"] in ("system", "developer"):
            fields.without.append("the key 'system', for the conversation has its own")
        else:
            messages.insert(0, {"role": "system", "content": system})
    example: Example = {"messages": _answered(messages, fields)}
    if tools := fields.take("tools"):
        example["tools"] = as_tools(tools, "the `tools`")
    return example


def _answered(messages: list[Message], fields: Fields) -> list[Message]:
    """Up to the last answer. Raises LeftOut if there is none."""
    count = len(messages)
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    if not messages:
        raise LeftOut("nobody answers in it")
    if len(messages) < count:
        fields.without.append("the turns after the last answer")
    return messages


def is_legacy(record: dict[str, Any]) -> str:
    """What shows it; empty if nothing does."""
    if not isinstance(record.get("messages"), list):
        return ""
    if "functions" in record:
        return "`functions` beside `messages`"
    for message in record["messages"]:
        if isinstance(message, dict):
            if message.get("function_call"):
                return "messages with `function_call`"
            if message.get("role") == "function":
                return "messages of the role function"
    return ""


def legacy(fields: Fields) -> Example:
    """functions become tools, function_call becomes tool_calls with ids, and the role function
    becomes tool. Raises LeftOut."""
    messages, functions = fields.take("messages"), fields.take("functions")
    tools, parallel = fields.take("tools"), fields.take("parallel_tool_calls")
    if not isinstance(messages, list) or not messages:
        raise LeftOut("it has no `messages`")
    if functions and tools:
        raise LeftOut("it has `functions` and `tools`")
    calls = Calls()
    example: Example = {"messages": [_legacy(n, one, calls) for n, one in enumerate(messages)]}
    if functions or tools:
        example["tools"] = as_tools(functions or tools, "the `functions`")
    if parallel is not None:
        example["parallel_tool_calls"] = parallel
    return example


def _legacy(number: int, message: Any, calls: Calls) -> Message:
    what = f"message {number}"
    if not isinstance(message, dict):
        raise LeftOut(f"{what} is {shorten(message)}, not an object")
    if message.get("role") == "function":
        said = message.get("content")
        if not isinstance(said, str):
            raise LeftOut(f"the content of {what}, of a function, is {shorten(said)}, not a text")
        id = calls.answered(message.get("name"), what)
        return {"role": "tool", "tool_call_id": id, "content": said}
    made = {key: value for key, value in message.items() if key != "function_call"}
    if called := message.get("function_call"):
        made.setdefault("content", None)
        made["tool_calls"] = [calls.call(called, f"the call of {what}")]
    return made
