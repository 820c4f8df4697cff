"""A corrected copy of a dataset: what can be corrected without judgement, and nothing else.

A byte order mark, blank lines, exact repetitions, keys out of order, whitespace around an answer;
on demand, keys that the check does not know. One that looks misspelt, or that may hold what is
missing beside it, stays: to leave it out would lose what was meant. A line that is no example, or
is too long or too complex to be read whole, is copied as it is. A file of none is not corrected.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.dataset.checks.example_checks import check_example
from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import many, shorten
from shared.dataset.reading.limits import (
    MOST_LINES,
    MOST_UNREADABLE,
    Steps,
    TooComplex,
    refuse_many_pieces,
)
from shared.dataset.reading.lines import pieces
from shared.dataset.reading.parsing import wrong_encoding
from shared.errors import CallerError

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
HOLDS = ("messages", "input", "preferred_output", "non_preferred_output")  # an example, one of
SAYS = ("content", "tool_calls", "function_call", "refusal")  # a message, one of
SENTENCES = {  # kind of correction → what was done, to what
    "bom": ("removed {}", "byte order mark"),
    "blank": ("removed {}", "blank line"),
    "repeated": ("removed {}", "exact repetition"),
    "ordered": ("put the keys of {} in order", "line"),
    "trimmed": ("removed whitespace around {}", "answer"),
}
MOST_KEYS = 10  # names of keys that the sentence tells


class CannotMend(CallerError):
    """The file is no JSONL of examples; nothing was written."""


@dataclass
class Corrections:
    counts: Counter[str] = field(default_factory=Counter)
    compared: int = 0  # lines
    examples: int = 0  # also those too complex to be read
    others: int = 0  # lines that are none
    dropped: Counter[str] = field(default_factory=Counter)  # keys, as a report quotes them
    kept: Counter[str] = field(default_factory=Counter)  # unknown keys that may be meant

    def sentence(self) -> str:
        done = [
            text.format(many(self.counts[kind], noun))
            for kind, (text, noun) in SENTENCES.items()
            if self.counts[kind]
        ]
        if self.dropped:
            done.append(f"left out unknown keys: {_counted(self.dropped)}")
        some = f"; only {MOST_LINES:,} lines were compared" if self.compared >= MOST_LINES else ""
        if self.kept:
            some += f"; unknown keys that may be misspelt stay: {_counted(self.kept)}"
        return f"fixed: {', '.join(done) or 'there was nothing to fix'}{some}"


def _counted(keys: Counter[str]) -> str:
    told = ", ".join(f"{key} ({count:,})" for key, count in keys.most_common(MOST_KEYS))
    more = len(keys) - MOST_KEYS
    return f"{told} and {many(more, 'other')}" if more > 0 else told


def mend(source: Path, target: Path, *, drop_unknown_keys: bool = False) -> Corrections:
    """Write the copy; `target` appears whole or not at all, and may be `source` itself. Raises
    OSError, and CannotMend where no line is an example: its lines mean something else."""
    copy = target.with_name(f"{target.name}.part")
    try:
        corrections = _copied(source, copy, Steps() if drop_unknown_keys else None)
        copy.replace(target)
    finally:
        copy.unlink(missing_ok=True)
    return corrections


def _copied(source: Path, copy: Path, steps: Steps | None) -> Corrections:
    corrections, written = Corrections(), set[int]()
    with source.open("rb") as lines, copy.open("wb") as out:
        if wrong := wrong_encoding(lines.read(8)):
            raise CannotMend(f"Nothing can be corrected. {wrong.message}", "Save it as UTF-8 text.")
        lines.seek(0)
        if lines.read(len(BOM)) == BOM:
            corrections.counts["bom"] += 1
        else:
            lines.seek(0)
        for piece, begins, ends in pieces(lines, MOST_UNREADABLE):
            whole = begins and ends
            out.write(_mended(piece, written, corrections, steps) if whole else piece)
            corrections.examples += not whole
    if corrections.others and not corrections.examples:
        raise CannotMend(
            "Nothing can be corrected: no line is an example.",
            "Write one in each line, or let tunedrop convert do it.",
        )
    corrections.compared = len(written)
    return corrections


def _mended(line: bytes, written: set[int], corrections: Corrections, steps: Steps | None) -> bytes:
    """The line as it is to be written; nothing if it is left out."""
    line = line.strip(b" \t\r\n")
    if not line:
        corrections.counts["blank"] += 1
        return b""
    if steps:
        steps.earn(len(line))
        steps.begin_line()
    line, said = _line(line, corrections, steps)
    if said in written:
        corrections.counts["repeated"] += 1
        return b""
    if said and len(written) < MOST_LINES:
        written.add(said)
    return line + b"\n"


def _line(line: bytes, corrections: Corrections, steps: Steps | None) -> tuple[bytes, int]:
    """The line with its example corrected; as it was if nothing was, or if it cannot be read. And
    a hash of what the example says, however it is written; 0 for what is not compared."""
    twice = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice = twice or len(dict(pairs)) != len(pairs)
        return dict(pairs)

    try:
        refuse_many_pieces(line)
        example = json.loads(line, object_pairs_hook=note)
        if not isinstance(example, dict) or not any(key in example for key in HOLDS):
            corrections.others += 1
            return line, 0
        corrections.examples += 1
        if twice:
            return line, hash(line)
        dropped = _drop_unknown_keys(example, corrections, steps) if steps else False
        ordered = _ordered(example)
        moved = json.dumps(ordered) != json.dumps(example)
        trimmed = _trim(ordered)
        said = hash(json.dumps(ordered, sort_keys=True))
        if not moved and not trimmed and not dropped:
            return line, said
        written = json.dumps(ordered, ensure_ascii=False, allow_nan=False).encode()
        corrections.counts["trimmed"] += trimmed
        corrections.counts["ordered"] += moved
        return written, said
    except TooComplex:
        corrections.examples += 1
        return line, hash(line)
    except (ValueError, RecursionError):
        corrections.others += 1
        return line, 0


def _drop_unknown_keys(example: dict[str, Any], corrections: Corrections, steps: Steps) -> bool:
    """What the check calls unknown is left out. Raises TooComplex, and changes nothing then."""
    unknown = [f for f in check_example(example, steps) if f.id == "unknown-key"]
    changed = False
    for finding in unknown:
        *way, key = finding.path
        holder: Any = example
        for step in way:
            holder = holder[step]
        if _may_be_meant(holder, way, finding):
            corrections.kept[shorten(key)] += 1
        else:
            del holder[key]
            corrections.dropped[shorten(key)] += 1
            changed = True
    return changed


def _may_be_meant(holder: dict[str, Any], way: list[Any], finding: RawFinding) -> bool:
    """The check names what is likely meant; and a message without content may have it there."""
    in_message = len(way) > 1 and way[-2] in HOLDS
    return finding.fix is not None or (in_message and not any(key in holder for key in SAYS))


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
