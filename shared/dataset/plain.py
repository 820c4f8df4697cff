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
from shared.dataset.examples import Conversation, Message, Plain
from shared.dataset.glance import Counts
from shared.dataset.reading import count_keys, keys_written
from shared.dataset.talks import Understood

_decode = msgspec.json.Decoder(Plain).decode
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
        except (msgspec.DecodeError, ValueError, RecursionError):
            found.others.append(number)
            continue
        messages = example.messages
        talk = Conversation(number, messages, "".join([message.role[0] for message in messages]))
        count = keys_written(line) if count < 0 else count
        if not example.tools:
            if count == 1 + 2 * len(messages) or _weights_are_right(messages, count):
                found.plain.append(talk)
                continue
        elif known := _with_tools(talk, bytes(example.tools), count):
            found.with_tools.append(known)
            continue
        found.others.append(number)
    return _without_doubtful(found)


def _without_doubtful(found: Sieved) -> Sieved:
    """Whether all of them take turns and say something is quickly asked for all at once."""
    doubtful = {talk.roles for talk in found.plain}
    doubtful = {roles for roles in doubtful if not _TAKES_TURNS.fullmatch(roles)}
    texts = [message.content for talk in found.plain for message in talk.messages]
    if not doubtful and all(texts) and not any(map(str.isspace, texts)):
        return found
    plain = []
    for talk in found.plain:
        if talk.roles in doubtful or any(map(_says_nothing, talk.messages)):
            found.others.append(talk.line)
        else:
            plain.append(talk)
    return Sieved(plain, found.with_tools, sorted(found.others))


def _says_nothing(message: Message) -> bool:
    return not message.content or message.content.isspace()


def _weights_are_right(messages: list[Message], count: int) -> bool:
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


def _with_tools(talk: Conversation, definitions: bytes, count: int) -> Understood | None:
    """What is known of a talk with tools, if every call is right and answered in its place."""
    known = _declared(definitions)
    if not known.value or known.tools.faults or not _CALLS_TOOLS.fullmatch(talk.roles):
        return None
    calls: list[Any] = []
    waiting: set[str] = set()
    keys = 2 + known.keys + 2 * len(talk.messages) + talk.roles.count("t")
    for index, message in enumerate(talk.messages):
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                return None
            waiting.remove(message.tool_call_id)
        elif waiting:
            return None
        if not message.tool_calls:
            if _says_nothing(message):
                return None
        else:
            made = _right_calls(message, index, known.tools)
            if not made:
                return None
            calls += made
            waiting |= {call["id"] for call in made}
            keys += 1 - (message.content is msgspec.UNSET)
            message.content = message.content or ""
    if count != keys + count_keys(calls):
        return None  # one is there twice, or has no place there
    return Understood(
        talk._replace(extra=msgspec.json.encode([known.value, calls]).decode()),
        "chat",
        declared=known.names,
        called=frozenset(call["function"]["name"] for call in calls),
    )


def _right_calls(message: Message, index: int, known: tools.Declared) -> list[Any] | None:
    calls = _decode_any(message.tool_calls)
    if message.role != "assistant" or not isinstance(calls, list):
        return None
    if message.content and message.content.isspace():
        return None
    if any(any(tools.call_faults(call, index, (), known)) for call in calls):
        return None
    return calls if len({call["id"] for call in calls}) == len(calls) else None
