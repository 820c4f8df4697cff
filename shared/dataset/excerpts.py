"""What a line of a dataset asks and answers, short and with everything private masked: for people
who look at lines, not for programs. Of what cannot be read there is nothing.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from shared.dataset.findings.quoting import shorten
from shared.printable import printable

LONGEST = 300  # characters of a text
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Excerpt(NamedTuple):
    asks: str
    answers: str


def of_lines(path: Path, wanted: Iterable[int]) -> dict[int, Excerpt]:
    """By the numbers of the lines, which count from 1."""
    numbers, found = set(wanted), dict[int, Excerpt]()
    if not numbers:
        return found
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number in numbers:
                found[number] = of_line(line)
            if number >= max(numbers):
                break
    return found


def of_line(line: bytes) -> Excerpt:
    try:
        example = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
        if "input" in example:
            asked = example["input"]["messages"]
            return Excerpt(_last(asked, "user"), _last(example["preferred_output"], "assistant"))
        return Excerpt(*(_last(example["messages"], role) for role in ("user", "assistant")))
    except UNREADABLE:
        return Excerpt("", "")


def _last(messages: Any, role: str) -> str:
    """What was said last in that role: its text, or that it is a call."""
    message: dict[str, Any] = next((m for m in reversed(messages) if m.get("role") == role), {})
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content)
    if not content and message.get("tool_calls"):
        content = json.dumps(message["tool_calls"], ensure_ascii=False)
    text = content if isinstance(content, str) else ""
    return printable(shorten(text, LONGEST))
