"""Reads a JSONL file of chat examples as the service does when a job starts.

Pure: knows nothing of jobs, tokens or torch. It stops at the first bad example, because that is all
that the service tells (no source gives a list of errors by line).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FEWEST_EXAMPLES = 10
ROLES = {"system", "developer", "user", "assistant", "tool"}


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


def read_examples(lines: Iterable[bytes]) -> list[Example]:
    """All examples of a file; blank lines are passed over, a byte order mark too (both are
    seen in files that the service takes)."""
    examples = [_example(number, line) for number, line in _numbered(lines)]
    if not examples:
        raise DatasetError(
            "Validation of jsonl file failed: No valid json line found in file.",
            "jsonlValidationFailed",
        )
    return examples


def require_enough(examples: list[Example]) -> None:
    if len(examples) < FEWEST_EXAMPLES:
        raise _invalid(
            f"Training file has {len(examples)} example(s), but must have at least"
            f" {FEWEST_EXAMPLES} examples"
        )


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    for line in lines:
        stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
        if stripped:
            number += 1
            yield number, stripped


def _invalid(detail: str) -> DatasetError:
    return DatasetError(f"The job failed due to an invalid training file. {detail}.")


def _example(number: int, line: bytes) -> Example:
    def wrong(detail: str) -> DatasetError:
        return _invalid(f"Invalid file format. Example {number} {detail}")

    try:
        parsed = json.loads(line)
    except ValueError as error:
        raise wrong("is not valid JSON") from error
    messages = parsed.get("messages") if isinstance(parsed, dict) else None
    if not isinstance(messages, list) or not messages:
        raise wrong('has no list "messages"')
    try:
        example = tuple(to_message(message) for message in messages)
    except ValueError as error:
        raise wrong(str(error)) from error
    if not any(message.learned for message in example):
        raise wrong("has no message of the assistant to learn from")
    if example[-1].role != "assistant":
        raise wrong("does not end with a message of the assistant")
    return example


def to_message(raw: object) -> Message:
    """One message of an example or of a chat; ValueError says what is wrong with it."""
    if not isinstance(raw, dict):
        raise ValueError("has a message that is not an object")
    role, weight = raw.get("role"), raw.get("weight", 1)
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"has a message with the unknown role {role!r}")
    if "weight" in raw and (
        role != "assistant" or isinstance(weight, bool) or weight not in (0, 1)
    ):
        raise ValueError("has a weight other than 0 or 1 on a message of the assistant")
    if raw.get("tool_calls") or raw.get("function_call"):
        raise ValueError("has tool calls, which this emulator does not support")
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
