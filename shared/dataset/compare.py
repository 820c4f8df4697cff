"""Two datasets beside one another, by the check's own identity of examples: what is the same, what
asks the same and is answered otherwise, what is almost the same.

Knows lines, not texts. The hashes that it compares are of one process.
"""

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shared.dataset.findings.quoting import many
from shared.dataset.measure import similarity
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole
from shared.dataset.reading.parsing import wrong_encoding
from shared.dataset.scan import Scan, ScanResult
from shared.errors import CallerError

CHUNK = 1 << 18
BOM = b"\xef\xbb\xbf"


class Pair(NamedTuple):
    """A line, and the line of the other file that it is about."""

    line: int
    other: int


@dataclass(frozen=True)
class Side:
    """One file. Rows are those of its index: examples that could be read, in the file's order."""

    path: Path
    result: ScanResult

    @classmethod
    def of(cls, path: Path, role: FileRole = FileRole.TRAINING, name: str = "") -> "Side":
        """A local file, under its own name or another. Raises CallerError for one of which nothing
        can be read: it cannot be compared. Its unread lines are looked for now: it may be written
        anew later."""
        side = cls(path, _scanned(path, role, name or str(path)))
        with path.open("rb") as file:
            wrong = wrong_encoding(file.read(8))
        if wrong or (side.unread and not side.lines):
            reason = wrong.message if wrong else "It holds no example in a line."
            raise CallerError(
                f"{side.name} cannot be read. {reason}",
                f"See tunedrop check {shlex.quote(side.name)}.",
            )
        return side

    @property
    def name(self) -> str:
        return self.result.name

    def every_line(self) -> Iterator[tuple[int, bytes]]:
        """The lines that are not blank, without a byte order mark, each with a line feed."""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                text = line.removeprefix(BOM) if number == 1 else line
                if text.strip():
                    yield number, text if text.endswith(b"\n") else text + b"\n"

    @cached_property
    def unread(self) -> list[int]:
        """Lines in which no example could be read."""
        read = set(self.lines)
        return [number for number, _ in self.every_line() if number not in read]

    @property
    def refused(self) -> bool:
        """Does the check find errors in examples that could be read?"""
        errors = {found.line for found in self.result.findings if found.severity == "error"}
        return not errors.isdisjoint(self.lines)

    def sentence(self) -> str:
        unread = f", {many(len(self.unread), 'line')} not readable" if self.unread else ""
        return f"{self.name}: {many(len(self.lines), 'example')}{unread}"

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "examples": len(self.lines), "unread": self.unread}

    @cached_property
    def lines(self) -> list[int]:
        return [int(line) for line in self.result.index.lines]

    @cached_property
    def keys(self) -> list[int]:
        """Equal for what says the same and weighs the same: what is not learned is another thing
        to train on, though the check calls it a duplicate."""
        rows = dict(zip(self.lines, map(int, self.result.index.keys), strict=True))
        for number, line in self.every_line():
            if number in rows and b'"weight"' in line and (silent := _silent(line)):
                rows[number] = hash((rows[number], silent))
        return list(rows.values())

    @cached_property
    def prompts(self) -> list[int]:
        return [int(prompt) for prompt in self.result.index.prompts]

    @cached_property
    def by_key(self) -> Mapping[int, list[int]]:
        """Rows that say the same."""
        return _grouped(self.keys)

    @cached_property
    def answers(self) -> Mapping[int, list[int]]:
        """For each prompt a row of each different answer."""
        first = {rows[0] for rows in self.by_key.values()}
        found: dict[int, list[int]] = defaultdict(list)
        for row, prompt in enumerate(self.prompts):
            if row in first:
                found[prompt].append(row)
        return found


def _scanned(path: Path, role: FileRole, name: str) -> ScanResult:
    scan = Scan(name, role, TrainingPlan(), deep=True)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.feed(chunk)
    return scan.finish()


def _silent(line: bytes) -> tuple[int, ...]:
    """Which messages have the weight 0."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        messages = json.loads(line)["messages"]
        return tuple(
            place
            for place, message in enumerate(messages)
            if isinstance(message, dict) and message.get("weight") == 0
        )
    return ()


def _grouped(values: list[int]) -> Mapping[int, list[int]]:
    rows: dict[int, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        rows[value].append(row)
    return rows


def must_be_alike(one: Side, other: Side) -> None:
    """Raises CallerError where one holds preferences and the other does not."""
    formats = one.result.format, other.result.format
    if all(formats) and formats[0] != formats[1]:
        raise CallerError(
            f"{one.name} is in the format {formats[0]} and {other.name} in the format "
            f"{formats[1]}: they have nothing in common.",
            "Name two of the same format.",
        )


def near(old: Side, new: Side, rows: Iterable[int]) -> dict[int, int]:
    """Of these rows of the new file those that are almost the same as one of the old file, with
    that one's row."""
    wanted = list(rows)
    if not wanted or not old.lines:
        return {}
    signatures = [old.result.index.signatures, new.result.index.signatures[np.array(wanted)]]
    first = similarity.groups(np.concatenate(signatures))
    count = len(old.lines)
    return {
        row: int(like)
        for row, like in zip(wanted, first[count:].tolist(), strict=True)
        if like < count
    }
