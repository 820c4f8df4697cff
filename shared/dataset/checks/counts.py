"""What one pass over a file is asked for and what it has counted, for the checks of the whole file.

Holds values; knows neither where they come from nor what is made of them.
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.dataset.checks.conversations import ParsedExample
from shared.dataset.findings.finding import RawFinding
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading.examples import FileRole

MANY = 2000  # different orders of roles, and names of tools, that are counted each for itself
MOST_OPEN_ENDS = 100_000
LONGEST_NAME = 64  # characters of a tool's name: longer ones cannot be declared


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """`minimum` is of examples. Not `deep` leaves out the checks of what the texts say."""

    role: FileRole
    plan: TrainingPlan
    minimum: int
    deep: bool


@dataclass(slots=True)
class ScanCounts:
    """What the pass has counted so far."""

    size: int = 0
    lines: int = 0  # that were examined
    unexamined: int = 0  # the first line that was not, nor any after it
    examples: int = 0
    foreign: bool = False  # there are lines with examples that cannot be counted
    broken: int = 0  # lines with an error
    left: int = 0  # lines that were only counted, for so many are broken
    nothing_to_learn: int = 0
    with_tools: int = 0
    with_images: int = 0
    images_low: int = 0
    images_high: int = 0
    patterns: Counter[str] = field(default_factory=Counter)  # orders of roles
    formats: dict[str, list[int]] = field(default_factory=dict)  # format → [count, first line]
    declared: dict[str, int] = field(default_factory=dict)  # name of a tool → examples with it
    called: set[str] = field(default_factory=set)
    private: Counter[str] = field(default_factory=Counter)
    open_ends: "array[int]" = field(default_factory=lambda: array("I"))
    not_text: RawFinding | None = None  # the file is no UTF-8 text at all

    def add_plain(self, first: int, patterns: Mapping[str, int]) -> None:
        """Examples without tools, images or anything else that is counted: the line of the first,
        and how many there are of each order of roles."""
        if count := sum(patterns.values()):
            self.examples += count
            self._add_format("chat", first, count)
        for roles, times in patterns.items():
            self._add_pattern(roles, times)

    def add_parsed(self, example: ParsedExample) -> None:
        self._add_format(example.format, example.conversation.line)
        self._add_pattern(example.conversation.roles)
        self.nothing_to_learn += example.learns_nothing
        self.with_images += any(example.images)
        self.images_low += example.images.low
        self.images_high += example.images.high
        self.with_tools += bool(example.declared or example.called)
        for name in sorted(example.declared):
            if name in self.declared or len(self.declared) < MANY:
                self.declared[name] = self.declared.get(name, 0) + 1
        for name in sorted(example.called):
            if name in self.declared or (len(self.called) < MANY and len(name) <= LONGEST_NAME):
                self.called.add(name)

    def add_open_ends(self, lines: Sequence[int]) -> None:
        self.open_ends.extend(lines[: MOST_OPEN_ENDS - len(self.open_ends)])

    def _add_format(self, name: str, line: int, count: int = 1) -> None:
        self.formats.setdefault(name, [0, line])[0] += count

    def _add_pattern(self, roles: str, count: int = 1) -> None:
        if roles in self.patterns or len(self.patterns) < MANY:
            self.patterns[roles[:64]] += count
