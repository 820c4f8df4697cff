"""Reads what people bring: JSONL, JSON in an array or spread over lines, and CSV; one record after
the other, each with the line where it begins, or with its number in an array.

Knows bytes, texts and tables, not what a record means.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from shared.dataset.findings.quoting import shorten
from shared.dataset.reading.parsing import wrong_encoding
from tunedrop.errors import CommandError
from tunedrop.files import name_of, opened

LARGEST = 512_000_000  # bytes, as the service takes: more would have to be shortened anyway
LONGEST_CELL = 32_000_000  # characters; csv's own limit is 131,072
LOOKED_AT = 50  # rows that must agree on a delimiter
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BREAK = re.compile(r"\r\n|\r|\n")
JSONL = "JSONL"
PARQUET = (
    "The file is Parquet, which is not read here. With pandas it becomes JSONL: "
    'pandas.read_parquet("IN").to_json("OUT.jsonl", orient="records", lines=True, '
    "force_ascii=False)"
)


class Record(NamedTuple):
    """`place` is a line, or a number within an array; `problem` says why there is no value."""

    place: int
    value: Any = None
    problem: str = ""


@dataclass(frozen=True)
class Source:
    """A file, read: `kind` says how it is written, `unit` what the places count. `columns` are
    those of a table, None for JSON."""

    name: str
    kind: str
    unit: str
    records: tuple[Record, ...]
    columns: tuple[str, ...] | None = field(default=None)


def read(path: Path, *, table: bool | None = None, delimiter: str = "") -> Source:
    """`table`: whether the file is CSV; None lets its beginning and its name tell. Raises
    CommandError for what cannot be read at all."""
    name = name_of(path)
    with opened(path) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise CommandError(f"{name} has more than {LARGEST:,} bytes: convert it in parts.")
    text = _decoded(name, content)
    if not text.strip():
        raise CommandError(f"{name} is empty.")
    if table or (table is None and text.lstrip()[0] not in "[{"):
        return _table(name, text, delimiter)
    return _json(name, text)


def _decoded(name: str, content: bytes) -> str:
    """As UTF-8, or UTF-16 where a byte order mark says so. Raises CommandError."""
    if content.startswith(b"PAR1"):
        raise CommandError(PARQUET)
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        if wrong := wrong_encoding(content[:8]):
            raise CommandError(f"{name}: {wrong.message} Unpack it, or save it as UTF-8 text.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{name} is no UTF-8 text: see line {line:,}. Save it as UTF-8 (in Excel: CSV UTF-8)."
        ) from None


# ---- JSON


def _json(name: str, text: str) -> Source:
    if text.lstrip().startswith("["):
        return Source(name, "a JSON array", "entry", tuple(_entries(name, text)))
    records = tuple(_lines(text))
    if records[0].problem and text.lstrip().startswith("{"):
        spread = tuple(_spread(text))
        if not spread[0].problem:
            return Source(name, "JSON spread over lines", "line", spread)
    return Source(name, JSONL, "line", records)


def _entries(name: str, text: str) -> Iterator[Record]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        first = text.lstrip().splitlines()[0]
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            raise CommandError(f"{name} begins like a JSON array and is none: {error}.") from None
        raise CommandError(
            f"{name} has an array in each line; an example is an object, like "
            '{"prompt": …, "completion": …}.'
        ) from None
    for number, value in enumerate(found, 1):
        yield _record(number, value)


def _lines(text: str) -> Iterator[Record]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _record(number, json.loads(line))
            except (ValueError, RecursionError) as error:
                told = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be read"
                yield Record(number, problem=f"it is not JSON: {told}")


def _spread(text: str) -> Iterator[Record]:
    """Objects one after the other, wherever lines end. What follows a mistake is not guessed."""
    decoder, at, line = json.JSONDecoder(), 0, 1
    while (start := _next(text, at)) < len(text):
        line += text.count("\n", at, start)
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            yield Record(line, problem="it is not JSON, and what follows was not read")
            return
        yield _record(line, value)
        line += text.count("\n", start, end)
        at = end


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _record(place: int, value: Any) -> Record:
    if isinstance(value, dict):
        return Record(place, value)
    return Record(place, problem=f"it is {shorten(json.dumps(value))}, not an object")


# ---- tables


def _table(name: str, text: str, delimiter: str) -> Source:
    """Raises CommandError where the rows do not tell one delimiter."""
    chosen = delimiter or _delimiter(name, text)
    with _long_cells():
        rows = _whole_rows(text, chosen)
        columns = tuple(cell.strip() for cell in next(rows)[1])
        records = tuple(_row(place, row, columns) for place, row in rows if any(row))
    if len(set(columns)) < len(columns) or not all(columns):
        raise CommandError(
            f"{name} has columns without a name or with the same name: {_named(columns)}. Give "
            "each its own in the first row."
        )
    kind = f"CSV with {DELIMITERS.get(chosen, repr(chosen))}"
    return Source(name, kind, "line", records, columns)


def _delimiter(name: str, text: str) -> str:
    with _long_cells():
        fitting = [one for one in DELIMITERS if _agree(text, one)]
    if len(fitting) == 1:
        return fitting[0]
    found = " and ".join(DELIMITERS[one] for one in fitting) or "none of commas, semicolons, tabs"
    raise CommandError(
        f"{name} is neither JSON nor a table whose rows tell its delimiter ({found} fit). Name it "
        "with --delimiter."
    )


def _agree(text: str, delimiter: str) -> bool:
    """Has the header several cells, and have most of the first rows as many?"""
    rows = [row for _, row in islice(_rows(text, delimiter), LOOKED_AT) if row]
    size = len(rows[0]) if rows else 0
    return size > 1 and sum(len(row) == size for row in rows) * 2 > len(rows)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each with the line where it begins: a cell may have several."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise CommandError(f"the table cannot be read from line {begins:,} on: {error}.") from None


def _whole_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """As `_rows`, once the delimiter is known. Raises CommandError for quotes that are wrong, for
    what they hold may be rows: those that would be lost."""
    lines: list[str] = []  # of the row that is read
    reader = csv.reader(_noting(text, lines), delimiter=delimiter, strict=True)
    begins, size = 1, 0
    try:
        for row in reader:
            size = size or len(row)
            if len(lines) > 1 and _hold_rows(lines, row, delimiter, size):
                raise CommandError(_swallowed(begins, len(lines)))
            yield begins, row
            begins = reader.line_num + 1
            lines.clear()
    except csv.Error as error:
        raise CommandError(_misquoted(begins, lines, delimiter, error)) from None


def _noting(text: str, lines: list[str]) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        lines.append(line)
        yield line


def _hold_rows(lines: list[str], row: list[str], delimiter: str, size: int) -> bool:
    """Do the lines of one row look like rows, each with as many cells as the header? In running
    text a blank follows a comma, and nothing at its end. Where every cell is quoted it is meant."""
    return (
        size > 1
        and not _all_quoted(lines, row, delimiter)
        and all(
            len(cells := line.strip().split(delimiter)) == size
            and all(cell and not cell[0].isspace() for cell in cells)
            for line in lines
        )
    )


def _all_quoted(lines: list[str], row: list[str], delimiter: str) -> bool:
    quoted = delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row)
    return "".join(lines).rstrip("\r\n") == quoted


def _swallowed(begins: int, count: int) -> str:
    return (
        f"a quote that is opened in line {begins:,} holds what looks like {count:,} rows, up to "
        f"line {begins + count - 1:,}. Take it away or close it; if this is one row, put each of "
        "its cells in quotes."
    )


def _misquoted(begins: int, lines: list[str], delimiter: str, error: csv.Error) -> str:
    """`lines` are those of a row that cannot be read, up to where it went wrong."""
    if "unexpected end" in str(error):
        row = next(csv.reader(lines, delimiter=delimiter))
        opened = begins + sum(len(_BREAK.findall(cell)) for cell in row[:-1])
        return (
            f"the quote that is opened in line {opened:,} is not closed, so that all that follows "
            "would be one cell. Close it or take it away."
        )
    if "expected after" in str(error):
        where = f"line {begins:,}" if len(lines) == 1 else f"lines {begins:,} to "
        where += "" if len(lines) == 1 else f"{begins + len(lines) - 1:,}"
        return (
            f"{where}: text follows the quote that closes a cell. A quote within a cell is written "
            'twice (""), and the cell stands in quotes.'
        )
    return f"the table cannot be read from line {begins:,} on: {error}."


def _row(place: int, row: list[str], columns: tuple[str, ...]) -> Record:
    if len(row) != len(columns):
        return Record(place, problem=f"it has {len(row)} cells; the header has {len(columns)}")
    return Record(place, dict(zip(columns, row, strict=True)))


def _named(columns: tuple[str, ...]) -> str:
    return ", ".join(repr(shorten(column, 30)) for column in columns)


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)
