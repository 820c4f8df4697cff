"""The quick way through a block: the lines that are surely right, with few steps for each.

Most lines of most files are plain: they decode straight into typed messages, and little of their
shape is then left to check. A line about which there is any doubt is handed back, for `scan` to
parse and check in full: this module finds nothing wrong with any line.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.dataset.checks import tools
from shared.dataset.checks.conversations import ParsedExample, said_calls
from shared.dataset.checks.remainder import LONGEST_ID
from shared.dataset.reading.examples import Conversation, Message
from shared.dataset.reading.limits import MOST_PIECES, Steps, TooComplex
from shared.dataset.reading.parsing import count_keys, keys_written
from shared.dataset.reading.prefilter import Counts


class _PlainMessage(Message, forbid_unknown_fields=True, gc=False):
    """A message as it stands in a line; when it is taken as a Message, its content is a text."""

    content: str | msgspec.UnsetType | None = msgspec.UNSET  # type: ignore[assignment]
    tool_calls: msgspec.Raw = msgspec.Raw()
    tool_call_id: str | None = None


class _PlainExample(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_PlainMessage]
    tools: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_PlainExample).decode
_decode_any = msgspec.json.Decoder().decode
_TAKES_TURNS = re.compile(r"[sd]?(?:ua)+")
_CALLS_TOOLS = re.compile(r"[sd]?(?:u(?:at+)*a)+")


class FastPathResult(NamedTuple):
    plain: list[Conversation]
    with_tools: list[ParsedExample]
    remaining: list[int]  # the numbers of the lines that must be checked in full


def parse_plain(
    numbers: Iterable[int], lines: Sequence[bytes], key_counts: Counts, steps: Steps | None
) -> FastPathResult:
    """A count of keys is -1 where it is not certain. Without steps no line with tools is taken."""
    result = FastPathResult([], [], [])
    for number, line, count in zip(numbers, lines, key_counts.tolist(), strict=True):
        if len(line) > MOST_PIECES:
            result.remaining.append(number)  # it may have more pieces than are examined
            continue
        try:
            example = _decode(line)
            messages = example.messages
            roles = "".join([message.role[0] for message in messages])
            count = keys_written(line) if count < 0 else count
            if example.tools:
                if steps and (parsed := _with_tools(number, example, roles, count, steps)):
                    result.with_tools.append(parsed)
                    continue
            elif count == 1 + 2 * len(messages) or _weights_are_right(messages, count):
                result.plain.append(Conversation(number, messages, roles))
                continue
        except (msgspec.DecodeError, ValueError, RecursionError, TooComplex):
            pass
        result.remaining.append(number)
    return _without_doubtful(result)


def _without_doubtful(result: FastPathResult) -> FastPathResult:
    """Whether all of them take turns and say something is quickly asked for all at once."""
    patterns = {conversation.roles for conversation in result.plain}
    doubtful = {roles for roles in patterns if not _TAKES_TURNS.fullmatch(roles)}
    texts = [message.content for one in result.plain for message in one.messages]
    if not doubtful and all(texts) and not any(map(str.isspace, texts)):
        return result
    plain = []
    for one in result.plain:
        if one.roles in doubtful or any(_is_blank(message.content) for message in one.messages):
            result.remaining.append(one.line)
        else:
            plain.append(one)
    return FastPathResult(plain, result.with_tools, sorted(result.remaining))


def _is_blank(content: str | msgspec.UnsetType | None) -> bool:
    return not isinstance(content, str) or not content or content.isspace()


def _weights_are_right(messages: list[_PlainMessage], count: int) -> bool:
    """Weights on answers only, one of them is learned, and no key is there twice."""
    given = sum(message.weight is not None for message in messages)
    answers = [message.weight for message in messages if message.role == "assistant"]
    return (
        count == 1 + 2 * len(messages) + given
        and given == sum(weight is not None for weight in answers)
        and any(weight != 0 for weight in answers)
    )


# ---- tools


def _with_tools(
    number: int, example: _PlainExample, roles: str, count: int, steps: Steps
) -> ParsedExample | None:
    """An example with tools, if every call is right and answered in its place."""
    steps.begin_line()
    declared = tools.tools_declared_in(bytes(example.tools), steps)
    if not declared.value or declared.findings or not _CALLS_TOOLS.fullmatch(roles):
        return None
    calls: list[Any] = []
    waiting: set[str] = set()
    keys = 2 + declared.keys + 2 * len(roles) + roles.count("t")
    made: list[Any] | None = None  # the calls of the last message
    for index, message in enumerate(example.messages):
        made = None
        if message.role == "tool":
            if message.tool_call_id not in waiting or len(message.tool_call_id) > LONGEST_ID:
                return None
            waiting.remove(message.tool_call_id)
        elif waiting:
            return None
        if message.tool_calls:
            made = _right_calls(message, index, declared, steps)
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
    extra = asks = msgspec.json.encode([declared.value, calls]).decode()
    if made:
        asks = msgspec.json.encode([declared.value, calls[: -len(made)]]).decode()
    called = frozenset(call["function"]["name"] for call in calls)
    conversation = Conversation(
        number, example.messages, roles, extra, asks, said=said_calls(calls)
    )
    return ParsedExample(conversation, "chat", declared=frozenset(declared.schemas), called=called)


def _right_calls(
    message: _PlainMessage, index: int, declared: tools.DeclaredTools, steps: Steps
) -> list[Any] | None:
    calls = _decode_any(message.tool_calls)
    if message.role != "assistant" or not isinstance(calls, list):
        return None
    if message.content and (message.content == "null" or _is_blank(message.content)):
        return None
    if any(any(tools.check_call(call, index, (), declared, steps)) for call in calls):
        return None
    return calls if len({call["id"] for call in calls}) == len(calls) else None
