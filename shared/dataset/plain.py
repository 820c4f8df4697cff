"""The quick way through a block: the lines that are surely right, with few steps for each.

Most lines of most files are plain: they decode straight into typed messages, and little of their
shape is then left to check. A line about which there is any doubt is handed back, for `scan` to
look at with care: nothing is ever called wrong here.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from shared.dataset import tools
from shared.dataset.examples import Conversation, Message
from shared.dataset.glance import Counts
from shared.dataset.reading import count_keys, keys_written
from shared.dataset.talks import Understood


class _Written(Message, forbid_unknown_fields=True, gc=False):
    """A message as it stands in a line; when it is taken as a Message, its content is a text."""

    content: str | msgspec.UnsetType | None = msgspec.UNSET  # type: ignore[assignment]
    tool_calls: msgspec.Raw = msgspec.Raw()
    tool_call_id: str | None = None


class _Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_Written]
    tools: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Plain).decode
_decode_any = msgspec.json.Decoder().decode
_TAKES_TURNS = re.compile(r"[sd]?(?:ua)+")
_CALLS_TOOLS = re.compile(r"[sd]?(?:u(?:at+)*a)+")


class Sieved(NamedTuple):
    plain: list[Conversation]
    with_tools: list[Understood]
    others: list[int]  # the numbers of the lines that must be looked at with care


def sieve(first: int, lines: Sequence[bytes], keys: Counts) -> Sieved:
    """`first` is the number of the first line; `keys` has the keys in each line, -1 if unsure."""
    found = Sieved([], [], [])
    for number, (line, count) in enumerate(zip(lines, keys.tolist(), strict=True), first):
        try:
            example = _decode(line)
            messages = example.messages
            roles = "".join([message.role[0] for message in messages])
            count = keys_written(line) if count < 0 else count
            if example.tools:
                if known := _with_tools(number, example, roles, count):
                    found.with_tools.append(known)
                    continue
            elif count == 1 + 2 * len(messages) or _weights_are_right(messages, count):
                found.plain.append(Conversation(number, messages, roles))
                continue
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass
        found.others.append(number)
    return _without_doubtful(found)


def _without_doubtful(found: Sieved) -> Sieved:
    """Whether all of them take turns and say something is quickly asked for all at once."""
    patterns = {talk.roles for talk in found.plain}
    doubtful = {roles for roles in patterns if not _TAKES_TURNS.fullmatch(roles)}
    texts = [message.content for talk in found.plain for message in talk.messages]
    if not doubtful and all(texts) and not any(map(str.isspace, texts)):
        return found
    plain = []
    for talk in found.plain:
        if talk.roles in doubtful or any(_is_blank(message.content) for message in talk.messages):
            found.others.append(talk.line)
        else:
            plain.append(talk)
    return Sieved(plain, found.with_tools, sorted(found.others))


def _is_blank(content: str | msgspec.UnsetType | None) -> bool:
    return not isinstance(content, str) or not content or content.isspace()


def _weights_are_right(messages: list[_Written], count: int) -> bool:
    """Weights on answers only, one of them is learned, and no key is there twice."""
    given = sum(message.weight is not None for message in messages)
    answers = [message.weight for message in messages if message.role == "assistant"]
    return (
        count == 1 + 2 * len(messages) + given
        and given == sum(weight is not None for weight in answers)
        and any(weight != 0 for weight in answers)
    )


# ---- tools


class _Declared(NamedTuple):
    names: frozenset[str]
    tools: tools.Declared
    value: Any
    keys: int


@lru_cache(maxsize=64)
def _declared(definitions: bytes) -> _Declared:
    """The same definitions stand in every line of most files."""
    value = _decode_any(definitions)
    known = tools.declared({"tools": value})
    return _Declared(frozenset(known.schemas), known, value, count_keys(value))


def _with_tools(number: int, example: _Plain, roles: str, count: int) -> Understood | None:
    """What is known of an example with tools, if every call is right and answered in its place."""
    known = _declared(bytes(example.tools))
    if not known.value or known.tools.faults or not _CALLS_TOOLS.fullmatch(roles):
        return None
    calls: list[Any] = []
    waiting: set[str] = set()
    keys = 2 + known.keys + 2 * len(roles) + roles.count("t")
    for index, message in enumerate(example.messages):
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                return None
            waiting.remove(message.tool_call_id)
        elif waiting:
            return None
        if message.tool_calls:
            made = _right_calls(message, index, known.tools)
            if not made:
                return None
            calls += made
            waiting |= {call["id"] for call in made}
            keys += 1 - (message.content is msgspec.UNSET)
            message.content = message.content or ""
        elif _is_blank(message.content):
            return None
    if count != keys + count_keys(calls):
        return None  # one is there twice, or has no place there
    extra = msgspec.json.encode([known.value, calls]).decode()
    called = frozenset(call["function"]["name"] for call in calls)
    talk = Conversation(number, example.messages, roles, extra)
    return Understood(talk, "chat", declared=known.names, called=called)


def _right_calls(message: _Written, index: int, known: tools.Declared) -> list[Any] | None:
    calls = _decode_any(message.tool_calls)
    if message.role != "assistant" or not isinstance(calls, list):
        return None
    if message.content and _is_blank(message.content):
        return None
    if any(any(tools.call_faults(call, index, (), known)) for call in calls):
        return None
    return calls if len({call["id"] for call in calls}) == len(calls) else None
