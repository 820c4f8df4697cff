"""A corrected copy of a dataset: what can be corrected without judgement, and nothing else.

A byte order mark, blank lines, exact repetitions, keys out of order, whitespace around an answer.
A line that cannot be read, or is too long or too complex to be read whole, is copied as it is.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.dataset.findings.quoting import many
from shared.dataset.reading.limits import (
    MOST_LINES,
    MOST_UNREADABLE,
    TooComplex,
    refuse_many_pieces,
)
from shared.dataset.reading.lines import pieces

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
SENTENCES = {  # kind of correction → what was done, to what
    "bom": ("removed {}", "byte order mark"),
    "blank": ("removed {}", "blank line"),
    "repeated": ("removed {}", "exact repetition"),
    "ordered": ("put the keys of {} in order", "line"),
    "trimmed": ("removed whitespace around {}", "answer"),
}


@dataclass
class Corrections:
    counts: Counter[str] = field(default_factory=Counter)
    compared: int = 0  # lines

    def sentence(self) -> str:
        done = [
            text.format(many(self.counts[kind], noun))
            for kind, (text, noun) in SENTENCES.items()
            if self.counts[kind]
        ]
        some = f"; only {MOST_LINES:,} lines were compared" if self.compared >= MOST_LINES else ""
        return f"fixed: {', '.join(done) or 'there was nothing to fix'}{some}"


def mend(source: Path, target: Path) -> Corrections:
    """Write the copy; `target` appears whole or not at all, and may be `source` itself."""
    corrections, written = Corrections(), set[int]()
    copy = target.with_name(f"{target.name}.part")
    with source.open("rb") as lines, copy.open("wb") as out:
        if lines.read(len(BOM)) == BOM:
            corrections.counts["bom"] += 1
        else:
            lines.seek(0)
        for piece, begins, ends in pieces(lines, MOST_UNREADABLE):
            out.write(_mended(piece, written, corrections) if begins and ends else piece)
    copy.replace(target)
    corrections.compared = len(written)
    return corrections


def _mended(line: bytes, written: set[int], corrections: Corrections) -> bytes:
    """The line as it is to be written; nothing if it is left out."""
    line = line.strip(b" \t\r\n")
    if not line:
        corrections.counts["blank"] += 1
        return b""
    line = _line(line, corrections)
    if hash(line) in written:
        corrections.counts["repeated"] += 1
        return b""
    if len(written) < MOST_LINES:
        written.add(hash(line))
    return line + b"\n"


def _line(line: bytes, corrections: Corrections) -> bytes:
    """The line with its example corrected; as it was if nothing was, or if it cannot be read."""
    twice = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice = twice or len(dict(pairs)) != len(pairs)
        return dict(pairs)

    try:
        refuse_many_pieces(line)
        example = json.loads(line, object_pairs_hook=note)
        if not isinstance(example, dict) or twice:
            return line
        ordered = _ordered(example)
        moved = json.dumps(ordered) != json.dumps(example)
        trimmed = _trim(ordered)
        if not moved and not trimmed:
            return line
        corrections.counts["trimmed"] += trimmed
        corrections.counts["ordered"] += moved
        return json.dumps(ordered, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError, TooComplex):
        return line


def _ordered(example: dict[str, Any]) -> dict[str, Any]:
    ordered = _sorted(example, EXAMPLE_ORDER)
    messages = ordered.get("messages")
    if isinstance(messages, list):
        ordered["messages"] = [_sorted(m, ORDER) if isinstance(m, dict) else m for m in messages]
    return ordered


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
