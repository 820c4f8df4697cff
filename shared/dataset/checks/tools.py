"""The checks of tools: what is declared, what is called, and whether calls are answered.

Definitions are looked at once, however many examples repeat them.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from shared.dataset.checks.json_schema import mismatches
from shared.dataset.checks.shape import at, objects, unknown_keys
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import shorten
from shared.dataset.reading.examples import Example

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class DeclaredTools(NamedTuple):
    """The tools of an example: name → schema of its parameters, and what is wrong with them."""

    schemas: dict[str, Any]
    findings: tuple[RawFinding, ...]


def declared_tools(example: Example) -> DeclaredTools:
    tools = example.get("tools")
    return DeclaredTools({}, ()) if tools is None else _declared_tools(msgspec.json.encode(tools))


@lru_cache(maxsize=256)
def _declared_tools(tools: bytes) -> DeclaredTools:
    """The same definitions stand in every line of most files: they are looked at once."""
    schemas: dict[str, Any] = {}
    findings = list(_check_declarations(msgspec.json.decode(tools), schemas))
    return DeclaredTools(schemas, tuple(findings))


def _check_declarations(tools: Any, schemas: dict[str, Any]) -> Iterator[RawFinding]:
    if not isinstance(tools, list) or not tools:
        yield RawFinding("tools-invalid", f"`tools` is {shorten(tools)}.", path=("tools",))
        return
    for index, tool in enumerate(tools):
        path: tuple[str | int, ...] = ("tools", index)
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            yield RawFinding("tools-invalid", f"Tool {index} is {shorten(tool)}.", path=path)
            continue
        name, schema = function.get("name"), function.get("parameters", {})
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            yield RawFinding(
                "tools-invalid",
                f"The name of tool {index} is {shorten(name)}.",
                path=(*path, "function", "name"),
            )
            continue
        if not isinstance(schema, dict) or schema.get("type", "object") != "object":
            yield RawFinding(
                "tools-invalid",
                f"The parameters of {name} are {shorten(schema)}, not the schema of an object.",
                path=(*path, "function", "parameters"),
            )
            schema = {}
        if name in schemas:
            yield RawFinding("tool-declared-twice", f"{name} is declared twice.", path=path)
        known = ("name", "description", "parameters", "strict")
        yield from unknown_keys(function, known, path=(*path, "function"))
        schemas[name] = schema


def tool_calls(example: Example) -> Iterator[tuple[int, int, Any]]:
    """(message, number of the call, call) for every call of an assistant."""
    for index, message in objects(example):
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            yield from ((index, number, call) for number, call in enumerate(calls))


def tools_are_right(example: Example) -> Iterator[RawFinding]:
    yield from declared_tools(example).findings


def calls_are_right(example: Example) -> Iterator[RawFinding]:
    tools = declared_tools(example)
    for index, message in objects(example):
        calls = message.get("tool_calls")
        if calls is None:
            continue
        if message.get("role") != "assistant":
            yield RawFinding(
                "tool-call-misplaced",
                f"A message from the {shorten(message.get('role'))} calls tools.",
                index,
                at(index, "tool_calls"),
            )
        if not isinstance(calls, list) or not calls:
            yield RawFinding(
                "tool-call-invalid",
                f"`tool_calls` is {shorten(calls)}.",
                index,
                at(index, "tool_calls"),
            )
    for index, number, call in tool_calls(example):
        yield from check_call(call, index, at(index, "tool_calls", number), tools)


def check_call(
    call: Any, index: int, path: tuple[str | int, ...], tools: DeclaredTools
) -> Iterator[RawFinding]:
    """What is wrong with one call by itself."""
    function = call.get("function") if isinstance(call, dict) else None
    shaped = isinstance(function, dict) and isinstance(function.get("name"), str)
    if not shaped or call.get("type") != "function" or not isinstance(call.get("id"), str):
        yield RawFinding("tool-call-invalid", f"The call is {shorten(call)}.", index, path)
    if not isinstance(function, dict):
        return
    name, arguments = function.get("name"), function.get("arguments")
    schema = tools.schemas.get(name) if isinstance(name, str) else None
    if isinstance(name, str) and schema is None:
        yield RawFinding(
            "tool-undeclared",
            f"{shorten(name)} is called and not declared.",
            index,
            (*path, "function", "name"),
        )
    place = (*path, "function", "arguments")
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield RawFinding(
            "arguments-not-json", f"The arguments are {shorten(arguments)}.", index, place
        )
    elif schema:
        for mismatch in islice(mismatches(value, schema, "arguments"), 3):
            yield RawFinding("arguments-mismatch", mismatch, index, place)


def calls_are_answered(example: Example) -> Iterator[RawFinding]:
    """A call may stay open at the very end only: then calling is what the model learns."""
    waiting: dict[str, int] = {}
    for index, message in objects(example):
        if message.get("role") == "tool":
            id = message.get("tool_call_id")
            if not isinstance(id, str) or waiting.pop(id, None) is None:
                yield RawFinding(
                    "answer-without-call",
                    f"The tool_call_id is {shorten(id)}.",
                    index,
                    at(index, "tool_call_id"),
                )
            continue
        yield from _unanswered(waiting)
        waiting = {}
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        for call in calls if isinstance(calls, list) else []:
            id = call.get("id") if isinstance(call, dict) else None
            if isinstance(id, str) and id in waiting:
                yield RawFinding(
                    "tool-call-invalid",
                    f"Two calls have the id {shorten(id)}.",
                    index,
                    at(index, "tool_calls"),
                )
            elif isinstance(id, str):
                waiting[id] = index
    last = max((index for index, _ in objects(example)), default=0)
    yield from _unanswered({id: index for id, index in waiting.items() if index != last})


def _unanswered(waiting: dict[str, int]) -> Iterator[RawFinding]:
    for id, index in waiting.items():
        yield RawFinding(
            "call-unanswered",
            f"Nothing answers the call {shorten(id)}.",
            index,
            at(index, "tool_calls"),
        )
