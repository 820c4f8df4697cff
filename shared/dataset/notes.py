"""What was found in a file: every line number, and the details of the first places.

Counts are exact. Of each finding the first LINES line numbers and the first DETAILED places are
kept, so that a file of nothing but mistakes still fits into memory and into a report.
"""

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.dataset.examples import Fault, Finding, Row, Severity
from shared.dataset.findings import TABLE
from shared.dataset.quoting import path

LINES = 100_000
DETAILED = 100
PREVIEWED = 5


@dataclass
class Group:
    """All findings of one id in one file."""

    id: str
    count: int = 0
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    places: list[Finding] = field(default_factory=list)

    def rank(self) -> tuple[int, int]:
        """Worse ones have a lower rank; among equals the order of the table holds."""
        return list(Severity).index(TABLE[self.id].severity), list(TABLE).index(self.id)

    def as_json(self) -> dict[str, Any]:
        kind = TABLE[self.id]
        return {
            "id": self.id,
            "severity": kind.severity,
            "title": kind.title,
            "why": kind.why,
            "fix": kind.fix,
            "count": self.count,
            "lines": self.lines.tolist(),
            "complete": len(self.lines) < LINES,
        }


class Notes:
    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}

    def add(
        self,
        fault: Fault,
        line: int | None = None,
        show: Callable[[], tuple[Row, ...]] | None = None,
    ) -> None:
        group = self.groups.setdefault(fault.id, Group(fault.id))
        group.count += 1
        if line and len(group.lines) < LINES and (not group.lines or group.lines[-1] != line):
            group.lines.append(line)
        if len(group.places) < DETAILED:
            shown = show() if show and len(group.places) < PREVIEWED else ()
            group.places.append(_finding(fault, line, shown))

    def add_lines(self, id: str, lines: Iterable[int], what: Callable[[int], str]) -> None:
        """One finding for each line; `what` is asked with the number within `lines`."""
        lines = list(lines)
        if not lines:
            return
        group = self.groups.setdefault(id, Group(id))
        group.count += len(lines)
        group.lines.extend(lines[: LINES - len(group.lines)])
        for number, line in enumerate(lines[: DETAILED - len(group.places)]):
            group.places.append(_finding(Fault(id, what(number)), line, ()))

    def sorted(self) -> list[Group]:
        """The worst first. Places come in the file's order."""
        for group in self.groups.values():
            group.places.sort(key=lambda finding: finding.line or 0)
            group.lines = array("I", sorted(group.lines))
        return sorted(self.groups.values(), key=Group.rank)


def _finding(fault: Fault, line: int | None, preview: tuple[Row, ...]) -> Finding:
    kind = TABLE[fault.id]
    return Finding(
        id=fault.id,
        severity=kind.severity,
        line=line,
        message=fault.message,
        what=fault.what,
        fix=fault.fix or kind.fix,
        path=path(fault.path),
        preview=preview,
    )
