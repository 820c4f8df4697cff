"""`tunedrop convert`: a file of another format as one of ours, and what of it was not carried over,
line by line. Nothing is guessed: what cannot be understood is left out and told.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.dataset.checks.example_checks import check_example
from shared.dataset.findings.quoting import many
from shared.dataset.findings.table import TABLE
from shared.dataset.reading.limits import Steps, TooComplex
from tunedrop.data.fields import Example, Fields, LeftOut
from tunedrop.data.formats import CSV, Chosen, choose
from tunedrop.data.pairs import Columns
from tunedrop.data.records import Source, read

SHOWN = 20  # records that were left out, of which the reason is printed


@dataclass(frozen=True)
class Converted:
    """`lines` are the examples; `left_out` has why a place is no example, `without` where which
    part was not carried over."""

    source: Source
    chosen: Chosen
    lines: list[bytes] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    without: dict[str, list[int]] = field(default_factory=dict)

    @property
    def preferences(self) -> bool:
        return bool(self.lines) and "preferred_output" in json.loads(self.lines[0])

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.source.name,
            "read_as": self.source.kind,
            "format": self.chosen.name,
            "evidence": self.chosen.evidence,
            "records": len(self.source.records),
            "examples": len(self.lines),
            "places": self.source.unit,
            "left_out": [
                {"place": place, "why": reason} for place, reason in self.left_out.items()
            ],
            "without": [{"what": what, "places": at} for what, at in self.without.items()],
            "done_to_all": list(self.chosen.done),
        }

    def sentences(self) -> list[str]:
        """What is known of the file, and what was not carried over."""
        unit = self.source.unit
        told = [
            f"{self.source.name} ({self.source.kind}) is {self.chosen.name}: {self.chosen.evidence}"
        ]
        told += [f"  {done}" for done in self.chosen.done]
        left = list(self.left_out.items())
        told += [f"  left out: {unit} {place:,}: {why}" for place, why in left[:SHOWN]]
        if len(left) > SHOWN:
            told.append(f"  … and {len(left) - SHOWN:,} more; --json has all")
        return told + [
            f"  without {what}: {_places(at, unit)}" for what, at in self.without.items()
        ]


def _places(places: list[int], unit: str) -> str:
    told = ", ".join(f"{place:,}" for place in places[:5])
    more = f" and {len(places) - 5:,} more" if len(places) > 5 else ""
    noun = unit if len(places) == 1 else many(2, unit).partition(" ")[2]
    return f"{noun} {told}{more}".replace("entrys", "entries")


def convert(path: Path, asked: str, columns: Columns | None, delimiter: str) -> Converted:
    """`asked` is a format or auto. Raises CommandError where the file cannot be read, or where it
    is not clear what it is."""
    source = read(path, table=True if asked == CSV or delimiter else None, delimiter=delimiter)
    done = Converted(source, choose(source, asked, columns))
    for place, value, problem in source.records:
        try:
            if problem:
                raise LeftOut(problem)
            fields = Fields(value)
            example = done.chosen.convert(fields)
            line = _line(example)
            if done.chosen.convert is not Fields.take_all:  # what is ours already is left to it
                _must_be_taken(example)
        except LeftOut as left:
            done.left_out[place] = str(left)
            continue
        done.lines.append(line)
        for what in fields.told():
            done.without.setdefault(what, []).append(place)
    return done


def _must_be_taken(example: Example) -> None:
    """Raises LeftOut for what the check would refuse."""
    try:
        found = list(check_example(example, Steps()))
    except (TooComplex, RecursionError):
        return  # the check says so itself
    for finding in found:
        if TABLE[finding.id].severity == "error":
            place = finding.message_index
            where = "" if place is None else f"message {place}: "
            raise LeftOut(f"the check would refuse it: {where}{finding.message}".rstrip("."))


def _line(example: Example) -> bytes:
    """Raises LeftOut for what no JSON can hold."""
    try:
        return json.dumps(example, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except UnicodeEncodeError:
        raise LeftOut("a text has half of a character") from None
    except (ValueError, RecursionError):
        raise LeftOut("it holds a number that JSON does not have") from None
