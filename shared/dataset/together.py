"""Two or three datasets together, for people who see them in a browser: what is another between
them, what was merged; with excerpts of the first lines of each kind.

Knows local files and the names that they are told by, not where they come from.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.dataset import excerpts
from shared.dataset.compare import Side, must_be_alike
from shared.dataset.diff import Difference, diff
from shared.dataset.excerpts import Excerpt
from shared.dataset.merge import Conflicts, Merged, Why, merge, write
from shared.dataset.reading.examples import FileRole

SHOWN = 10  # lines of each kind that are quoted


class Given(NamedTuple):
    path: Path
    name: str


class Place(NamedTuple):
    """A line of the new file, and one of the old that it is about; 0 for none."""

    line: int
    other: int


def difference(old: Given, new: Given) -> dict[str, Any]:
    """Raises CallerError for what cannot be read, or has nothing in common."""
    sides = Side.of(old.path, name=old.name), Side.of(new.path, name=new.name)
    must_be_alike(*sides)
    found = diff(*sides)
    kinds = {
        "added": [Place(line, 0) for line in found.added],
        "removed": [Place(0, line) for line in found.removed],
        "changed": [Place(*pair) for pair in found.changed],
        "near": [Place(*pair) for pair in found.near],
        "conflicts": [Place(*pair) for pair in found.conflicts],
        "repeated": [Place(line, 0) for line in found.repeated],
        "fewer": [Place(0, line) for line in found.fewer],
    }
    return {
        "old": _side(found.old),
        "new": _side(found.new),
        "same": not found.any(),
        "unchanged": found.unchanged,
        "kinds": _quoted(kinds, found),
    }


def _side(side: Side) -> dict[str, Any]:
    return {"name": side.name, "examples": len(side.lines), "unread": len(side.unread)}


def _quoted(kinds: dict[str, list[Place]], found: Difference) -> dict[str, Any]:
    shown = [place for places in kinds.values() for place in places[:SHOWN]]
    new = excerpts.of_lines(found.new.path, (place.line for place in shown if place.line))
    old = excerpts.of_lines(found.old.path, (place.other for place in shown if place.other))
    return {
        kind: {
            "count": len(places),
            "shown": [_both(place, new, old) for place in places[:SHOWN]],
        }
        for kind, places in kinds.items()
    }


def _both(place: Place, new: dict[int, Excerpt], old: dict[int, Excerpt]) -> dict[str, Any]:
    return {"new": _line(place.line, new), "old": _line(place.other, old)}


def _line(number: int, quoted: dict[int, Excerpt]) -> dict[str, Any] | None:
    if not number:
        return None
    return {"line": number, **quoted.get(number, Excerpt("", ""))._asdict()}


def merged(
    base: Given, additions: Given, held: Sequence[Given], conflicts: Conflicts, out: Path
) -> dict[str, Any]:
    """`held`: the validation set, if there is one. Raises CallerError as `difference` does."""
    sides = Side.of(base.path, name=base.name), Side.of(additions.path, name=additions.name)
    kept = [Side.of(one.path, FileRole.VALIDATION, one.name) for one in held]
    done = merge(*sides, next(iter(kept), None), conflicts)
    with out.open("wb") as file:
        write(done, file)
    return {
        "base": _side(done.base),
        "additions": _side(done.additions),
        "examples": done.examples,
        "taken": len(done.taken),
        "replaced": len(done.replaced),
        "conflicts": done.conflicts,
        "conflicts_left": done.conflicts_left,
        "noted": {why: _noted(done, why) for why in Why},
    }


def _noted(done: Merged, why: Why) -> dict[str, Any]:
    """Lines of the additions; `old` is the line of another file that each is about."""
    found = done.of(why)
    shown = found[:SHOWN]
    new = excerpts.of_lines(done.additions.path, (noted.line for noted in shown))
    of_base = [noted.other for noted in shown if noted.file == done.base.name and noted.other]
    old = excerpts.of_lines(done.base.path, of_base)
    return {
        "count": len(found),
        "shown": [
            {
                "new": _line(noted.line, new),
                "old": _line(noted.other, old) if noted.file == done.base.name else None,
            }
            for noted in shown
        ],
    }
