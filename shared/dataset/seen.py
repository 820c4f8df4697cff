"""What one pass over a file is asked for and what it has counted, for the checks of the whole file.

Holds values; knows neither how they are come by nor what is made of them.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.dataset.cost import Plan
from shared.dataset.examples import Conversation, Fault, Role
from shared.dataset.talks import Understood

MANY = 2000  # different orders of roles, and names of tools, that are told apart


@dataclass(frozen=True, slots=True)
class Brief:
    """`minimum` is of examples; not `deep` leaves out what is said in them."""

    role: Role
    plan: Plan
    minimum: int
    deep: bool


class Seen:
    """What the pass has counted so far."""

    def __init__(self) -> None:
        self.size = 0
        self.lines = 0
        self.examples = 0
        self.patterns: Counter[str] = Counter()
        self.formats: dict[str, list[int]] = {}  # format → [count, first line]
        self.declared: dict[str, int] = {}
        self.called: set[str] = set()
        self.nothing_to_learn = 0
        self.with_tools = 0
        self.with_images = 0
        self.private: Counter[str] = Counter()
        self.open_ends: array[int] = array("I")
        self.foreign: Fault | None = None  # the file is no text at all

    def format(self, name: str, line: int, count: int = 1) -> None:
        self.formats.setdefault(name, [0, line])[0] += count

    def pattern(self, roles: str, count: int = 1) -> None:
        if roles in self.patterns or len(self.patterns) < MANY:
            self.patterns[roles[:64]] += count

    def plain(self, talks: Sequence[Conversation]) -> None:
        if talks:
            self.examples += len(talks)
            self.format("chat", talks[0].line, len(talks))
        for roles, count in Counter([talk.roles for talk in talks]).items():
            self.pattern(roles, count)

    def understood(self, known: Understood) -> None:
        self.format(known.format, known.talk.line)
        self.pattern(known.talk.roles)
        self.nothing_to_learn += known.learns_nothing
        self.with_images += known.images > 0
        self.with_tools += bool(known.declared or known.called)
        self.called |= known.called
        for name in known.declared:
            if name in self.declared or len(self.declared) < MANY:
                self.declared[name] = self.declared.get(name, 0) + 1
