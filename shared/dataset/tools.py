"""The checks of tools: what is declared, what is called, and whether calls are answered.

A schema is compiled once however many examples declare it. Of JSON schema the keywords that tool
definitions use are understood (type, properties, required, additionalProperties, enum, const,
items, minimum, maximum, anyOf); others are taken as kept.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from shared.dataset.checks import at, objects, unknown_keys
from shared.dataset.examples import Example, Fault
from shared.dataset.quoting import shorten

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
    "null": (type(None),),
}


class Declared(NamedTuple):
    """The tools of an example: name → schema of its parameters, and what is wrong with them."""

    schemas: dict[str, Any]
    faults: tuple[Fault, ...]


def declared(example: Example) -> Declared:
    tools = example.get("tools")
    return Declared({}, ()) if tools is None else _declared(msgspec.json.encode(tools))


@lru_cache(maxsize=256)
def _declared(tools: bytes) -> Declared:
    """The same definitions stand in every line of most files: they are looked at once."""
    schemas: dict[str, Any] = {}
    faults = list(_declare(msgspec.json.decode(tools), schemas))
    return Declared(schemas, tuple(faults))


def _declare(tools: Any, schemas: dict[str, Any]) -> Iterator[Fault]:
    if not isinstance(tools, list) or not tools:
        yield Fault("tools-invalid", f"`tools` is {shorten(tools)}.", path=("tools",))
        return
    for index, tool in enumerate(tools):
        path: tuple[str | int, ...] = ("tools", index)
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            yield Fault("tools-invalid", f"Tool {index} is {shorten(tool)}.", path=path)
            continue
        name, schema = function.get("name"), function.get("parameters", {})
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            yield Fault("tools-invalid", f"The name of tool {index} is {shorten(name)}.",
                        path=(*path, "function", "name"))  # fmt: skip
            continue
        if not isinstance(schema, dict) or schema.get("type", "object") != "object":
            yield Fault("tools-invalid", f"The parameters of {name} are {shorten(schema)}, "
                        "not the schema of an object.",
                        path=(*path, "function", "parameters"))  # fmt: skip
            schema = {}
        if name in schemas:
            yield Fault("tool-declared-twice", f"{name} is declared twice.", path=path)
        known = ("name", "description", "parameters", "strict")
        yield from unknown_keys(function, known, path=(*path, "function"))
        schemas[name] = schema


def called(example: Example) -> Iterator[tuple[int, int, Any]]:
    """(message, number of the call, call) for every call of an assistant."""
    for index, message in objects(example):
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            yield from ((index, number, call) for number, call in enumerate(calls))


def calls_are_right(example: Example, tools: Declared) -> Iterator[Fault]:
    for index, message in objects(example):
        calls = message.get("tool_calls")
        if calls is None:
            continue
        if message.get("role") != "assistant":
            yield Fault("tool-call-misplaced", f"A message from the {shorten(message.get('role'))} "
                        "calls tools.", index, at(index, "tool_calls"))  # fmt: skip
        if not isinstance(calls, list) or not calls:
            yield Fault("tool-call-invalid", f"`tool_calls` is {shorten(calls)}.", index,
                        at(index, "tool_calls"))  # fmt: skip
    for index, number, call in called(example):
        yield from call_faults(call, index, at(index, "tool_calls", number), tools)


def call_faults(
    call: Any, index: int, path: tuple[str | int, ...], tools: Declared
) -> Iterator[Fault]:
    """What is wrong with one call by itself."""
    function = call.get("function") if isinstance(call, dict) else None
    shaped = isinstance(function, dict) and isinstance(function.get("name"), str)
    if not shaped or call.get("type") != "function" or not isinstance(call.get("id"), str):
        yield Fault("tool-call-invalid", f"The call is {shorten(call)}.", index, path)
    if not isinstance(function, dict):
        return
    name, arguments = function.get("name"), function.get("arguments")
    schema = tools.schemas.get(name) if isinstance(name, str) else None
    if isinstance(name, str) and schema is None:
        yield Fault("tool-undeclared", f"{shorten(name)} is called and not declared.", index,
                    (*path, "function", "name"))  # fmt: skip
    place = (*path, "function", "arguments")
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield Fault("arguments-not-json", f"The arguments are {shorten(arguments)}.", index, place)
    elif schema:
        for wrong in islice(_mismatches(value, schema, "arguments"), 3):
            yield Fault("arguments-mismatch", wrong, index, place)


def calls_are_answered(example: Example) -> Iterator[Fault]:
    """A call may stay open at the very end only: then calling is what the model learns."""
    waiting: dict[str, int] = {}
    for index, message in objects(example):
        if message.get("role") == "tool":
            id = message.get("tool_call_id")
            if not isinstance(id, str) or waiting.pop(id, None) is None:
                yield Fault("answer-without-call", f"The tool_call_id is {shorten(id)}.", index,
                            at(index, "tool_call_id"))  # fmt: skip
            continue
        yield from _left(waiting)
        waiting = {}
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        for call in calls if isinstance(calls, list) else []:
            id = call.get("id") if isinstance(call, dict) else None
            if isinstance(id, str) and id in waiting:
                yield Fault("tool-call-invalid", f"Two calls have the id {shorten(id)}.", index,
                            at(index, "tool_calls"))  # fmt: skip
            elif isinstance(id, str):
                waiting[id] = index
    last = max((index for index, _ in objects(example)), default=0)
    yield from _left({id: index for id, index in waiting.items() if index != last})


def _left(waiting: dict[str, int]) -> Iterator[Fault]:
    for id, index in waiting.items():
        yield Fault("call-unanswered", f"Nothing answers the call {shorten(id)}.", index,
                    at(index, "tool_calls"))  # fmt: skip


def _mismatches(value: Any, schema: Any, where: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    options = schema.get("anyOf")
    if isinstance(options, list) and not any(not [*_mismatches(value, o, where)] for o in options):
        yield f"{where} fits none of its alternatives: {shorten(value)}."
    if not _has_type(value, schema.get("type")):
        yield f"{where} is {shorten(value)}, not {shorten(schema['type'])}."
        return
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        yield f"{where} is {shorten(value)}, not one of {shorten(schema['enum'])}."
    if "const" in schema and value != schema["const"]:
        yield f"{where} is {shorten(value)}, not {shorten(schema['const'])}."
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if _is_number(low) and _is_number(high) and not low <= value <= high:
            yield f"{where} is {value}, not between {low} and {high}."
    if isinstance(value, list):
        for index, item in enumerate(value[:100]):
            yield from _mismatches(item, schema.get("items"), f"{where}[{index}]")
    if isinstance(value, dict):
        yield from _members(value, schema, where)


def _members(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    known = schema.get("properties")
    known = known if isinstance(known, dict) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in value:
            yield f"{where}.{shorten(name)} is required and missing."
    for name, item in value.items():
        if name in known:
            yield from _mismatches(item, known[name], f"{where}.{shorten(name)}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}.{shorten(name)} is not among the parameters."


def _has_type(value: Any, type: Any) -> bool:
    names = type if isinstance(type, list) else [type]
    kinds = tuple(k for name in names if isinstance(name, str) for k in _TYPES.get(name, (object,)))
    if isinstance(value, bool) and bool not in kinds and object not in kinds:
        return not kinds
    return not kinds or isinstance(value, kinds) or (float in kinds and isinstance(value, int))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
