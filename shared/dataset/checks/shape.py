"""The checks of one example's shape: small functions, each looking for one kind of mistake.

A check is called with an example that is a JSON object and yields findings with their path. It does
no I/O and never raises, whatever the JSON holds. Lines that the fast path takes never come here: it
has the same rules as a type that lines decode into (`fast_path._PlainExample`).
Rules of the service: Azure OpenAI's fine-tuning guide, chat format, read 2026-11.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any

from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import shorten
from shared.dataset.reading.examples import ROLES, Example

Check = Callable[[Example], Iterator[RawFinding]]

_EXAMPLE_KEYS = ("messages", "tools", "parallel_tool_calls", "functions")
_MESSAGE_KEYS = (
    "role",
    "content",
    "name",
    "weight",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "refusal",
)
_OTHER_FORMATS = {  # a key that gives the format away → what to do
    "prompt": "Prompt and completion are the old format: make them a user and an assistant "
    "message.",
    "conversations": "This is ShareGPT's format: write role and content for from and value.",
    "instruction": "This is Alpaca's format: make instruction and input a user message, output an "
    "assistant message.",
    "body": "This is a request of the batch API: take the messages out of its body, and add the "
    "answer.",
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_SLIP = 40  # characters of what may be meant for a known word


def messages_are_a_list(example: Example) -> Iterator[RawFinding]:
    messages = example.get("messages")
    if isinstance(messages, list) and messages:
        return
    if "messages" in example:
        yield RawFinding(
            "messages-missing", f"`messages` is {shorten(messages)}.", path=("messages",)
        )
        return
    short = (key for key in islice(example, 100) if len(key) <= LONGEST_SLIP)
    near = get_close_matches("messages", short, n=1)
    fix = f"Rename {shorten(near[0])!r} to messages." if near else None
    others = (fix for key, fix in _OTHER_FORMATS.items() if key in example)
    yield RawFinding(
        "messages-missing", "The example has no `messages`.", fix=fix or next(others, None)
    )


def messages_are_objects(example: Example) -> Iterator[RawFinding]:
    for index, message in _messages(example):
        if not isinstance(message, dict):
            yield RawFinding(
                "message-not-object", f"The message is {shorten(message)}.", index, at(index)
            )


def roles_are_known(example: Example) -> Iterator[RawFinding]:
    for index, message in objects(example):
        role = message.get("role")
        if role not in ROLES:
            problem = f"The role is {shorten(role)}." if "role" in message else "There is no role."
            fix = _did_you_mean(role[:100].lower(), ROLES) if isinstance(role, str) else None
            if role == "function":
                fix = "This is how functions were called before: use the role tool and tool_calls."
            yield RawFinding("role-unknown", problem, index, at(index, "role"), fix)


def contents_are_there(example: Example) -> Iterator[RawFinding]:
    """Only an assistant message that calls tools may come without content."""
    for index, message in objects(example):
        content = message.get("content")
        calls = message.get("tool_calls") or message.get("function_call")
        if content is None or content == "" or content == [] or _blank(content):
            if not (calls and message.get("role") == "assistant" and not content):
                who = shorten(message.get("role", "message"))
                problem = f"is {shorten(content)!r}" if "content" in message else "is missing"
                yield RawFinding(
                    "content-missing",
                    f"The {who}'s content {problem}.",
                    index,
                    at(index, "content"),
                )
        elif not isinstance(content, str | list):
            who = shorten(message.get("role", "message"))
            yield RawFinding(
                "content-invalid",
                f"The {who}'s content is {shorten(content)}.",
                index,
                at(index, "content"),
            )


def keys_are_known(example: Example) -> Iterator[RawFinding]:
    if "messages" in example:
        yield from unknown_keys(example, _EXAMPLE_KEYS)
    for index, message in objects(example):
        yield from unknown_keys(message, _MESSAGE_KEYS, index, at(index))


def names_are_allowed(example: Example) -> Iterator[RawFinding]:
    for index, message in objects(example):
        name = message.get("name")
        if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            yield RawFinding(
                "name-invalid", f"The name is {shorten(name)}.", index, at(index, "name")
            )


def ends_with_assistant(example: Example) -> Iterator[RawFinding]:
    roles = [(index, message.get("role")) for index, message in objects(example)]
    if not roles or any(role not in ROLES for _, role in roles):
        return
    names = [role for _, role in roles]
    if "assistant" not in names:
        yield RawFinding("no-assistant", "No message is from the assistant.", roles[-1][0])
    elif names[-1] != "assistant":
        index = roles[-1][0]
        problem = f"The last message is from the {names[-1]}."
        yield RawFinding("last-not-assistant", problem, index, at(index, "role"))


def roles_take_turns(example: Example) -> Iterator[RawFinding]:
    messages = list(_messages(example))
    roles = [message.get("role") if isinstance(message, dict) else None for _, message in messages]
    if not roles or any(role not in ROLES for role in roles):
        return  # other checks report this
    if "user" not in roles and "tool" not in roles:
        yield RawFinding("no-user", "No message is from a user.")
    for index in range(1, len(roles)):
        role, before = roles[index], roles[index - 1]
        if role in ("system", "developer") and before not in ("system", "developer"):
            yield RawFinding(
                "system-late", f"Message {index} is from the {role}.", index, at(index, "role")
            )
        elif role == before and role in ("user", "assistant"):
            yield RawFinding(
                "same-role-twice",
                f"Messages {index - 1} and {index} are both from the {role}.",
                index,
                at(index, "role"),
            )


def weights_are_zero_or_one(example: Example) -> Iterator[RawFinding]:
    weights = []
    for index, message in objects(example):
        answers = message.get("role") == "assistant"
        weight = message.get("weight", 1)
        weights += [weight] if answers else []
        if "weight" not in message:
            continue
        if not answers:
            who = shorten(message.get("role"))
            yield RawFinding(
                "weight-misplaced",
                f"A message from the {who} has a weight.",
                index,
                at(index, "weight"),
            )
        elif weight not in (0, 1) or isinstance(weight, bool):
            yield RawFinding(
                "weight-invalid", f"The weight is {shorten(weight)}.", index, at(index, "weight")
            )
    if weights and all(w == 0 and not isinstance(w, bool) for w in weights):
        yield RawFinding("nothing-to-learn", "Every answer of the example has the weight 0.")


SHAPE_CHECKS: tuple[Check, ...] = (
    messages_are_a_list,
    messages_are_objects,
    roles_are_known,
    contents_are_there,
    keys_are_known,
    names_are_allowed,
    ends_with_assistant,
    roles_take_turns,
    weights_are_zero_or_one,
)


# ---- helpers that the checks of tools, images and preferences share


def at(index: int, *keys: str | int) -> tuple[str | int, ...]:
    return ("messages", index, *keys)


def objects(example: Example) -> list[tuple[int, dict[str, Any]]]:
    """The messages that are objects, with their place."""
    messages = example.get("messages")
    if not isinstance(messages, list):
        return []
    return [(i, message) for i, message in enumerate(messages) if isinstance(message, dict)]


def unknown_keys(
    value: dict[str, Any],
    known: Iterable[str],
    message_index: int | None = None,
    path: tuple[str | int, ...] = (),
) -> Iterator[RawFinding]:
    known = tuple(known)
    for key in value:
        if key not in known:
            fix = _did_you_mean(key, known)
            yield RawFinding(
                "unknown-key",
                f"The key {shorten(key)!r} is not known here.",
                message_index,
                (*path, key),
                fix,
            )


def _did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A word that is much longer than all that are known is no slip of the pen, and comparing it
    would take memory many times its length."""
    near = get_close_matches(word, known, n=1) if len(word) <= LONGEST_SLIP else []
    return f"Did you mean {near[0]}?" if near else None


def _messages(example: Example) -> Iterator[tuple[int, Any]]:
    messages = example.get("messages")
    yield from enumerate(messages if isinstance(messages, list) else [])


def _blank(content: object) -> bool:
    return isinstance(content, str) and (not content or content.isspace())
