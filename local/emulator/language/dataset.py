"""Reads JSONL datasets as the service does: chat examples, and pairs of answers for DPO.

Pure: knows nothing of jobs, tokens or torch. It stops at the first bad example, because that is all
that the service tells (no source gives a list of errors by line).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .call_format import CALL_OPENING, Described, call_text, described, functions_text
from .pictures import MOST_IN_AN_EXAMPLE, picture_text

MIN_EXAMPLES = 10
ROLES = {"system", "developer", "user", "assistant", "tool"}
T = TypeVar("T")


class DatasetError(ValueError):
    """The file cannot be trained on; `code` is the code that the failed job will bear."""

    def __init__(self, message: str, code: str = "invalid_training_file") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Message:
    """`pictures`: how many of them `content` tells of."""

    role: str
    content: str
    weight: int = 1
    pictures: int = 0

    @property
    def learned(self) -> bool:
        return self.role == "assistant" and self.weight != 0


Example = tuple[Message, ...]


@dataclass(frozen=True)
class Pair:
    """One line of a DPO dataset: the same conversation, ended well and ended badly."""

    preferred: Example
    rejected: Example


def read_examples(lines: Iterable[bytes]) -> list[Example]:
    """All examples of a file; blank lines are passed over, a byte order mark too (both are
    seen in files that the service takes)."""
    return _read(lines, _example)


def read_pairs(lines: Iterable[bytes]) -> list[Pair]:
    return _read(lines, _pair)


def check_dataset(lines: Iterable[bytes]) -> None:
    """What can be checked at import, when it is not known yet for which method the file is."""
    _read(lines, lambda parsed: _pair(parsed) if "input" in parsed else _example(parsed))


def have_pictures(examples: Iterable[Example | Pair]) -> bool:
    return any(message.pictures for message in _messages_of(examples))


def have_calls(examples: Iterable[Example | Pair]) -> bool:
    """Whether calls are learned."""
    return any(m.learned and CALL_OPENING in m.content for m in _messages_of(examples))


def _messages_of(examples: Iterable[Example | Pair]) -> Iterator[Message]:
    for example in examples:
        yield from example.preferred if isinstance(example, Pair) else example


def with_functions(messages: Sequence[Message], text: str) -> list[Message]:
    """The conversation with that text, if there is one, in its system message."""
    if not text:
        return list(messages)
    if messages and messages[0].role in ("system", "developer"):
        said = replace(messages[0], content=f"{messages[0].content}\n\n{text}")
        return [said, *messages[1:]]
    return [Message("system", text), *messages]


def require_enough(examples: list[Any]) -> None:
    if len(examples) < MIN_EXAMPLES:
        raise _invalid(
            f"Training file has {len(examples)} example(s), but must have at least"
            f" {MIN_EXAMPLES} examples"
        )


def _read(lines: Iterable[bytes], parse: Callable[[dict[str, Any]], T]) -> list[T]:
    found: list[T] = []
    for number, line in _numbered(lines):
        try:
            found.append(parse(_object(line)))
        except ValueError as error:
            raise _invalid(f"Invalid file format. Example {number} {error}") from error
    if not found:
        raise DatasetError(
            "Validation of jsonl file failed: No valid json line found in file.",
            "jsonlValidationFailed",
        )
    return found


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    for line in lines:
        stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
        if stripped:
            number += 1
            yield number, stripped


def _invalid(detail: str) -> DatasetError:
    return DatasetError(f"The job failed due to an invalid training file. {detail}.")


def _object(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
        json.dumps(parsed, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise ValueError("is not valid JSON") from error
    return parsed if isinstance(parsed, dict) else {}


def _messages(raw: object, name: str) -> Example:
    if not isinstance(raw, list) or not raw:
        raise ValueError(f'has no list "{name}"')
    messages = tuple(to_message(message) for message in raw)
    if sum(message.pictures for message in messages) > MOST_IN_AN_EXAMPLE:
        raise ValueError(f"has more than {MOST_IN_AN_EXAMPLE} images")
    return messages


def _asked(given: dict[str, Any], name: str = "messages") -> Example:
    """Its messages, and what its tools are in the words in which a chat tells of them."""
    messages = _messages(given.get("messages"), name)
    return tuple(with_functions(messages, _told(given)))


def _told(given: dict[str, Any]) -> str:
    tools = [_inner(tool) for tool in _list(given, "tools")]
    functions = [_function(one) for one in tools + _list(given, "functions")]
    return functions_text(functions) if functions else ""


def _list(given: dict[str, Any], name: str) -> list[Any]:
    found = given.get(name) or []
    if not isinstance(found, list):
        raise ValueError(f'has "{name}" that are no list')
    return found


def _inner(tool: object) -> object:
    return tool.get("function") if isinstance(tool, dict) else None


def _function(given: object) -> Described:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise ValueError("has a tool without a function's name")
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise ValueError("has a tool whose parameters are no object")
    return described(given["name"], given.get("description"), parameters)


def _example(parsed: dict[str, Any]) -> Example:
    example = _asked(parsed)
    if not any(message.learned for message in example):
        raise ValueError("has no message of the assistant to learn from")
    if example[-1].role != "assistant":
        raise ValueError("does not end with a message of the assistant")
    return example


def _pair(parsed: dict[str, Any]) -> Pair:
    given = parsed.get("input")
    asked = _asked(given if isinstance(given, dict) else {}, "input.messages")
    # An assistant's messages in the question are not learned.
    asked = tuple(replace(message, weight=0) for message in asked)
    preferred, rejected = (
        asked + _output(parsed.get(name), name)
        for name in ("preferred_output", "non_preferred_output")
    )
    return Pair(preferred, rejected)


def _output(raw: object, name: str) -> Example:
    output = _messages(raw, name)
    if any(message.role not in ("assistant", "tool") for message in output):
        raise ValueError(f'has in "{name}" a role other than assistant or tool')
    if not any(message.role == "assistant" for message in output):
        raise ValueError(f'has in "{name}" no message of the assistant')
    return output


def to_message(raw: object) -> Message:
    """One message of an example or of a chat; ValueError says what is wrong with it."""
    if not isinstance(raw, dict):
        raise ValueError("has a message that is not an object")
    role, weight = raw.get("role"), raw.get("weight", 1)
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"has a message with the unknown role {str(role)[:80]!r}")
    if "weight" in raw and (
        role != "assistant" or isinstance(weight, bool) or weight not in (0, 1)
    ):
        raise ValueError("has a weight other than 0 or 1 on a message of the assistant")
    text, pictures = _content(role, raw)
    return Message(role, text, int(weight), pictures)


def _content(role: str, raw: dict[str, Any]) -> tuple[str, int]:
    """What the model reads of a message, and how many pictures are in it."""
    content, calls = raw.get("content"), raw.get("tool_calls")
    if role == "assistant":
        content = content or raw.get("refusal") or content
        if calls:
            return _parts(role, content or "")[0] + _calls(calls), 0
    return _parts(role, content)


def _parts(role: str, content: object) -> tuple[str, int]:
    """Of a text, or of a list of parts, joined."""
    if isinstance(content, str):
        return content, 0
    if not isinstance(content, list):
        raise ValueError("has a message without content")
    parts = [_part(role, part) for part in content]
    return "".join(text for text, _ in parts), sum(picture for _, picture in parts)


def _part(role: str, part: object) -> tuple[str, int]:
    if isinstance(part, dict) and part.get("type") == "image_url":
        if role != "user":
            raise ValueError(f"has an image in a message of the {role}; a user's may have one")
        return picture_text(part.get("image_url")), 1
    texts = [part.get(key) for key in ("text", "refusal")] if isinstance(part, dict) else []
    text = next((text for text in texts if isinstance(text, str)), None)
    if text is None:
        raise ValueError("has content that is neither text nor image, which is not supported")
    return text, 0


def _calls(calls: object) -> str:
    """Calls of tools as text: the small model has no other form for them."""
    text = ""
    for call in calls if isinstance(calls, list) else [None]:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise ValueError("has a tool call without a function's name")
        text += call_text(function["name"], str(function.get("arguments", "")))
    return text
