"""Texts that were written to cost time or memory, each for a size."""

import json
from typing import Any

USER = {"role": "user", "content": "x"}
ANSWER = {"role": "assistant", "content": "y"}


def line(example: object) -> bytes:
    return json.dumps(example).encode() + b"\n"


def key_twice(count: int) -> bytes:
    keys = b",".join(b'"k%d":0' % number for number in range(count))
    return b'{"a":0,"a":1,' + keys + b"}\n"


def any_of(count: int) -> bytes:
    nested = {"type": "array", "items": {"anyOf": [{"type": "string"}] * count}}
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": nested}}}
    arguments = json.dumps({"a": [[0] * 20] * 20})
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    asks = {"role": "assistant", "tool_calls": [call]}
    return line({"messages": [USER, asks], "tools": [tool]})


def token_chain(count: int) -> bytes:
    return line({"messages": [{**USER, "content": "-eyJaaaaaaaaaa" * count}, ANSWER]})


def many_tools(count: int) -> bytes:
    """64 lines, each with as many tools that no other line has."""
    return b"".join(
        line(
            {
                "messages": [USER, ANSWER],
                "tools": [
                    {"type": "function", "function": {"name": f"f{n}_{number}", "parameters": {}}}
                    for n in range(count)
                ],
            }
        )
        for number in range(64)
    )


def empty_lists(count: int) -> bytes:
    body: dict[str, Any] = {"model": "m", "messages": [USER], "x": []}
    return json.dumps(body).encode().replace(b"[]", b"[" + b"[]," * (count - 1) + b"[]]")


def long_name(count: int) -> bytes:
    return json.dumps({"model": "m" * count, "messages": [USER]}).encode()
