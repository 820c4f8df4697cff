"""The checks of tools: what is declared, what is called, and whether calls are answered.

Definitions are looked at once, however many examples repeat them; very large ones are looked at
each time, so that what is remembered stays small.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from shared.dataset.checks.json_schema import mismatches, wrong_schema
from shared.dataset.checks.shape import at, inner_keys, objects, unknown_keys
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import quoted, shorten
from shared.dataset.reading.examples import Example
from shared.dataset.reading.limits import MOST_PIECES, PER_FINDING, Steps, refuse_many_pieces
from shared.dataset.reading.parsing import count_keys

REMEMBERED = 1_000_000  # bytes of definitions as JSON; as objects up to thirty times as many
LARGEST_REMEMBERED = 100_000  # bytes of one example's definitions
PER_ENTRY = 500  # bytes that an entry takes besides, and each of its findings
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class DeclaredTools(NamedTuple):
    """The tools of an example: name → schema of its parameters, and what is wrong with them.

    `value` is what stands under `tools`, `keys` is how many keys its objects have.
    """

    schemas: dict[str, Any]
    findings: tuple[RawFinding, ...]
    value: Any
    keys: int
    understood: bool = True  # else a call may be of a tool that could not be read


class _Remembered:
    """Definitions that were looked at, by their JSON; a few bytes too many and all are forgotten,
    which costs no more than to look again."""

    def __init__(self) -> None:
        self._known: dict[bytes, DeclaredTools] = {}
        self.size = 0

    def get(self, json: bytes) -> DeclaredTools | None:
        return self._known.get(json)

    def add(self, json: bytes, tools: DeclaredTools) -> None:
        size = len(json) + PER_ENTRY * (1 + len(tools.findings))
        if size > LARGEST_REMEMBERED:
            return
        if self.size + size > REMEMBERED:
            self._known, self.size = {}, 0
        self._known[json] = tools
        self.size += size


_remembered = _Remembered()


def declared_tools(example: Example, steps: Steps) -> DeclaredTools:
    """Raises limits.TooComplex."""
    tools = example.get("tools")
    if tools is None:
        return DeclaredTools({}, (), None, 0)
    return tools_declared_in(msgspec.json.encode(tools), steps)


def tools_declared_in(json: bytes, steps: Steps) -> DeclaredTools:
    """The same definitions stand in every line of most files. Raises limits.TooComplex."""
    if known := _remembered.get(json):
        return known
    value = msgspec.json.decode(json)
    schemas: dict[str, Any] = {}
    findings: list[RawFinding] = []
    for finding in _check_declarations(value, schemas):
        steps.spend(PER_FINDING, "checking the tools")
        findings.append(finding)
    understood = all(finding.id != "tools-invalid" for finding in findings)
    tools = DeclaredTools(schemas, tuple(findings), value, count_keys(value), understood)
    _remembered.add(json, tools)
    return tools


def _check_declarations(tools: Any, schemas: dict[str, Any]) -> Iterator[RawFinding]:
    if not isinstance(tools, list) or not tools:
        yield RawFinding("tools-invalid", f"`tools` is {quoted(tools)}.", path=("tools",))
        return
    for index, tool in enumerate(tools):
        path: tuple[str | int, ...] = ("tools", index)
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            wrong = _wrong_field(tool, type="function", function=dict)
            yield RawFinding("tools-invalid", f"Tool {index} {wrong}.", path=path)
            continue
        yield from inner_keys(tool, ("type", "function"), None, path)
        yield from check_declaration(function, index, (*path, "function"), schemas)


def check_declaration(
    function: dict[str, Any], index: int, path: tuple[str | int, ...], schemas: dict[str, Any]
) -> Iterator[RawFinding]:
    """What is wrong with one function by itself, which is put into `schemas`."""
    name, schema = function.get("name"), function.get("parameters", {})
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        problem = f"The name of tool {index} is {quoted(name)}."
        yield RawFinding("tools-invalid", problem, path=(*path, "name"))
        return
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        problem = f"The parameters of {name} are {quoted(schema)}, not the schema of an object."
        yield RawFinding("tools-invalid", problem, path=(*path, "parameters"))
        schema = {}
    for problem, fix in islice(wrong_schema(schema, "parameters"), 3):
        told = f"In the tool {name} {problem}"
        yield RawFinding("schema-invalid", told, path=(*path, "parameters"), fix=fix)
    if name in schemas:
        yield RawFinding("tool-declared-twice", f"{name} is declared twice.", path=path[:2])
    known = ("name", "description", "parameters", "strict")
    yield from unknown_keys(function, known, path=path)
    schemas[name] = schema


def _wrong_field(value: Any, **wanted: Any) -> str:
    """The first of the fields that is not as wanted: a value, or one of a type."""
    if not isinstance(value, dict):
        return f"is {quoted(value)}, not an object"
    for key, want in wanted.items():
        if key not in value:
            return f"has no `{key}`"
        if not (isinstance(value[key], want) if isinstance(want, type) else value[key] == want):
            return f"has {quoted(value[key])} as its `{key}`"
    return f"is {quoted(value)}"


def tool_calls(example: Example) -> Iterator[tuple[int, int, Any]]:
    """(message, number of the call, call) for every call of an assistant."""
    for index, message in objects(example):
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            yield from ((index, number, call) for number, call in enumerate(calls))


def tools_are_right(example: Example, steps: Steps) -> Iterator[RawFinding]:
    """The definitions, and then the calls by themselves. Raises limits.TooComplex."""
    tools = declared_tools(example, steps)
    yield from tools.findings
    yield from _calls_are_right(example, tools, steps)


def _calls_are_right(example: Example, tools: DeclaredTools, steps: Steps) -> Iterator[RawFinding]:
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
                f"`tool_calls` is {quoted(calls)}.",
                index,
                at(index, "tool_calls"),
            )
    for index, number, call in tool_calls(example):
        yield from check_call(call, index, at(index, "tool_calls", number), tools, steps)


def check_call(
    call: Any, index: int, path: tuple[str | int, ...], tools: DeclaredTools, steps: Steps
) -> Iterator[RawFinding]:
    """What is wrong with one call by itself. Raises limits.TooComplex."""
    function = call.get("function") if isinstance(call, dict) else None
    shaped = isinstance(function, dict) and isinstance(function.get("name"), str)
    if not shaped or call.get("type") != "function" or not isinstance(call.get("id"), str):
        wrong = _wrong_field(call, id=str, type="function", function=dict)
        if isinstance(function, dict) and not shaped and call.get("type") == "function":
            wrong = f"of a function {_wrong_field(function, name=str)}"
        yield RawFinding("tool-call-invalid", f"The call {wrong}.", index, path)
    if isinstance(call, dict):
        yield from inner_keys(call, ("id", "type", "function"), index, path)
    if isinstance(function, dict):
        place = (*path, "function")
        yield from inner_keys(function, ("name", "arguments"), index, place)
        yield from check_called(function, index, place, tools, steps)


def check_called(
    function: dict[str, Any],
    index: int,
    path: tuple[str | int, ...],
    tools: DeclaredTools,
    steps: Steps,
) -> Iterator[RawFinding]:
    """The name and the arguments of a call. Raises limits.TooComplex."""
    name, arguments = function.get("name"), function.get("arguments")
    schema = tools.schemas.get(name) if isinstance(name, str) else None
    if isinstance(name, str) and schema is None and tools.understood:
        problem = f"{shorten(name)} is called and not declared."
        yield RawFinding("tool-undeclared", problem, index, (*path, "name"))
    place = (*path, "arguments")
    value = _arguments(arguments)
    if not isinstance(value, dict):
        problem = f"The arguments are {quoted(arguments)}."
        if "arguments" not in function:
            problem = "The call has no arguments."
        fix = None
        if isinstance(arguments, dict):
            fix = 'Write the object as a text, as json.dumps does: "{\\"at\\": 1}".'
        yield RawFinding("arguments-not-json", problem, index, place, fix)
    elif schema:
        for mismatch in islice(mismatches(value, schema, "arguments", steps), 3):
            yield RawFinding("arguments-mismatch", mismatch, index, place)


def _arguments(written: Any) -> Any:
    """None if they are no JSON. Raises limits.TooComplex."""
    if not isinstance(written, str):
        return None
    if len(written) > MOST_PIECES:
        refuse_many_pieces(written.encode(errors="replace"), "a call's arguments")
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def calls_are_answered(example: Example) -> Iterator[RawFinding]:
    """A call may stay open at the very end only: then calling is what the model learns.
    Of a call and an answer whose ids differ the answer's alone is told."""
    waiting: dict[str, int] = {}
    unnamed = False  # a call has no id, which is told
    for index, message in objects(example):
        if message.get("role") == "tool":
            id = message.get("tool_call_id")
            if isinstance(id, str) and waiting.pop(id, None) is not None:
                continue
            if not unnamed:
                yield _answers_nothing(message, index, waiting)
                waiting.pop(next(iter(waiting), ""), None)
            continue
        if message.get("role") == "function":  # an answer, whose role is told
            waiting = {}
            continue
        yield from _unanswered(waiting, message)
        waiting = {}
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        unnamed = False
        for call in calls if isinstance(calls, list) else []:
            id = call.get("id") if isinstance(call, dict) else None
            if isinstance(id, str) and id in waiting:
                problem = f"Two calls have the id {shorten(id)}."
                yield RawFinding("tool-call-invalid", problem, index, at(index, "tool_calls"))
            elif isinstance(id, str):
                waiting[id] = index
            else:
                unnamed = True
    last = max((index for index, _ in objects(example)), default=0)
    yield from _unanswered({id: index for id, index in waiting.items() if index != last})


def _answers_nothing(message: Example, index: int, waiting: dict[str, int]) -> RawFinding:
    id = message.get("tool_call_id")
    problem = f"The tool_call_id is {quoted(id)}."
    if "tool_call_id" not in message:
        problem = "The tool's message has no tool_call_id."
    fix = (
        f"Write {quoted(next(iter(waiting)))}: that call waits for an answer." if waiting else None
    )
    return RawFinding("answer-without-call", problem, index, at(index, "tool_call_id"), fix)


def _unanswered(waiting: dict[str, int], after: Example | None = None) -> Iterator[RawFinding]:
    """`after` is the message that follows the call."""
    fix = None
    if after and after.get("role") == "assistant" and after.get("tool_calls"):
        fix = (
            "Join both messages, if the calls were made at once; or add the tool's answer between."
        )
    for id, index in waiting.items():
        problem = f"Nothing answers the call {shorten(id)}."
        yield RawFinding("call-unanswered", problem, index, at(index, "tool_calls"), fix)
