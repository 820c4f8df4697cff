"""Reads JSONL datasets as the service does: chat examples, and pairs of answers for DPO.

Pure: knows nothing of jobs, tokens or torch. It stops at the first bad example, because that is all
that the service tells (no source gives a list of errors by line).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

MIN_EXAMPLES = 10
CALL_OPENING, CALL_END = "<tool_call>", "</tool_call>"
ROLES = {"system", "developer", "user", "assistant", "tool"}
T = TypeVar("T")


class DatasetError(ValueError):
    """The file cannot be trained on; `code` is the code that the failed job will bear."""

    def __init__(self, message: str, code: str = "invalid_training_file") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Message:
    role: str
    content: str
    weight: int = 1

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
    return tuple(to_message(message) for message in raw)


def _example(parsed: dict[str, Any]) -> Example:
    example = _messages(parsed.get("messages"), "messages")
    if not any(message.learned for message in example):
        raise ValueError("has no message of the assistant to learn from")
    if example[-1].role != "assistant":
        raise ValueError("does not end with a message of the assistant")
    return example


def _pair(parsed: dict[str, Any]) -> Pair:
    given = parsed.get("input")
    asked = _messages(given.get("messages") if isinstance(given, dict) else None, "input.messages")
    # An assistant's messages in the question are not learned.
    asked = tuple(Message(message.role, message.content, weight=0) for message in asked)
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
    calls = raw.get("tool_calls")
    if calls and role == "assistant":
        return Message(role, _text(raw.get("content") or "") + _calls(calls), int(weight))
    return Message(role, _text(raw.get("content")), int(weight))


def _text(content: object) -> str:
    """Text, or a list of text parts joined."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise ValueError("has a message without content")
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
        raise ValueError("has content other than text, which this emulator does not support")
    return "".join(part["text"] for part in content)


def _calls(calls: object) -> str:
    """Calls of tools as text: the small model has no other form for them."""
    text = ""
    for call in calls if isinstance(calls, list) else [None]:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise ValueError("has a tool call without a function's name")
        text += call_text(function["name"], str(function.get("arguments", "")))
    return text


def call_text(name: str, arguments: str) -> str:
    """A call as the model reads and writes it: the arguments as an object, if they are JSON."""
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        given = arguments
    shown = json.dumps({"name": name, "arguments": given}, ensure_ascii=False)
    return f"{CALL_OPENING}{shown}{CALL_END}"
