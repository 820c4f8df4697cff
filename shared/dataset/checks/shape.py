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

from shared.dataset.checks import formats
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import many, quoted, shorten
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
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONGEST_SLIP = 40  # characters of what may be meant for a known word


def messages_are_a_list(example: Example) -> Iterator[RawFinding]:
    messages = example.get("messages")
    if isinstance(messages, list) and messages:
        return
    if "messages" in example:
        yield RawFinding(
            "messages-missing", f"`messages` is {quoted(messages)}.", path=("messages",)
        )
        return
    if other := formats.other_format(example):
        keys = " and ".join(f"`{key}`" for key in other.keys)
        message = f"The example has no `messages`, but {keys}."
        yield RawFinding("messages-missing", message, fix=other.cure)
        return
    short = (key for key in islice(example, 100) if len(key) <= LONGEST_SLIP)
    near = get_close_matches("messages", short, n=1)
    fix = f"Rename {quoted(near[0])} to messages." if near else None
    yield RawFinding("messages-missing", "The example has no `messages`.", fix=fix)


def messages_are_objects(example: Example) -> Iterator[RawFinding]:
    for index, message in _messages(example):
        if not isinstance(message, dict):
            yield RawFinding(
                "message-not-object", f"The message is {quoted(message)}.", index, at(index)
            )


def roles_are_known(example: Example) -> Iterator[RawFinding]:
    for index, message in objects(example):
        role = message.get("role")
        if role in ROLES or (role is None and formats.spelled_otherwise(message, "role")):
            continue  # what stands there instead is an unknown key
        problem = f"The role is {quoted(role)}." if "role" in message else "There is no role."
        cure = _cure_of_role(role) if isinstance(role, str) else None
        yield RawFinding("role-unknown", problem, index, at(index, "role"), cure)


def _cure_of_role(role: str) -> str | None:
    if role == "function":
        return formats.CURE_OF_FUNCTIONS
    if meant := formats.role_meant(role):
        return f"Write {meant}: so this role is called here."
    return _did_you_mean(role[:100].lower(), ROLES)


def contents_are_there(example: Example) -> Iterator[RawFinding]:
    """Only an assistant message that calls tools may come without content."""
    for index, message in objects(example):
        role, content = message.get("role"), message.get("content")
        calls = message.get("tool_calls") or message.get("function_call")
        calling = bool(calls) and role == "assistant"
        fix: str | None = None
        if content == "null" and calling:
            problem = 'The content beside the call is the text "null".'
            fix = "Write null without quotes, or leave the content out."
        elif content is None or content == [] or _blank(content):
            if (calling and not content) or formats.spelled_otherwise(message, "content"):
                continue
            yield _nothing_said(message, index)
            continue
        elif not isinstance(content, str | list):
            problem = f"The {_who(message)}'s content is {quoted(content)}."
            fix = "Write it as a text, as json.dumps does." if role == "tool" else None
        elif role == "tool" and isinstance(content, list):
            problem = f"The tool's content is a list of {many(len(content), 'part')}."
            fix = "Write a tool's content as one text: join the texts of its parts."
        else:
            continue
        yield RawFinding("content-invalid", problem, index, at(index, "content"), fix)


def _nothing_said(message: Example, index: int) -> RawFinding:
    """An answer is learned, so it must be there; the others may be empty, if on purpose."""
    content, role = message.get("content"), message.get("role")
    if isinstance(content, str) and role in ROLES and role != "assistant":
        problem = f"The {role}'s content is {quoted(content)}."
        return RawFinding("content-empty", problem, index, at(index, "content"))
    problem = f"is {quoted(content)}" if "content" in message else "is missing"
    problem = f"The {_who(message)}'s content {problem}."
    return RawFinding("content-missing", problem, index, at(index, "content"))


def _who(message: Example) -> str:
    return shorten(message.get("role", "message"))


