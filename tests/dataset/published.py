"""What Microsoft's published validators of fine-tuning lines refuse, written anew.

Sources: validate_sft.py, validate_dpo.py and validate_rft.py of the skill for Microsoft Foundry
(github.com/microsoft/GitHub-Copilot-for-Azure, plugin/skills/microsoft-foundry/finetuning, read
2026-11) and SCHEMA.md of github.com/microsoft-foundry/fine-tuning. Only what they call an error is
here, each by a name of our own; what they warn of (empty texts, many tokens, equal outputs) is not.
A line at which one of them breaks off, for it takes a value for an object, is refused as "broken".
"""

import json
from collections.abc import Iterator
from typing import Any

ROLES = ("system", "user", "assistant", "tool")  # those of supervised lines; others look at none
OUTPUTS = ("preferred_output", "non_preferred_output")


def supervised(line: bytes) -> set[str]:
    """Which rules a supervised line breaks; none for one that is valid."""
    return _refused(line, _supervised)


def preference(line: bytes) -> set[str]:
    return _refused(line, _preference)


def reinforcement(line: bytes) -> set[str]:
    return _refused(line, _reinforcement)


def _refused(line: bytes, rules: Any) -> set[str]:
    try:
        record = json.loads(line)
    except ValueError:
        return {"json"}
    try:
        return set(rules(record))
    except (TypeError, AttributeError):
        return {"broken"}


def _supervised(record: Any) -> Iterator[str]:
    if "messages" not in record or not _filled(record["messages"]):
        yield "messages"
        return
    known = set()
    for message in record["messages"]:
        if "role" in message and message["role"] in ROLES:
            known.add(message["role"])
        else:
            yield "role"
        if "content" not in message and "tool_calls" not in message:
            yield "content"
    yield from ({"user", "assistant"} - known)


def _preference(record: Any) -> Iterator[str]:
    yield from (key for key in ("input", *OUTPUTS) if key not in record)
    if "input" not in record:
        return
    if "messages" not in record["input"]:
        yield "messages"
    elif not _has("user", record["input"]["messages"]):
        yield "user"
    for key in OUTPUTS:
        if key in record and not (_filled(record[key]) and _has("assistant", record[key])):
            yield "assistant"


def _reinforcement(record: Any) -> Iterator[str]:
    messages = record.get("messages")
    if not _filled(messages):
        yield "messages"
    elif not _has("user", messages) or messages[-1].get("role") != "user":
        yield "user"
    if not set(record) - {"messages"}:
        yield "grader"


def _filled(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0


def _has(role: str, messages: Any) -> bool:
    return any(message.get("role") == role for message in messages)
