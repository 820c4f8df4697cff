"""Lines of a file that is no JSONL at all: one cause for all of them, told once.

Such a file has as many lines in error as it has lines, and mending one of them helps nothing: JSON
that is written over many lines, a table, a web page. A line counts as one of these by what it is
alone, except the rows of a table, which are known by the header in the first line. What is told of
a line that only looks damaged is in `causes`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import many, quoted

_TEXT = rb'\A"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PIECE = re.compile(  # a key with its value, or a text with a comma
    _TEXT + rb"(?:\s*+:|\s*+,\Z)", re.DOTALL
)
_LAST_TEXT = re.compile(_TEXT + rb"\Z", re.DOTALL)
_BRACKETS = re.compile(rb"\A[\[\]{},]{1,8}\Z")
_WHOLE = (b"{}", b"[]")  # these are JSON, if of no use
_OLD_MAC = b"}\r{"  # never within JSON
_MARKUP = re.compile(rb"\A<[!?/A-Za-z]")
_HEADER = re.compile(rb'\A"?[A-Za-z][\w .-]{0,40}"?(?:[,;\t]"?[A-Za-z][\w .-]{0,40}"?){1,30}\Z')
_CURES = {
    "json": "Write each example on one line, without brackets or commas around the examples: "
    "json.dumps without indent does.",
    "table": "This is a table (CSV): write each row as an example, one JSON object on a line.",
    "mac": "This is how lines ended on old Macs: save the file with line feeds (LF) as line ends.",
    "markup": "This is HTML or XML, perhaps a page that asks to sign in: fetch the file again.",
}


@dataclass(slots=True)
class _Seen:
    count: int
    first: int
    last: int


class ForeignLines:
    """Is asked for each line that is not plain, in their order."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._header = b""

    def takes(self, number: int, line: bytes) -> bool:
        """Is it one of these? Then nothing else needs to be told of it."""
        kind = self._kind(number, line)
        if kind:
            seen = self._seen.setdefault(kind, _Seen(0, number, number))
            seen.count += 1
            seen.last = number
        return bool(kind)

    def _kind(self, number: int, line: bytes) -> str | None:
        line = line.strip()
        if _OLD_MAC in line:
            return "mac"
        if _PIECE.match(line) or (_BRACKETS.match(line) and line not in _WHOLE):
            return "table" if self._header else "json"
        if self._last_piece == number - 1 and _LAST_TEXT.match(line):
            return "json"
        if _MARKUP.match(line):
            return "markup"
        if number == 1 and _HEADER.match(line):
            self._header = line
        return "table" if self._header and not line.startswith(b"{") else None

    @property
    def _last_piece(self) -> int:
        return self._seen["json"].last if "json" in self._seen else -1

    def findings(self) -> Iterator[tuple[RawFinding, int]]:
        """Of each kind one, with the first of its lines."""
        for kind, seen in self._seen.items():
            if kind == "json" and seen.count == 1:  # among others: perhaps it was only torn
                message = "The line is a piece of JSON, not an object."
                yield RawFinding("not-json", message), seen.first
                continue
            lines = f"Line {seen.first:,}"
            if seen.count > 1:
                lines = f"{many(seen.count, 'line')}, from {seen.first:,} to {seen.last:,}"
            message = f"{lines}: {self._what(kind)}."
            yield RawFinding("not-jsonl", message, fix=_CURES[kind]), seen.first

    def _what(self, kind: str) -> str:
        match kind:
            case "json":
                return "pieces of JSON that is written over many lines"
            case "table":
                header = self._header.decode(errors="replace").strip()
                return f"rows of a table, whose first row is {quoted(header)}"
            case "mac":
                return "examples with only a carriage return between them"
        return "HTML or XML"
