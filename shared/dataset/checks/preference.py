"""The checks of a preference (DPO): an input, and two answers to it of which one is better.

Rules of the service: Azure OpenAI's guide to direct preference optimization, read 2026-11.
"""

from collections.abc import Iterator
from typing import Any

from shared.dataset.checks.shape import (
    SHAPE_CHECKS,
    ends_with_assistant,
    roles_take_turns,
    unknown_keys,
)
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import shorten
from shared.dataset.reading.examples import Example

_KEYS = ("input", "preferred_output", "non_preferred_output")
_INPUT_KEYS = ("messages", "tools", "parallel_tool_calls")


def is_preference(example: Example) -> bool:
    outputs = any(key in example for key in _KEYS[1:])
    return "messages" not in example and (outputs or isinstance(example.get("input"), dict))


def preference_is_right(example: Example) -> Iterator[RawFinding]:
    yield from unknown_keys(example, _KEYS)
    given = example.get("input")
    if not isinstance(given, dict) or not isinstance(given.get("messages"), list):
        yield RawFinding(
            "preference-invalid",
            f"`input` is {shorten(given)}.",
            path=("input",),
            fix='Write {"input": {"messages": […]}, …}.',
        )
    else:
        yield from unknown_keys(given, _INPUT_KEYS, path=("input",))
        yield from _conversation(given["messages"], ("input", "messages"))
    for key in _KEYS[1:]:
        output = example.get(key)
        if not isinstance(output, list) or not output:
            yield RawFinding("preference-invalid", f"`{key}` is {shorten(output)}.", path=(key,))
            continue
        yield from _conversation(output, (key,))
        roles = [m.get("role") for m in output if isinstance(m, dict)]
        if any(role not in ("assistant", "tool") for role in roles):
            problem = f"`{key}` has a message from the {shorten(roles[0])}."
            yield RawFinding("preference-invalid", problem, path=(key,))
    outputs = [example.get(key) for key in _KEYS[1:]]
    if outputs[0] and outputs[0] == outputs[1]:
        yield RawFinding(
            "preference-same", "Both outputs say the same.", path=("preferred_output",)
        )


def _conversation(messages: list[Any], path: tuple[str | int, ...]) -> Iterator[RawFinding]:
    """What is wrong with the messages of a part, with paths into the whole."""
    part = {"messages": messages}
    for check in SHAPE_CHECKS:
        if check in (ends_with_assistant, roles_take_turns):
            continue  # a part neither begins nor ends a conversation
        for finding in check(part):
            yield finding._replace(path=(*path, *finding.path[1:]))
