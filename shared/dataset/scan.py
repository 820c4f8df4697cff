"""One pass over a dataset: bytes in, findings and numbers out, in bounded memory.

A block of lines is sieved: most are plain and go through quickly (`plain`), the others are read
again with care (`reading`) and looked at by the precise checks. All conversations are then
measured, and, unless only the quick checks were asked for, looked at for what they say.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from shared.dataset import content, tools
from shared.dataset.catalog import MINIMUM_EXAMPLES
from shared.dataset.checks import CHECKS
from shared.dataset.cost import Plan
from shared.dataset.examples import Conversation, Example, Fault, Finding, Role
from shared.dataset.glance import Glance
from shared.dataset.lines import LONGEST, Block, Blocks
from shared.dataset.measure import Index, Measure
from shared.dataset.notes import Group, Notes
from shared.dataset.parts import parts_are_right
from shared.dataset.plain import sieve
from shared.dataset.preference import is_preference, preference_is_right
from shared.dataset.quoting import preview
from shared.dataset.reading import read, wrong_encoding
from shared.dataset.seen import Brief, Seen
from shared.dataset.stats import Stats
from shared.dataset.talks import understand
from shared.dataset.whole import look_at_the_whole

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Scanned:
    """What is known of one file."""

    name: str
    role: Role
    size: int
    sha256: str
    lines: int
    examples: int
    groups: tuple[Group, ...]
    stats: Stats
    index: Index
    format: str

    @property
    def counts(self) -> dict[str, int]:
        return {group.id: group.count for group in self.groups}

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for group in self.groups for finding in group.places)

    @property
    def broken(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)


class Scan:
    """Feed it the file in chunks of any size, then `finish`. Never raises for bad content.

    Not `deep`: shape, tools, weights, tokens and exact duplicates only.
    """

    def __init__(
        self,
        name: str,
        role: Role = Role.TRAINING,
        plan: Plan | None = None,
        *,
        minimum: int | None = None,
        deep: bool = True,
    ) -> None:
        self.name = name
        self.role = role
        self.plan = plan or Plan()
        self.deep = deep
        wanted = MINIMUM_EXAMPLES if role is Role.TRAINING else 1
        self.brief = Brief(role, self.plan, wanted if minimum is None else minimum, deep)
        self.seen = Seen()
        self.notes = Notes()
        self.measure = Measure(self.plan.encoding, deep=deep)
        self._digest = hashlib.sha256()
        self._blocks = Blocks()

    def feed(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        if not self.seen.size:
            self.seen.foreign = wrong_encoding(chunk[:8])
        self.seen.size += len(chunk)
        if not self.seen.foreign:
            for block in self._blocks.feed(chunk):
                self._block(block)

    def finish(self) -> Scanned:
        for block in self._blocks.rest():
            self._block(block)
        index = self.measure.index()
        stats = look_at_the_whole(self.seen, self.brief, self.measure, index, self.notes)
        return Scanned(
            name=self.name,
            role=self.role,
            size=self.seen.size,
            sha256=self._digest.hexdigest(),
            lines=self.seen.lines,
            examples=self.seen.examples,
            groups=tuple(self.notes.sorted()),
            stats=stats,
            index=index,
            format=max(self.seen.formats, key=lambda f: self.seen.formats[f][0], default=""),
        )

    # ---- a block of lines

    def _block(self, lines: Block) -> None:
        first = self.seen.lines + 1
        self.seen.lines += len(lines)
        if first == 1 and lines[0] and lines[0].startswith(BOM):
            self.notes.add(Fault("byte-order-mark", "The file begins with EF BB BF."))
            lines[0] = lines[0][len(BOM) :]
        read = [line or b"" for line in lines]
        glance = Glance(b"\n".join(read))
        sieved = sieve(first, read, glance.keys())
        self.seen.plain(sieved.plain)
        for known in sieved.with_tools:
            self.seen.examples += 1
            self.seen.understood(known)
        talks = sieved.plain + [known.talk for known in sieved.with_tools]
        for number in sieved.others:
            if talk := self._careful(number, lines[number - first]):
                talks.append(talk)
        if talks:
            talks.sort(key=lambda talk: talk.line)
            self.measure.add(talks)
            if self.deep:
                self._contents(first, talks, glance)

    # ---- a line that is not plain

    def _careful(self, number: int, line: bytes | None) -> Conversation | None:
        if line is None:
            self.seen.examples += 1
            what = f"The line has more than {LONGEST // 1_000_000} MB and was not read."
            self.notes.add(Fault("line-too-long", what), number)
            return None
        if not line.strip():
            self.notes.add(Fault("blank-line", "The line is blank."), number)
            return None
        self.seen.examples += 1
        try:
            example = self._examine(number, line)
            return self._conversation(number, example) if example else None
        except RecursionError:
            fault = Fault("not-json", "The line is too deeply nested to be read.")
            self.notes.add(fault, number)
            return None

    def _examine(self, number: int, line: bytes) -> Example | None:
        """Everything that is wrong with a line's JSON and shape."""
        example, faults, shown = read(line)
        for fault in faults:
            self.notes.add(fault, number, lambda: shown)
        if example is None:
            return None
        for fault in _shape_faults(example):
            self.notes.add(fault, number, lambda fault=fault: preview(example, fault))  # type: ignore[misc]
        return example

    def _conversation(self, number: int, example: Example) -> Conversation | None:
        """The example for the content checks, as far as it can be understood."""
        known = understand(number, example)
        if known is None:
            return None
        self.seen.understood(known)
        return known.talk if known.talk.messages else None

    # ---- what is said

    def _contents(self, first: int, talks: list[Conversation], glance: Glance) -> None:
        strange, private = glance.strange().tolist(), glance.private().tolist()
        for talk in talks:
            for fault in content.answers_teach(talk):
                self._keep(fault, talk)
            if content.ends_open(talk) and len(self.seen.open_ends) < 100_000:
                self.seen.open_ends.append(talk.line)
            if odd := strange[talk.line - first]:
                for fault in content.texts_are_whole(talk, ascii_too=odd == 2):
                    self._keep(fault, talk)
            if suspects := private[talk.line - first]:
                for fault, kind in content.nothing_is_private(talk, suspects):
                    self.seen.private[kind] += 1
                    self._keep(fault, talk)

    def _keep(self, fault: Fault, talk: Conversation) -> None:
        self.notes.add(fault, talk.line, lambda: preview(_as_example(talk), fault))


def _shape_faults(example: Example) -> Iterator[Fault]:
    if is_preference(example):
        yield from preference_is_right(example)
        return
    for check in CHECKS:
        yield from check(example)
    declared = tools.declared(example)
    yield from declared.faults
    yield from tools.calls_are_right(example, declared)
    yield from tools.calls_are_answered(example)
    yield from parts_are_right(example)


def _as_example(talk: Conversation) -> Example:
    return {"messages": [{"role": m.role, "content": m.content} for m in talk.messages]}
