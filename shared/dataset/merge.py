"""Rated answers into the dataset that was trained on. What is there already is left out, what
contradicts it is listed and, unless it is said otherwise, not taken.

Lines are copied byte for byte. Knows what is taken and why, not how a provenance is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, NamedTuple

from shared.dataset.compare import Pair, Side, must_be_alike, near

SHOWN = 10  # lines of each kind that are printed


class Conflicts(StrEnum):
    """Whose answer stands where both files answer the same otherwise."""

    BASE = "base"
    ADDITIONS = "additions"
    BOTH = "both"


class Why(StrEnum):
    """Why a line of the additions is not taken, or is worth a look."""

    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    HELD_OUT = "held-out"
    EARLIER = "earlier"
    UNREADABLE = "unreadable"
    NEAR = "near"


class Noted(NamedTuple):
    """A line of the additions, and the line of `file` that it is about; 0 for none."""

    line: int
    why: Why
    file: str
    other: int


@dataclass
class Merged:
    """`taken` are lines of the additions; `replaced` has those that stand in the place of a line of
    the base, by that line; `gone` are the lines of the base that are left out."""

    base: Side
    additions: Side
    conflicts: Conflicts
    held: Side | None = None
    taken: list[int] = field(default_factory=list)
    replaced: dict[int, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    noted: list[Noted] = field(default_factory=list)

    def of(self, why: Why) -> list[Noted]:
        return [noted for noted in self.noted if noted.why is why]

    @property
    def unread(self) -> list[Side]:
        """Those of which lines could not be read."""
        return [side for side in (self.base, self.additions, self.held) if side and side.unread]

    @property
    def conflicts_left(self) -> bool:
        return self.conflicts is Conflicts.BASE and bool(self.of(Why.CONFLICT))

    @property
    def examples(self) -> int:
        """How many there are in the end; lines of the base that are none are not counted."""
        return len(self.base.lines) - len(self.gone) + len(self.taken)

    def as_json(self) -> dict[str, Any]:
        return {
            "base": self.base.as_json(),
            "additions": self.additions.as_json(),
            "validation": self.held.as_json() if self.held else None,
            "conflicts": self.conflicts,
            "examples": self.examples,
            "taken": self.taken,
            "replaced": [Pair(new, old)._asdict() for old, new in self.replaced.items()],
            "noted": [noted._asdict() for noted in self.noted],
        }

    def sentences(self) -> Iterator[str]:
        yield self.base.sentence()
        yield self.additions.sentence()
        if self.held:
            yield self.held.sentence()
        replaced = f", {len(self.replaced):,} of them for an old answer" if self.replaced else ""
        yield f"  {len(self.taken):,} taken{replaced}"
        yield from self._told(Why.DUPLICATE, "left out, for it is there already", "is")
        yield from self._told(Why.HELD_OUT, "not taken, for it is held out", "asks the same as")
        yield from self._told(Why.EARLIER, "not taken, for a later one stands", "asks the same as")
        yield from self._told(Why.UNREADABLE, "not taken, for it is no example", "")
        kept = "not taken" if self.conflicts is Conflicts.BASE else "taken"
        yield from self._told(Why.CONFLICT, f"in conflict, {kept}", "answers otherwise than")
        yield from self._told(Why.NEAR, "taken, and almost there already", "is almost")

    def _told(self, why: Why, what: str, joint: str) -> Iterator[str]:
        found = self.of(why)
        if found:
            yield f"  {len(found):,} {what}:"
        for noted in found[:SHOWN]:
            about = f" {joint} {noted.file}:{noted.other}" if noted.other else ""
            yield f"    {self.additions.name}:{noted.line}{about}"
        if len(found) > SHOWN:
            yield f"    … and {len(found) - SHOWN:,} more"


def merge(
    base: Side, additions: Side, held: Side | None, conflicts: Conflicts = Conflicts.BASE
) -> Merged:
    """`held` is the validation set, of which nothing may be trained on. Raises CallerError."""
    must_be_alike(base, additions)
    done = Merged(base, additions, conflicts, held)
    later = _later(done)
    said, asked = dict[int, int](), dict[int, int]()  # of additions that were taken: their rows
    fresh = []
    for row in range(len(additions.lines)):
        noted = _known(done, row, said) or later.get(row) or _contradicted(done, row, asked)
        if noted:
            done.noted.append(noted)
        if noted is None or (noted.why is Why.CONFLICT and _resolved(done, row)):
            said[additions.keys[row]] = asked[additions.prompts[row]] = row
            done.taken.append(additions.lines[row])
            fresh += [row] if noted is None else []
    for row, like in near(base, additions, fresh).items():
        done.noted.append(Noted(additions.lines[row], Why.NEAR, base.name, base.lines[like]))
    done.noted += [Noted(number, Why.UNREADABLE, "", 0) for number in additions.unread]
    return done


def _later(done: Merged) -> dict[int, Noted]:
    """The additions that a later one answers otherwise, where the new answers stand: the last is
    the newest. What has several answers in the base is meant to."""
    base, new = done.base, done.additions
    last = {prompt: row for row, prompt in enumerate(new.prompts)}
    return {
        row: Noted(new.lines[row], Why.EARLIER, new.name, new.lines[last[prompt]])
        for row, prompt in enumerate(new.prompts)
        if done.conflicts is Conflicts.ADDITIONS
        and new.keys[row] != new.keys[last[prompt]]
        and len(base.answers.get(prompt, [])) < 2
    }


def _known(done: Merged, row: int, said: dict[int, int]) -> Noted | None:
    """Whether it is there already, or is to be held out."""
    base, additions, held = done.base, done.additions, done.held
    key, line = additions.keys[row], additions.lines[row]
    if key in base.by_key:
        return Noted(line, Why.DUPLICATE, base.name, base.lines[base.by_key[key][0]])
    if key in said:
        return Noted(line, Why.DUPLICATE, additions.name, additions.lines[said[key]])
    if held and (rows := held.answers.get(additions.prompts[row])):
        return Noted(line, Why.HELD_OUT, held.name, held.lines[rows[0]])
    return None


def _contradicted(done: Merged, row: int, asked: dict[int, int]) -> Noted | None:
    """Whether the same is answered otherwise. What has several answers in the base is meant to."""
    base, additions = done.base, done.additions
    prompt, line = additions.prompts[row], additions.lines[row]
    answered = base.answers.get(prompt, [])
    if len(answered) > 1:
        return None
    if prompt in asked:
        return Noted(line, Why.CONFLICT, additions.name, additions.lines[asked[prompt]])
    if answered:
        return Noted(line, Why.CONFLICT, base.name, base.lines[answered[0]])
    return None


def _resolved(done: Merged, row: int) -> bool:
    """Whether a line in conflict is taken; the lines of the base that it replaces then go."""
    if done.conflicts is not Conflicts.ADDITIONS:
        return done.conflicts is Conflicts.BOTH
    base, additions = done.base, done.additions
    answered = base.answers[additions.prompts[row]]
    rows = base.by_key[base.keys[answered[0]]]
    done.replaced[base.lines[rows[0]]] = additions.lines[row]
    done.gone |= {base.lines[one] for one in rows}
    return True


def write(done: Merged, out: BinaryIO) -> list[tuple[int, int]]:
    """Write the merged lines; of each where it is from: 0 for the base or 1, and its line there."""
    origins: list[tuple[int, int]] = []
    replacing = set(done.replaced.values())
    new = _lines(done.additions, {*done.taken})
    for number, line in done.base.every_line():
        if number in done.replaced:
            origins.append((1, done.replaced[number]))
            out.write(new[done.replaced[number]])
        elif number not in done.gone:
            origins.append((0, number))
            out.write(line)
    for number in done.taken:
        if number not in replacing:
            origins.append((1, number))
            out.write(new[number])
    return origins


def _lines(side: Side, wanted: set[int]) -> dict[int, bytes]:
    return {number: line for number, line in side.every_line() if number in wanted}
