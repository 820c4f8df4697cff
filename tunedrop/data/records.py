"""Reads what people bring: JSONL, JSON in an array or spread over lines, and CSV; one record after
the other, each with the line where it begins, or with its number in an array.

Knows bytes, texts and tables, not what a record means.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from shared.dataset.findings.quoting import shorten
from shared.dataset.reading.parsing import wrong_encoding
from tunedrop.data import tables
from tunedrop.errors import CommandError
from tunedrop.files import name_of, opened

LARGEST = 512_000_000  # bytes, as the service takes: more would have to be shortened anyway
JSONL = "JSONL"
_SEP = re.compile(r'"?sep=([^"\r\n])"?\r?\n', re.IGNORECASE)  # a first line that Excel writes
WITH_PANDAS = (
    "With pandas it becomes JSONL: "
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
        raise CommandError(f"{name} has more than {LARGEST:,} bytes.", "Convert it in parts.")
    text = _decoded(name, content)
    if not text.strip():
        raise CommandError(f"{name} is empty.", "Name another file.")
    if table or (table is None and text.lstrip()[0] not in "[{"):
        return _table(name, text, delimiter)
    source = _json(name, text)
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return replace(source, kind=f"{source.kind} in UTF-16") if utf16 else source


def _decoded(name: str, content: bytes) -> str:
    """As UTF-8, or UTF-16 where a byte order mark says so. Raises CommandError."""
    if content.startswith(b"PAR1"):
        raise CommandError("The file is Parquet, which is not read here.", WITH_PANDAS)
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        if wrong := wrong_encoding(content[:8]):
            raise CommandError(f"{name}: {wrong.message}", "Unpack it, or save it as UTF-8 text.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{name} is no UTF-8 text: see line {line:,}.",
            "Save it as UTF-8 (in Excel: CSV UTF-8).",
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
        found = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        first = text.lstrip().splitlines()[0]
        try:
            json.loads(first)
        except (ValueError, RecursionError):
            message = f"{name} begins like a JSON array and is none: {error}."
            raise CommandError(message, "Correct that place.") from None
        raise CommandError(
            f"{name} has an array in each line.",
            'Make an object of each, like {"prompt": …, "completion": …}.',
        ) from None
    for number, value in enumerate(found, 1):
        yield _record(number, value)


def _lines(text: str) -> Iterator[Record]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _record(number, json.loads(line, object_pairs_hook=_object))
            except (ValueError, RecursionError) as error:
                told = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be read"
                yield Record(number, problem=f"it is not JSON: {told}")


def _spread(text: str) -> Iterator[Record]:
    """Objects one after the other, wherever lines end. What follows a mistake is not guessed."""
    decoder, at, line = json.JSONDecoder(object_pairs_hook=_object), 0, 1
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


class _Twice(dict[str, Any]):
    """An object of which some would be lost: it, or one in it, has this key twice."""

    key = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    counts = Counter(key for key, _ in pairs) if len(value) < len(pairs) else {}
    key = next((key for key in counts if counts[key] > 1), None)
    if key is None and (key := _twice([*value.values()])) is None:
        return value
    value = _Twice(value)
    value.key = key
    return value


def _twice(values: list[Any]) -> str | None:
    """Raises RecursionError."""
    for value in values:
        found = value.key if isinstance(value, _Twice) else None
        if isinstance(value, list):
            found = _twice(value)
        if found is not None:
            return found
    return None


def _record(place: int, value: Any) -> Record:
    if isinstance(value, _Twice):
        return Record(place, problem=f"it has the key {shorten(value.key)!r} twice in one object")
    if isinstance(value, dict):
        return Record(place, value)
    return Record(place, problem=f"it is {shorten(json.dumps(value))}, not an object")


# ---- tables


def _table(name: str, text: str, delimiter: str) -> Source:
    """Raises CommandError where the rows do not tell one delimiter."""
    if told := _SEP.match(text):
        delimiter, text = delimiter or told[1], "\n" + text[told.end() :]
    chosen = delimiter or tables.delimiter_of(name, text)
    with tables.long_cells():
        rows = tables.rows(text, chosen)
    if not rows:
        raise CommandError(f"{name} has no row.", "Name another file.")
    header, *rows = rows
    columns = tuple(cell.strip() for cell in header.cells)
    records = tuple(_row(row, columns) for row in rows)
    if len(set(columns)) < len(columns) or not all(columns):
        raise CommandError(
            f"{name} has columns without a name or with the same name: {_named(columns)}.",
            "Give each its own in the first row.",
        )
    kind = f"CSV with {tables.DELIMITERS.get(chosen, repr(chosen))}"
    return Source(name, kind, "line", records, columns)


def _row(row: tables.Row, columns: tuple[str, ...]) -> Record:
    if row.swallowed:
        return Record(row.line, problem=row.problem)
    if len(row.cells) != len(columns):
        said = f"it has {len(row.cells)} cells; the header has {len(columns)}"
        return Record(row.line, problem=said)
    return Record(row.line, dict(zip(columns, row.cells, strict=True)))


def _named(columns: tuple[str, ...]) -> str:
    return ", ".join(repr(shorten(column, 30)) for column in columns)
