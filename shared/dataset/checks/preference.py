"""The checks of a preference (DPO): an input, and two answers to it of which one is better.

With each of its outputs the input is a conversation as those of supervised lines are, and whatever
holds for those holds for it: they are checked by the same checks, which are handed in. Rules of the
service: Azure OpenAI's guide to direct preference optimization, read 2026-11.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shared.dataset.checks.shape import unknown_keys
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import shorten
from shared.dataset.reading.examples import Example

Check = Callable[[Example], Iterable[RawFinding]]

_KEYS = ("input", "preferred_output", "non_preferred_output")
_INPUT_KEYS = ("messages", "tools", "parallel_tool_calls")
_QUESTION = {"role": "user", "content": "?"}  # in the place of what cannot be used
_ANSWER = {"role": "assistant", "content": "."}


def is_preference(example: Example) -> bool:
    outputs = any(key in example for key in _KEYS[1:])
    given = isinstance(example.get("input"), dict)
    return (outputs and given) or ("messages" not in example and (outputs or given))


def preference_is_right(example: Example, check: Check) -> Iterator[RawFinding]:
    """`check` finds what is wrong with a conversation."""
    yield from unknown_keys(example, _KEYS)
    given = example.get("input")
    if not isinstance(given, dict) or not isinstance(given.get("messages"), list):
        yield RawFinding(
            "preference-invalid",
            f"`input` is {shorten(given)}.",
            path=("input",),
            fix='Write {"input": {"messages": […]}, …}.',
        )
        given = {}
    else:
        yield from unknown_keys(given, _INPUT_KEYS, path=("input",))
    wrong = {key: finding for key in _KEYS[1:] if (finding := _wrong_output(example, key))}
    yield from wrong.values()
    outputs = {key: example[key] for key in _KEYS[1:] if key not in wrong}
    yield from _conversations_are_right(given, outputs, check)
    if outputs and example.get(_KEYS[1]) == example.get(_KEYS[2]):
        yield RawFinding(
            "preference-same", "Both outputs say the same.", path=("preferred_output",)
        )


def _wrong_output(example: Example, key: str) -> RawFinding | None:
    output = example.get(key)
    if not isinstance(output, list) or not output:
        return RawFinding("preference-invalid", f"`{key}` is {shorten(output)}.", path=(key,))
    for index, message in enumerate(output):
        role = message.get("role") if isinstance(message, dict) else "assistant"
        if role not in ("assistant", "tool"):
            problem = f"`{key}` has a message from the {shorten(role)}."
            fix = "Write only the assistant's messages there, and what its tools answer."
            return RawFinding("preference-invalid", problem, index, (key, index, "role"), fix)
    return None


def _conversations_are_right(
    given: Example, outputs: dict[str, list[Any]], check: Check
) -> Iterator[RawFinding]:
    """What is wrong with the input and each output together; each finding once."""
    told = set()
    asked = given.get("messages", [_QUESTION])
    tools = {"tools": given["tools"]} if given.get("tools") not in (None, []) else {}
    for key, output in outputs.items() or [("", [_ANSWER])]:
        for raw in check({"messages": [*asked, *output], **tools}):
            finding = _placed(raw, len(asked), key)
            real = "messages" in given if _in_input(raw, len(asked)) else bool(key)
            if real and finding not in told:
                told.add(finding)
                yield finding


def _in_input(finding: RawFinding, asked: int) -> bool:
    index = finding.message_index
    return index is None or index < asked


def _placed(finding: RawFinding, asked: int, key: str) -> RawFinding:
    """With its path in the preference, for one in a conversation."""
    index, path = finding.message_index, finding.path
    if path[:1] == ("messages",) and len(path) > 1 and isinstance(path[1], int):
        index = path[1]
    if index is None or index < asked:
        return finding._replace(path=("input", *path) if path else ())
    if (
        finding.id == "same-role-twice" and index == asked
    ):  # with either output, so told of the input
        problem = "The input ends with the assistant's message, and the outputs follow it."
        return finding._replace(message=problem, message_index=None, path=("input", "messages"))
    if finding.id == "same-role-twice":  # its places are told by their numbers
        finding = finding._replace(message="This message and the one before are the assistant's.")
    message = f"In `{key}`: {finding.message}"
    finding = finding._replace(message=message)
    return finding._replace(message_index=index - asked, path=(key, index - asked, *path[2:]))
