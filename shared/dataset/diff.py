"""What is another in a newer dataset: new, removed, answered otherwise, almost the
same, and answers that contradict one that was kept. The order of lines does not matter.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.dataset.compare import Pair, Side, near

SHOWN = 10  # places of each kind that are printed


@dataclass
class Difference:
    """Lines of the new file; `removed` and `fewer` of the old one. `other` in a pair is a line of
    the old."""

    old: Side
    new: Side
    unchanged: int = 0
    added: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    fewer: list[int] = field(default_factory=list)
    changed: list[Pair] = field(default_factory=list)
    near: list[Pair] = field(default_factory=list)
    conflicts: list[Pair] = field(default_factory=list)

    def any(self) -> bool:
        found = (self.added, self.repeated, self.removed, self.fewer, self.changed, self.near)
        return any(found) or bool(self.conflicts)

    def as_json(self) -> dict[str, Any]:
        return {
            "old": self.old.as_json(),
            "new": self.new.as_json(),
            "unchanged": self.unchanged,
            "added": self.added,
            "repeated": self.repeated,
            "removed": self.removed,
            "fewer": self.fewer,
            "changed": [pair._asdict() for pair in self.changed],
            "near": [pair._asdict() for pair in self.near],
            "conflicts": [pair._asdict() for pair in self.conflicts],
        }

    def sentences(self) -> Iterator[str]:
        old, new = self.old.name, self.new.name
        yield self.old.sentence()
        yield self.new.sentence()
        yield f"  {self.unchanged:,} unchanged"
        yield from _places("removed", old, self.removed)
        yield from _places("repeated no more", old, self.fewer)
        yield from _places("new", new, self.added)
        yield from _places("said once more", new, self.repeated)
        yield from _pairs("answered otherwise", new, "before in", old, self.changed)
        yield from _pairs("almost the same", new, "as", old, self.near)
        yield from _pairs(
            "in conflict with an answer that is still there", new, "asks the same as", old,
            self.conflicts,
        )  # fmt: skip


def _places(what: str, name: str, lines: list[int]) -> Iterator[str]:
    if lines:
        told = ", ".join(f"{line:,}" for line in lines[:SHOWN])
        more = f" and {len(lines) - SHOWN:,} more" if len(lines) > SHOWN else ""
        yield f"  {len(lines):,} {what}: {name}:{told}{more}"


def _pairs(what: str, name: str, joint: str, other: str, pairs: list[Pair]) -> Iterator[str]:
    if pairs:
        yield f"  {len(pairs):,} {what}:"
        for pair in pairs[:SHOWN]:
            yield f"    {name}:{pair.line} {joint} {other}:{pair.other}"
        if len(pairs) > SHOWN:
            yield f"    … and {len(pairs) - SHOWN:,} more"


def diff(old: Side, new: Side) -> Difference:
    """A prompt with several answers in the old file is meant to have them: another is new."""
    found = Difference(old, new)
    fresh = _same(found)
    gone = [row for row, key in enumerate(old.keys) if key not in new.by_key]
    lost = set(gone)
    unlike: list[int] = []
    for row in fresh:
        answered = old.answers.get(new.prompts[row], [])
        if len(answered) != 1:
            unlike.append(row)
        elif answered[0] in lost:
            found.changed.append(Pair(new.lines[row], old.lines[answered[0]]))
        else:
            found.conflicts.append(Pair(new.lines[row], old.lines[answered[0]]))
    alike = near(old, new, unlike)
    found.near += [Pair(new.lines[row], old.lines[like]) for row, like in alike.items()]
    found.added += [new.lines[row] for row in unlike if row not in alike]
    explained = {pair.other for pair in found.changed + found.near}
    found.removed += [old.lines[row] for row in gone if old.lines[row] not in explained]
    found.fewer.sort()
    return found


def _same(found: Difference) -> list[int]:
    """Count what both have, as often as both have it; the rows of the new file that say what the
    old one does not, once each."""
    old, new = found.old, found.new
    room = Counter({key: len(rows) for key, rows in old.by_key.items()})
    fresh, seen = [], set[int]()
    for row, key in enumerate(new.keys):
        if room[key] > 0:
            room[key] -= 1
            found.unchanged += 1
        elif key in old.by_key or key in seen:
            found.repeated.append(new.lines[row])
        else:
            fresh.append(row)
            seen.add(key)
    for key, left in room.items():
        if left and key in new.by_key:
            found.fewer += [old.lines[row] for row in old.by_key[key][-left:]]
    return fresh
