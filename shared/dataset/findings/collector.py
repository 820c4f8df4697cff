"""The findings of a file: every line number, and the details of the first places.

Counts are exact. Of each finding the first LINES line numbers and the first DETAILED places are
kept, of all together ALL_LINES, so that a file of nothing but mistakes, and of all of them, still
fits into memory and into a report: a line number takes 4 bytes here and 150 while report.json is
written.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.dataset.findings.finding import Finding, PreviewRow, RawFinding, Severity
from shared.dataset.findings.quoting import path
from shared.dataset.findings.table import TABLE

LINES = 100_000
ALL_LINES = 500_000
DETAILED = 100
PREVIEWED = 5
CAUSES = 20  # of one finding, each with a cure of its own, that are told apart


@dataclass
class FindingGroup:
    """All findings of one id in one file."""

    id: str
    count: int = 0
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    places: list[Finding] = field(default_factory=list)
    complete: bool = True  # `lines` has all of them
    causes: Counter[str] = field(default_factory=Counter)  # by their cure: the first CAUSES

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
            "complete": self.complete,
        }


class FindingCollector:
    def __init__(self) -> None:
        self.groups: dict[str, FindingGroup] = {}
        self.errors = 0  # findings of this severity that were added one by one
        self._room = ALL_LINES

    def add(
        self,
        raw: RawFinding,
        line: int | None = None,
        show: Callable[[], tuple[PreviewRow, ...]] | None = None,
    ) -> None:
        group = self.groups.setdefault(raw.id, FindingGroup(raw.id))
        group.count += 1
        self.errors += TABLE[raw.id].severity is Severity.ERROR
        if line and (not group.lines or group.lines[-1] != line):
            self._keep(group, [line])
        fix = raw.fix or TABLE[raw.id].fix
        new = fix not in group.causes and len(group.causes) < CAUSES
        if new or fix in group.causes:
            group.causes[fix] += 1
        if new or len(group.places) < DETAILED:
            shown = show() if show and len(group.places) < PREVIEWED else ()
            group.places.append(_finding(raw, line, shown))

    def add_lines(self, id: str, lines: Iterable[int], message: Callable[[int], str]) -> None:
        """One finding for each line; `message` is called with the number within `lines`."""
        lines = list(lines)
        if not lines:
            return
        group = self.groups.setdefault(id, FindingGroup(id))
        group.count += len(lines)
        group.causes[TABLE[id].fix] += len(lines)
        self._keep(group, lines)
        for number, line in enumerate(lines[: DETAILED - len(group.places)]):
            group.places.append(_finding(RawFinding(id, message(number)), line, ()))

    def _keep(self, group: FindingGroup, lines: list[int]) -> None:
        kept = lines[: min(LINES - len(group.lines), self._room)]
        group.lines.extend(kept)
        group.complete = group.complete and len(kept) == len(lines)
        self._room -= len(kept)

    def sorted(self) -> list[FindingGroup]:
        """The worst first. Places come in the file's order."""
        for group in self.groups.values():
            group.places.sort(key=lambda finding: finding.line or 0)
            group.lines = array("I", sorted(group.lines))
        return sorted(self.groups.values(), key=FindingGroup.rank)


def _finding(raw: RawFinding, line: int | None, preview: tuple[PreviewRow, ...]) -> Finding:
    kind = TABLE[raw.id]
    return Finding(
        id=raw.id,
        severity=kind.severity,
        line=line,
        message_index=raw.message_index,
        message=raw.message,
        fix=raw.fix or kind.fix,
        path=path(raw.path),
        preview=preview,
    )
