"""How a report quotes a dataset: masked, shortened, with the place marked.

Everything of a dataset that reaches a report goes through here, so that the report does not become
the leak. A quote is masked before it is cut, or half an address would escape.
"""

import json
from itertools import islice
from typing import Any

from shared.dataset.findings.finding import PreviewRow, RawFinding
from shared.dataset.privacy import mask, mask_number
from shared.printable import printable

AROUND = 2  # messages shown before and after the one that is meant
WIDTH = 96  # characters of a row


def shorten(value: object, limit: int = 60) -> str:
    """A name, or another value as JSON, masked and cut so that a report stays readable."""
    return _cut(_masked(value, limit), limit) if isinstance(value, str) else quoted(value, limit)


def quoted(value: object, limit: int = 60) -> str:
    """A value as it stands in the file: JSON, its keys in their order, a text within its quotes;
    masked, and the texts in it cut before the whole is."""
    if isinstance(value, str):
        text = json.dumps(_cut(_masked_window(value, limit), limit), ensure_ascii=False)
        return printable(text)
    text = json.dumps(_trimmed(value, width=limit // 3), ensure_ascii=False)
    return _cut(printable(text), limit)


def many(count: int, noun: str) -> str:
    """`1 example`, `1,200 examples`"""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def path(steps: tuple[str | int, ...]) -> str:
    """`messages[2].content`"""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{shorten(s, 40)}" for s in steps)[
        0 if steps and isinstance(steps[0], int) else 1 :
    ]


def around(text: str, at: int) -> tuple[PreviewRow, ...]:
    """The part of a line about a character that cannot be read."""
    start = max(0, at - 48)
    before = _cut_left(_masked(text[max(0, at - 2000) : at], 400), 48)
    after = _cut(_masked(text[at + 1 : at + 2001], 400), 47)
    meant = printable(text[at : at + 1]) or "⏎"
    before = f"…{before}" if start else before
    return (PreviewRow(f"{before}{meant}{after}", len(before), len(before) + len(meant)),)


def preview(example: dict[str, Any], finding: RawFinding) -> tuple[PreviewRow, ...]:
    """The messages around the one that is meant, one row each, and the place within it."""
    messages = _list_at(example, finding)
    if finding.message_index is None or not messages:
        return (_row(example, finding.path),)
    first = max(0, finding.message_index - AROUND)
    return tuple(
        _row(message, finding.path if first + offset == finding.message_index else None)
        for offset, message in enumerate(messages[first : finding.message_index + AROUND + 1])
    )


def _list_at(example: dict[str, Any], finding: RawFinding) -> list[Any]:
    """The list that `finding.message_index` counts in: messages, or one of a preference's lists."""
    place: Any = example
    for step in finding.path:
        if isinstance(place, list):
            break
        place = place.get(step) if isinstance(place, dict) else None
    if not isinstance(place, list):
        place = example.get("messages")
    return place if isinstance(place, list) else []


def _row(value: Any, meant: tuple[str | int, ...] | None) -> PreviewRow:
    """The value as JSON with its texts cut; marked where the last key of `meant` stands."""
    text = json.dumps(_trimmed(value), ensure_ascii=False)
    if meant is None:
        return PreviewRow(_cut(printable(text), WIDTH))
    key = next((step for step in reversed(meant) if isinstance(step, str)), "")
    text = printable(text)
    at = text.find(f'"{key}"') if key not in ("messages", "") else -1
    if at < 0:
        shown = _cut(text, WIDTH)
        return PreviewRow(shown, 0, len(shown))
    end = text.find(', "', at)
    end = end if end > 0 else len(text) - 1  # the brace that closes the object is not meant
    start = max(0, min(at - 1, end - WIDTH // 2)) if end > WIDTH else 0
    before = ("…" if start else "") + text[start:at]
    shown = _cut(before + text[at:], WIDTH)
    return PreviewRow(shown, len(before), min(len(before) + end - at, len(shown)))


def _trimmed(value: Any, depth: int = 3, width: int = 40) -> Any:
    if isinstance(value, str):
        return _cut(_masked_window(value, width), width)
    if isinstance(value, dict) and depth:
        members = islice(value.items(), 8)
        return {_trimmed(k, 0, 30): _trimmed(v, depth - 1, width) for k, v in members}
    if isinstance(value, list) and depth:
        return [_trimmed(v, depth - 1, min(width, 24)) for v in value[:4]]
    if isinstance(value, bool | None):
        return value
    return mask_number(value) if isinstance(value, int | float) else "…"


def _masked(text: str, limit: int) -> str:
    return printable(_masked_window(text, limit))


def _masked_window(text: str, limit: int) -> str:
    window = limit * 4 + 400
    cut = mask(text[:window])
    if len(text) > window:
        cut = cut[:-100]  # a value that the window has cut through cannot be recognised
    return cut


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _cut_left(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[-limit:]
