"""Preferences as TRL has them: chosen and rejected, as texts or as messages, with the prompt beside
them or at the beginning of both. Source: TRL's page on dataset formats, read 2026-11.
"""

from typing import Any

from tunedrop.data.fields import (
    Example,
    Fields,
    LeftOut,
    Message,
    as_tools,
    filled,
    said_by,
    turns,
)

PROMPTS = ("prompt", "question", "instruction", "conversations")


def is_preference(record: dict[str, Any]) -> str:
    """What shows it; empty if nothing does."""
    return "`chosen` and `rejected`" if {"chosen", "rejected"} <= record.keys() else ""


def preference(fields: Fields) -> Example:
    """Raises LeftOut."""
    chosen, rejected = (_answer(fields, key) for key in ("chosen", "rejected"))
    asked = _prompt(fields)
    shared = _shared(chosen, rejected)
    chosen, rejected = chosen[len(shared) :], rejected[len(shared) :]
    if shared and asked and not _is_part(asked, shared):
        raise LeftOut("the prompt is not what `chosen` and `rejected` begin with")
    messages = shared or asked
    if system := fields.text("system"):
        if messages and messages[0]["role"] == "system":
            fields.without.append("the key 'system', for the prompt has its own")
        else:
            messages = [said_by("system", system), *messages]
    _must_be_a_preference(messages, chosen, rejected)
    given: Example = {"messages": messages}
    if tools := fields.take("tools"):
        given["tools"] = as_tools(tools, "the `tools`")
    return {"input": given, "preferred_output": chosen, "non_preferred_output": rejected}


def _answer(fields: Fields, key: str) -> list[Message]:
    """One answer, which may begin with the prompt."""
    value = fields.take(key)
    if isinstance(value, str):
        return [said_by("assistant", filled(value, f"`{key}`"))]
    return turns(value, f"`{key}`", fields)


def _prompt(fields: Fields) -> list[Message]:
    value = fields.take(*PROMPTS)
    if value is None or value == "" or value == []:
        return []
    if isinstance(value, str):
        return [said_by("user", filled(value, "`prompt`"))]
    return turns(value, "the prompt", fields)


def _shared(one: list[Message], other: list[Message]) -> list[Message]:
    """The messages that both begin with: the prompt, where it stands in both. A first answer of the
    assistant's own is none."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    while count and one[count - 1]["role"] == "assistant":
        count -= 1
    return one[:count]


def _is_part(asked: list[Message], shared: list[Message]) -> bool:
    texts = [message["content"] for message in shared]
    return all(message["content"] in texts for message in asked)


def _must_be_a_preference(
    asked: list[Message], chosen: list[Message], rejected: list[Message]
) -> None:
    """Raises LeftOut."""
    if not any(message["role"] == "user" for message in asked):
        raise LeftOut(
            "it has no prompt: none beside `chosen` and `rejected`, and they do not begin with the "
            "same messages"
        )
    for key, answer in (("chosen", chosen), ("rejected", rejected)):
        if not answer:
            raise LeftOut(f"`{key}` answers nothing")
        for message in answer:
            if message["role"] not in ("assistant", "tool"):
                raise LeftOut(f"`{key}` has a message from the {message['role']} after the prompt")
    if chosen == rejected:
        raise LeftOut("`chosen` and `rejected` say the same")
