"""A corrected copy of a dataset: what can be mended without judgement, and nothing else.

A byte order mark, blank lines, exact repetitions, keys out of order, whitespace around an answer.
A line that cannot be read is copied as it is.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.dataset.findings.quoting import many

BOM = b"\xef\xbb\xbf"
ORDER = ("role", "name", "content", "tool_calls", "tool_call_id", "weight")
EXAMPLE_ORDER = (
    "messages",
    "input",
    "preferred_output",
    "non_preferred_output",
    "tools",
    "parallel_tool_calls",
)
WHAT = {
    "bom": ("removed {}", "byte order mark"),
    "blank": ("removed {}", "blank line"),
    "repeated": ("removed {}", "exact repetition"),
    "ordered": ("put the keys of {} in order", "line"),
    "trimmed": ("removed whitespace around {}", "answer"),
}


@dataclass
class Mended:
    done: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    def sentence(self) -> str:
        told = [
            text.format(many(self.done[key], what))
            for key, (text, what) in WHAT.items()
            if key in self.done
        ]
        return f"fixed: {', '.join(told) or 'there was nothing to fix'}"


def mend(source: Path, target: Path) -> Mended:
    """Write the copy; `target` appears whole or not at all, and may be `source` itself."""
    mended, seen = Mended(), set[int]()
    copy = target.with_name(f"{target.name}.part")
    with source.open("rb") as lines, copy.open("wb") as out:
        for number, line in enumerate(lines):
            if number == 0 and line.startswith(BOM):
                line = line.removeprefix(BOM)
                mended.count("bom")
            line = line.strip(b" \t\r\n")
            if not line:
                mended.count("blank")
                continue
            line = _line(line, mended)
            if hash(line) in seen:
                mended.count("repeated")
                continue
            seen.add(hash(line))
            out.write(line + b"\n")
    copy.replace(target)
    return mended


def _line(line: bytes, mended: Mended) -> bytes:
    """The line with its example mended; as it was if nothing was, or if it cannot be read."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice = twice or len(dict(pairs)) != len(pairs)
        return dict(pairs)

    try:
        example = json.loads(line, object_pairs_hook=look)
        if not isinstance(example, dict) or twice:
            return line
        ordered = _ordered(example)
        moved = json.dumps(ordered) != json.dumps(example)
        trimmed = _trim(ordered)
        if not moved and not trimmed:
            return line
        mended.done["trimmed"] = mended.done.get("trimmed", 0) + trimmed
        mended.count("ordered") if moved else None
        return json.dumps(ordered, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return line


def _ordered(example: dict[str, Any]) -> dict[str, Any]:
    found = _sorted(example, EXAMPLE_ORDER)
    messages = found.get("messages")
    if isinstance(messages, list):
        found["messages"] = [_sorted(m, ORDER) if isinstance(m, dict) else m for m in messages]
    return found


def _sorted(value: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    known = {key: value[key] for key in order if key in value}
    return known | value


def _trim(example: dict[str, Any]) -> int:
    trimmed = 0
    messages = example.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("role") == "assistant":
            content = message.get("content")
            if isinstance(content, str) and content.strip() not in ("", content):
                message["content"] = content.strip()
                trimmed += 1
    return trimmed