def keys_are_known(example: Example) -> Iterator[RawFinding]:
    if "messages" in example:
        yield from unknown_keys(example, _EXAMPLE_KEYS, cure=formats.cure_of_example_key)
    for index, message in objects(example):
        cure = formats.cure_of_message_key
        yield from unknown_keys(message, _MESSAGE_KEYS, index, at(index), cure)


def names_are_allowed(example: Example) -> Iterator[RawFinding]:
    for index, message in objects(example):
        name = message.get("name")
        if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            yield RawFinding(
                "name-invalid", f"The name is {quoted(name)}.", index, at(index, "name")
            )


def ends_with_assistant(example: Example) -> Iterator[RawFinding]:
    roles = [(index, message.get("role")) for index, message in objects(example)]
    if not roles or any(role not in ROLES for _, role in roles):
        return
    names = [role for _, role in roles]
    if "assistant" not in names:
        yield RawFinding(
            "no-assistant",
            "No message is from the assistant.",
            roles[-1][0],
            fix=_cure_for_reinforcement(example) if names[-1] == "user" else None,
        )
    elif names[-1] != "assistant":
        index = roles[-1][0]
        problem = f"The last message is from the {names[-1]}."
        fix = _cure_for_reinforcement(example) if names[-1] == "user" else None
        yield RawFinding("last-not-assistant", problem, index, at(index, "role"), fix)


def _cure_for_reinforcement(example: Example) -> str | None:
    """Such lines end with the question, and hold what a grader needs beside it."""
    if all(key in _EXAMPLE_KEYS for key in islice(example, 100)):
        return None
    return (
        "Lines for reinforcement fine-tuning end so, with more keys for a grader: for supervised "
        "training add the right answer as an assistant message, and leave those keys out."
    )


def roles_take_turns(example: Example) -> Iterator[RawFinding]:
    messages = list(_messages(example))
    roles = [message.get("role") if isinstance(message, dict) else None for _, message in messages]
    if not roles or any(role not in ROLES for role in roles):
        return  # other checks report this
    if "user" not in roles:
        yield RawFinding("no-user", "No message is from a user.")
    for index in range(1, len(roles)):
        role, before = roles[index], roles[index - 1]
        if role in ("system", "developer") and before not in ("system", "developer"):
            yield RawFinding(
                "system-late", f"Message {index} is from the {role}.", index, at(index, "role")
            )
        elif role == before and role in ("system", "developer"):
            yield RawFinding(
                "system-twice",
                f"Messages {index - 1} and {index} are both from the {role}.",
                index,
                at(index, "role"),
            )
        elif (
            role == before and role in ("user", "assistant") and not _calls(messages[index - 1][1])
        ):
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
            fix = f"Write {weight} without quotes." if weight in ("0", "1") else None
            problem = f"The weight is {quoted(weight)}."
            yield RawFinding("weight-invalid", problem, index, at(index, "weight"), fix)
    if weights and all(w == 0 and not isinstance(w, bool) for w in weights):
        yield RawFinding("nothing-to-learn", "Every answer of the example has the weight 0.")


def _calls(message: Example) -> bool:
    """What follows a call that nothing answered is told there: joining both would be no cure."""
    return bool(message.get("tool_calls") or message.get("function_call"))


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
    cure: Callable[[str], str | None] = lambda key: None,
) -> Iterator[RawFinding]:
    known = tuple(known)
    for key in value:
        if key not in known:
            fix = cure(key) or _did_you_mean(key, known)
            yield RawFinding(
                "unknown-key",
                f"The key {quoted(key)} is not known here.",
                message_index,
                (*path, key),
                fix,
            )


def inner_keys(
    value: Example, known: tuple[str, ...], index: int | None, path: tuple[str | int, ...]
) -> Iterator[RawFinding]:
    """Keys of a part, a call or a tool: what the service does with others is not known."""
    for finding in unknown_keys(value, known, index, path):
        yield finding._replace(id="inner-key-unknown")


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
