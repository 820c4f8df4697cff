"""CSV: its delimiter, and its rows with the lines where they begin. A quote that is wrong is
refused, for what it holds may be rows that would be lost.

Knows texts, not what a column means.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from tunedrop.errors import CommandError

LONGEST_CELL = 32_000_000  # characters; csv's own limit is 131,072
SURELY = 4  # more lines that all look like rows are no running text
LOOKED_AT = 50  # rows that must agree on a delimiter
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
TO_CORRECT = "Correct it in the file."
_BREAK = re.compile(r"\r\n|\r|\n")


def delimiter_of(name: str, text: str) -> str:
    with long_cells():
        fitting = [one for one in DELIMITERS if _agree(text, one)]
    if len(fitting) == 1:
        return fitting[0]
    found = " and ".join(DELIMITERS[one] for one in fitting) or "none of commas, semicolons, tabs"
    raise CommandError(
        f"{name} is neither JSON nor a table whose rows tell its delimiter ({found} fit).",
        "Name it with --delimiter; a table has a column of questions and one of answers at least.",
    )


def _agree(text: str, delimiter: str) -> bool:
    """Has the header several cells, and have most of the first rows as many?"""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        found = [row for row in islice(reader, LOOKED_AT) if row]
    except csv.Error:
        return False
    size = len(found[0]) if found else 0
    return size > 1 and sum(len(row) == size for row in found) * 2 > len(found)


class Row(NamedTuple):
    """`line` is where it begins, of `lines`; do they look like rows themselves?"""

    line: int
    cells: list[str]
    lines: int
    swallowed: bool

    @property
    def problem(self) -> str:
        last = self.line + self.lines - 1
        return (
            f"a quote that is opened in line {self.line:,} holds what looks like {self.lines:,} "
            f"rows, up to line {last:,}. Take it away or close it; if this is one row, put each "
            "of its cells in quotes"
        )


def rows(text: str, delimiter: str) -> list[Row]:
    """Those that are not blank. Raises CommandError for quotes that are wrong. Of a few lines that
    look like rows, where most cells of several lines do not, only that row is to be left out."""
    found = [row for row in _read(text, delimiter) if any(row.cells)]
    wrong = [row for row in found if row.swallowed]
    plain = sum(row.lines > 1 for row in found) - len(wrong)
    if wrong and (len(wrong) > plain or max(row.lines for row in wrong) > SURELY):
        message = f"{max(wrong, key=lambda row: row.lines).problem}."
        raise CommandError(message, TO_CORRECT)
    return found


def _read(text: str, delimiter: str) -> Iterator[Row]:
    lines: list[str] = []  # of the row that is read
    reader = csv.reader(_noting(text, lines), delimiter=delimiter, strict=True)
    begins, size = 1, 0
    try:
        for cells in reader:
            size = size or len(cells)
            swallowed = len(lines) > 1 and _hold_rows(lines, cells, delimiter, size)
            yield Row(begins, cells, len(lines), swallowed)
            begins = reader.line_num + 1
            lines.clear()
    except csv.Error as error:
        message = _misquoted(begins, lines, delimiter, error)
        raise CommandError(message, TO_CORRECT) from None


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


@contextmanager
def long_cells() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)
