"""One pass over a dataset: bytes in, findings and numbers out, in bounded memory.

A batch of lines goes through three sieves. Most lines are plain: they decode straight into typed
messages, and that is their check of shape. What does not is read again with care and looked at by
the precise checks. All conversations are then measured, and, unless only the quick checks were
asked for, looked at for what they say.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from shared.dataset import content, privacy, tools
from shared.dataset.catalog import MINIMUM_EXAMPLES
from shared.dataset.checks import CHECKS, at
from shared.dataset.cost import Plan
from shared.dataset.examples import Conversation, Example, Fault, Finding, Plain, Role
from shared.dataset.lines import LONGEST, Lines
from shared.dataset.measure import Index, Measure
from shared.dataset.notes import Group, Notes
from shared.dataset.parts import parts_are_right
from shared.dataset.preference import is_preference, preference_is_right
from shared.dataset.quoting import preview
from shared.dataset.reading import read, repeats_a_key, wrong_encoding
from shared.dataset.seen import Brief, Seen
from shared.dataset.stats import Stats
from shared.dataset.talks import understand
from shared.dataset.whole import look_at_the_whole

BOM = b"\xef\xbb\xbf"
BATCH = 1 << 20  # bytes of lines that are worked on together

_decode = msgspec.json.Decoder(Plain).decode
_TAKES_TURNS = re.compile(r"[sd]?(?:ua)+")
_KEYS = (b'"messages"', b'"role"', b'"content"')


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
        self._split = Lines()
        self._waiting: list[bytes | None] = []
        self._weight = 0

    def feed(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        if not self.seen.size:
            self.seen.foreign = wrong_encoding(chunk[:8])
        self.seen.size += len(chunk)
        if self.seen.foreign:
            return
        self._waiting += self._split.feed(chunk)
        self._weight += len(chunk)
        if self._weight >= BATCH:
            self._flush()

    def finish(self) -> Scanned:
        if self._split.begun:
            self._waiting.append(self._split.rest())
        self._flush()
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

    # ---- a batch

    def _flush(self) -> None:
        lines, self._waiting, self._weight = self._waiting, [], 0
        for start in range(0, len(lines), 5000):  # tiny lines: their objects outweigh their bytes
            self._batch(lines[start : start + 5000])

    def _batch(self, lines: list[bytes | None]) -> None:
        first = self.seen.lines + 1
        self.seen.lines += len(lines)
        if first == 1 and lines and lines[0] and lines[0].startswith(BOM):
            self.notes.add(Fault("byte-order-mark", "The file begins with EF BB BF."))
            lines[0] = lines[0][len(BOM) :]
        data = b"\n".join([line for line in lines if line])
        talks = self._shape(first, lines, data)
        if talks:
            self.measure.add(talks)
            if self.deep:
                self._contents(first, lines, data, talks)

    def _shape(self, first: int, lines: list[bytes | None], data: bytes) -> list[Conversation]:
        """The conversations of a batch; what has no plain shape is looked at with care."""
        weighted = b'"weight"' in data
        talks: list[Conversation] = []
        plains: list[tuple[bytes, Plain]] = []
        for number, line in enumerate(lines, first):
            if line and (example := self._plain(line, weighted)):
                roles = "".join([message.role[0] for message in example.messages])
                if _TAKES_TURNS.fullmatch(roles):
                    self.seen.pattern(roles)
                    talks.append(Conversation(number, example.messages, roles))
                    plains.append((line, example))
                    continue
            if talk := self._careful(number, line):
                talks.append(talk)
        if plains:
            self.seen.examples += len(plains)
            self.seen.format("chat", talks[0].line, len(plains))
            self._repeated_keys(first, lines, plains)
        return talks

    @staticmethod
    def _plain(line: bytes, weighted: bool) -> Plain | None:
        """The example of a line that needs no second look."""
        try:
            example = _decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        for message in example.messages:
            text = message.content
            if not text or text.isspace():
                return None
        if weighted and not _weights_are_plain(example):
            return None
        return example

    def _repeated_keys(
        self,
        first: int,
        lines: list[bytes | None],
        plains: list[tuple[bytes, Plain]],
    ) -> None:
        """The decoder keeps the last of two equal keys. Where the plain lines of a batch have as
        many keys as their messages need, none is repeated; only otherwise is each looked at."""
        data = b"\n".join([line for line, _ in plains])
        messages = sum([len(example.messages) for _, example in plains])
        expected = [len(plains), messages, messages]
        if [data.count(key) for key in _KEYS] == expected and b'"weight"' not in data:
            return
        numbers = {id(line): number for number, line in enumerate(lines, first)}
        for line, example in plains:
            if repeats_a_key(line, example):
                self._examine(numbers[id(line)], line)

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

    def _contents(
        self, first: int, lines: list[bytes | None], data: bytes, talks: list[Conversation]
    ) -> None:
        strange, suspicious = content.looks_strange(data), privacy.suspicious(data)
        for talk in talks:
            line = lines[talk.line - first] or b""
            last = talk.messages[-1]
            for fault in content.answers_teach(talk):
                self._keep(fault, talk)
            if content.ends_open(last.content) and len(self.seen.open_ends) < 100_000:
                self.seen.open_ends.append(talk.line)
            if last.content.strip() != last.content and last.role == "assistant":
                place = len(talk.messages) - 1
                what = "There is whitespace before or after the answer."
                self._keep(Fault("whitespace", what, place, at(place, "content")), talk)
            if strange and content.looks_strange(line):
                for fault in content.texts_are_whole(talk):
                    self._keep(fault, talk)
            if suspicious and privacy.suspicious(line):
                for fault, kind in content.nothing_is_private(talk):
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


def _weights_are_plain(example: Plain) -> bool:
    """Weights on answers only, and one of them is learned."""
    weights = [m.weight for m in example.messages if m.role == "assistant"]
    misplaced = any(m.weight is not None for m in example.messages if m.role != "assistant")
    return not misplaced and any(weight != 0 for weight in weights)


def _as_example(talk: Conversation) -> Example:
    return {"messages": [{"role": m.role, "content": m.content} for m in talk.messages]}
