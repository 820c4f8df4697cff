"""Functions and calls of them as text, which is all that the small model reads and writes. Pure.

Examples that are trained on, conversations and answers have the same text, so that a model goes on
as it has learned.
"""

import json
from collections.abc import Sequence
from typing import Any

CALL_OPENING, CALL_END = "<tool_call>", "</tool_call>"
_NO_PARAMETERS = {"type": "object", "properties": {}}

Described = dict[str, Any]  # a function with name, description and parameters


def call_text(name: str, arguments: str) -> str:
    """A call: the arguments as an object, if they are JSON."""
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        given = arguments
    shown = json.dumps({"name": name, "arguments": given}, ensure_ascii=False)
    return f"{CALL_OPENING}{shown}{CALL_END}"


def described(name: str, description: Any, parameters: dict[str, Any]) -> Described:
    """With what a function has that says nothing more."""
    return {
        "name": name,
        "description": str(description or ""),
        "parameters": _NO_PARAMETERS | parameters,
    }


def functions_text(functions: Sequence[Described]) -> str:
    """What the model is told of them, in its system message."""
    listed = [{"type": "function", "function": function} for function in functions]
    example = call_text("function", '{"argument": "value"}')
    return (
        f"You have access to these functions:\n<tools>{json.dumps(listed)}</tools>\n"
        f"If a function can answer the question, call it: {example}\n"
        "If none can, answer in words."
    )
