"""The checks of one example: small functions, each of which looks for one kind of mistake.

A check is called with an example that is a JSON object and yields (message index, id, severity,
what, fix). It does no I/O and never raises, whatever the JSON holds.
Rules of the service: Azure OpenAI's fine-tuning guide, chat format, read 2026-11.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from shared.dataset.examples import Example, Severity, shorten

ROLES = ("system", "developer", "user", "assistant", "tool")


class Fault(NamedTuple):
    """A finding before it knows its line."""

    id: str
    severity: Severity
    message: int | None
    what: str
    fix: str


Check = Callable[[Example], Iterator[Fault]]


def messages_are_a_list(example: Example) -> Iterator[Fault]:
    messages = example.get("messages")
    if not isinstance(messages, list) or not messages:
        yield Fault(
            "messages-missing",
            Severity.ERROR,
            None,
            "The example has no list of messages."
            if "messages" not in example
            else f"`messages` is {shorten(messages)}, not a list with messages.",
            'Write {"messages": [{"role": "user", "content": …}, …]}.',
        )


def messages_are_objects(example: Example) -> Iterator[Fault]:
    for index, message in _messages(example):
        if not isinstance(message, dict):
            yield Fault(
                "message-not-object",
                Severity.ERROR,
                index,
                f"The message is {shorten(message)}, not an object.",
                'Write {"role": …, "content": …}.',
            )


def roles_are_known(example: Example) -> Iterator[Fault]:
    for index, message in _objects(example):
        role = message.get("role")
        if role not in ROLES:
            yield Fault(
                "role-unknown",
                Severity.ERROR,
                index,
                f"The role is {shorten(role)}."
                if "role" in message
                else "The message has no role.",
                f"Use one of {', '.join(ROLES)}.",
            )


def contents_are_there(example: Example) -> Iterator[Fault]:
    """Only an assistant message that calls tools may come without content."""
    for index, message in _objects(example):
        content = message.get("content")
        if message.get("tool_calls") and content is None:
            continue
        if not isinstance(content, str | list) or not content or _blank(content):
            yield Fault(
                "content-missing",
                Severity.ERROR,
                index,
                f"The {message.get('role', 'message')}'s content is {shorten(content)}."
                if "content" in message
                else f"The {message.get('role', 'message')}'s content is missing.",
                "Give it a text, or remove the message.",
            )


def ends_with_assistant(example: Example) -> Iterator[Fault]:
    messages = [message for _, message in _objects(example)]
    if messages and messages[-1].get("role") != "assistant":
        yield Fault(
            "last-not-assistant",
            Severity.ERROR,
            len(messages) - 1,
            f"The last message is from {shorten(messages[-1].get('role'))}.",
            "End the example with the assistant's answer: it is what the model learns.",
        )


def weights_are_zero_or_one(example: Example) -> Iterator[Fault]:
    for index, message in _objects(example):
        if "weight" not in message:
            continue
        weight = message["weight"]
        if message.get("role") != "assistant":
            yield Fault(
                "weight-misplaced",
                Severity.ERROR,
                index,
                f"A {shorten(message.get('role'))} message has a weight.",
                "Only assistant messages may have one: remove it.",
            )
        elif weight not in (0, 1) or isinstance(weight, bool):
            yield Fault(
                "weight-invalid",
                Severity.ERROR,
                index,
                f"The weight is {shorten(weight)}.",
                "Use 0 (do not learn this message) or 1 (learn it).",
            )


CHECKS: tuple[Check, ...] = (
    messages_are_a_list,
    messages_are_objects,
    roles_are_known,
    contents_are_there,
    ends_with_assistant,
    weights_are_zero_or_one,
)


def _messages(example: Example) -> Iterator[tuple[int, Any]]:
    messages = example.get("messages")
    yield from enumerate(messages if isinstance(messages, list) else [])


def _objects(example: Example) -> Iterator[tuple[int, dict[str, Any]]]:
    yield from ((i, m) for i, m in _messages(example) if isinstance(m, dict))


def _blank(content: object) -> bool:
    return isinstance(content, str) and not content.strip()
