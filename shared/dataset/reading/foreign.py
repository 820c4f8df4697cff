"""Lines of a file that is no JSONL at all: one cause for all of them, told once.

Such a file has as many lines in error as it has lines, and mending one of them helps nothing: JSON
that is written over many lines, a table, a web page. A line counts as one of these by what it is
alone, except what the first line tells of: the rows of a table by its header, and examples that are
the members of a list, one on each line, by the bracket that opens it. What is told of
a line that only looks damaged is in `causes`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.dataset.findings.finding import RawFinding
from shared.dataset.findings.quoting import many, shorten

_TEXT = rb'\A"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PIECE = re.compile(  # a key with its value, or a text with a comma
    _TEXT + rb"(?:\s*+:|\s*+,\Z)", re.DOTALL
)
_LAST_TEXT = re.compile(_TEXT + rb"\Z", re.DOTALL)
_BRACKETS = re.compile(rb"\A[\[\]{}, ]{1,12}\Z")
_MEMBER = re.compile(rb'\A\{\s*+"(?:role|content|from|value)"\s*+:')  # of a list of messages
_WHOLE = (b"{}", b"[]")  # these are JSON, if of no use
MOST_TORN = 1_000  # lines that are told one by one
_OLD_MAC = b"}\r{"  # never within JSON
_MARKUP = re.compile(rb"\A<[!?/A-Za-z]")
_HEADER = re.compile(rb'\A"?[A-Za-z][\w .-]{0,40}"?(?:[,;\t]"?[A-Za-z][\w .-]{0,40}"?){1,30}\Z')
_TORN = "The line is a piece of JSON, not an object."
_ON_ONE_LINE = "Write the whole example on one line."
_CURES = {
    "json": "Write each example on one line, without brackets or commas around the examples: "
    "json.dumps without indent does, and `tunedrop convert`.",
    "table": "This is a table (CSV): write each row as an example, one JSON object on a line. "
    "`tunedrop convert` does it.",
    "mac": "This is how lines ended on old Macs: save the file with line feeds (LF) as line ends.",
    "markup": "This is HTML or XML, perhaps a page that asks to sign in: fetch the file again.",
}


@dataclass(slots=True)
class _Seen:
    count: int
    first: int
    last: int


def _begins_more(line: bytes) -> bool:
    """Does an object begin that goes on in the next line?"""
    return line[:1] in (b"{", b"[") and line[-1:] in (b"{", b"[", b",") and _left_open(line) > 0


def _goes_on(line: bytes) -> bool:
    """Does a line after such a piece belong to the same object?"""
    return bool(_LAST_TEXT.match(line) or _MEMBER.match(line)) or _left_open(line) < 0


def _left_open(line: bytes) -> int:
    """Brackets, those within texts as well: what is told of a whole file may rest on it."""
    return sum(map(line.count, (b"{", b"["))) - sum(map(line.count, (b"}", b"]")))


class ForeignLines:
    """Is asked for each line that is not plain, in their order."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._torn: list[int] = []  # pieces that no other stands beside
        self._begun: int | None = None  # a piece, before it is known whether another follows
        self._header = b""
        self._listed = False

    def takes(self, number: int, line: bytes) -> bool:
        """Is it one of these? Then nothing else needs to be told of it."""
        line = line.strip()
        kind = self._kind(number, line)
        if self._begun is not None and (kind != "json" or self._begun != number - 1):
            self._torn.append(self._begun)
            self._begun = None
        if kind == "json" and self._begins_alone(number, line):
            self._begun = number
        elif kind:
            self._add(kind, self._begun or number, number)
            self._begun = None
        return bool(kind)

    def _begins_alone(self, number: int, line: bytes) -> bool:
        """After a line that is no piece. Brackets alone are no example that was torn."""
        alone = number - 1 not in (self._begun, self._last_piece)
        return alone and not _BRACKETS.match(line) and len(self._torn) < MOST_TORN

    def _add(self, kind: str, first: int, last: int) -> None:
        seen = self._seen.setdefault(kind, _Seen(0, first, last))
        seen.count += 1 + last - first
        seen.last = last

    def _kind(self, number: int, line: bytes) -> str | None:
        if _OLD_MAC in line:
            return "mac"
        if number == 1 and line == b"[":
            self._listed = True
        if _PIECE.match(line) or (_BRACKETS.match(line) and line not in _WHOLE):
            return "table" if self._header else "json"
        if number == 1 and line.startswith(b"[{"):
            self._listed = line.endswith(b"},")
        if self._listed and line.endswith((b"},", b"}]")):
            return "json"
        after = number - 1 in (self._begun, self._last_piece)
        if _begins_more(line) or (after and _goes_on(line)):
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
        """Of each kind one, with the first of its lines; and one for each line that was torn."""
        torn = self._torn if self._begun is None else [*self._torn, self._begun]
        for number in torn:
            yield RawFinding("not-json", _TORN, fix=_ON_ONE_LINE), number
        for kind, seen in self._seen.items():
            if kind == "json" and seen.count == 1:  # among others: perhaps it was only torn
                yield RawFinding("not-json", _TORN, fix=_ON_ONE_LINE), seen.first
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
                return f"rows of a table, whose first row is {shorten(header)}"
            case "mac":
                return "examples with only a carriage return between them"
        return "HTML or XML"
