"""One pass over a dataset: bytes in, findings and numbers out, in bounded memory.

Most lines of a block are plain and take the fast path; the others are parsed again with care and go
through all checks of an example. All conversations are then measured and, unless only the quick
checks were asked for, their texts are checked as well.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from shared.catalog import facts
from shared.dataset.checks import content
from shared.dataset.checks.conversations import parse_example
from shared.dataset.checks.counts import ScanCounts, ScanOptions
from shared.dataset.checks.example_checks import check_example
from shared.dataset.checks.fast_path import parse_plain
from shared.dataset.checks.file_checks import check_file
from shared.dataset.findings.collector import FindingCollector, FindingGroup
from shared.dataset.findings.finding import Finding, PreviewRow, RawFinding
from shared.dataset.findings.quoting import preview
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.measure.measurements import ExampleIndex, Measurements
from shared.dataset.measure.statistics import FileStatistics
from shared.dataset.reading.examples import Conversation, Example, FileRole
from shared.dataset.reading.foreign import ForeignLines
from shared.dataset.reading.limits import (
    MOST_BROKEN,
    MOST_LINES,
    MOST_TEXT,
    PER_FINDING,
    Steps,
    TooComplex,
    refuse_much_text,
)
from shared.dataset.reading.lines import LONGEST, Block, Blocks
from shared.dataset.reading.parsing import parse, wrong_encoding
from shared.dataset.reading.prefilter import Prefilter

BOM = b"\xef\xbb\xbf"
MOST_OPEN_ENDS = 100_000


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What is known of one file."""

    name: str
    role: FileRole
    size: int
    sha256: str
    lines: int
    examples: int
    groups: tuple[FindingGroup, ...]
    stats: FileStatistics
    index: ExampleIndex
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
        role: FileRole = FileRole.TRAINING,
        plan: TrainingPlan | None = None,
        *,
        minimum: int | None = None,
        deep: bool = True,
    ) -> None:
        plan = plan or TrainingPlan()
        if minimum is None:
            minimum = facts.FILES.minimum_examples if role is FileRole.TRAINING else 1
        self.name = name
        self._options = ScanOptions(role, plan, minimum, deep)
        self._counts = ScanCounts()
        self._collector = FindingCollector()
        self._measurements = Measurements(plan.encoding, deep=deep)
        self._digest = hashlib.sha256()
        self._blocks = Blocks()
        self._steps = Steps()
        self._foreign = ForeignLines()

    def feed(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        if not self._counts.size:
            self._counts.not_text = wrong_encoding(chunk[:8])
        self._counts.size += len(chunk)
        if self._counts.size > facts.FILES.largest_file:
            self._leave_the_rest("the file is larger than any that the service takes")
        if not self._counts.not_text and not self._counts.unexamined:
            self._check_blocks(self._blocks.feed(chunk))

    def finish(self) -> ScanResult:
        self._check_blocks(self._blocks.rest())
        counts, index = self._counts, self._measurements.index()
        for finding, first in self._foreign.findings():
            counts.foreign |= finding.id != "not-json"
            counts.examples += finding.id == "not-json"
            self._collector.add(finding, first)
        stats = check_file(counts, self._options, self._measurements, index, self._collector)
        return ScanResult(
            name=self.name,
            role=self._options.role,
            size=counts.size,
            sha256=self._digest.hexdigest(),
            lines=counts.lines,
            examples=counts.examples,
            groups=tuple(self._collector.sorted()),
            stats=stats,
            index=index,
            format=max(counts.formats, key=lambda name: counts.formats[name][0], default=""),
        )

    # ---- a block of lines

    def _check_blocks(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            room = MOST_LINES - self._counts.lines
            if room and not self._counts.unexamined:
                self._check_block(block[:room])
            if len(block) > room:
                self._leave_the_rest(f"a file may have {MOST_LINES:,} lines")

    def _leave_the_rest(self, reason: str) -> None:
        """What is remembered of each line must fit into memory."""
        if not self._counts.unexamined:
            self._counts.unexamined = self._counts.lines + 1
            message = f"Nothing was examined from line {self._counts.unexamined:,} on: {reason}."
            self._collector.add(RawFinding("not-examined", message), self._counts.unexamined)

    def _check_block(self, block: Block) -> None:
        first = self._counts.lines + 1
        self._counts.lines += len(block)
        if first == 1:
            self._remove_byte_order_mark(block)
        lines = [line or b"" for line in block]
        self._steps.earn(sum(map(len, lines)))
        prefilter = Prefilter(lines)
        conversations = self._conversations(first, block, lines, prefilter)
        if conversations:
            self._measurements.add(conversations)
            if self._options.deep:
                self._check_contents(first, conversations, prefilter)

    def _remove_byte_order_mark(self, block: Block) -> None:
        """Nothing is said of it: Azure's guide asks for one, and takes a file without."""
        if block[0] and block[0].startswith(BOM):
            block[0] = block[0][len(BOM) :]

    def _conversations(
        self, first: int, block: Block, lines: list[bytes], prefilter: Prefilter
    ) -> list[Conversation]:
        """Of all lines that hold one, in the order of the lines."""
        quick = parse_plain(first, lines, prefilter.key_counts(), self._steps)
        self._counts.add_plain(quick.plain)
        for example in quick.with_tools:
            self._counts.examples += 1
            self._counts.add_parsed(example)
        conversations = quick.plain + [example.conversation for example in quick.with_tools]
        for number in quick.remaining:
            if self._counts.broken >= MOST_BROKEN:
                self._leave_line(number, block[number - first])
                continue
            errors = self._collector.errors
            if conversation := self._check_line(number, block[number - first]):
                conversations.append(conversation)
            self._counts.broken += self._collector.errors > errors
        return sorted(conversations, key=lambda conversation: conversation.line)

    # ---- a line that the fast path leaves

    def _leave_line(self, number: int, line: bytes | None) -> None:
        """The file is rejected already; and to tell what is wrong with a line of a letter takes a
        hundred times as long as to read it."""
        self._counts.examples += line is None or bool(line.strip())
        if not self._counts.left:
            message = (
                f"{MOST_BROKEN:,} lines before this one have errors, so from here on a line that "
                "is not plain was only counted."
            )
            self._collector.add(RawFinding("not-examined", message), number)
        self._counts.left += 1

    def _check_line(self, number: int, line: bytes | None) -> Conversation | None:
        if line is None:
            self._counts.examples += 1
            message = f"The line has more than {LONGEST // 1_000_000} MB and was not read."
            self._collector.add(RawFinding("line-too-long", message), number)
            return None
        if not line.strip():
            self._collector.add(RawFinding("blank-line", "The line is blank."), number)
            return None
        if self._foreign.takes(number, line):
            return None
        self._counts.examples += 1
        self._steps.begin_line()
        try:
            example = self._check_example(number, line)
            found = self._parse_conversation(number, example) if example else None
            if found and len(line) > MOST_TEXT:
                refuse_much_text([*(message.content for message in found.messages), found.extra])
            return found
        except TooComplex as refused:
            self._collector.add(refused.finding, number)
        except RecursionError:
            deep = RawFinding("not-json", "The line is too deeply nested to be read.")
            self._collector.add(deep, number)
        return None

    def _check_example(self, number: int, line: bytes) -> Example | None:
        """Everything that is wrong with a line's JSON and shape."""
        example, findings, shown = parse(line)
        self._add(findings, number, lambda _: shown)
        if example is not None:
            found = self._paid(check_example(example, self._steps))
            self._add(found, number, partial(preview, example))
        return example

    def _paid(self, findings: Iterable[RawFinding]) -> Iterator[RawFinding]:
        for finding in findings:
            self._steps.spend(PER_FINDING, "listing all that is wrong with it")
            yield finding

    def _parse_conversation(self, number: int, example: Example) -> Conversation | None:
        """The example for the content checks, as far as it can be understood."""
        parsed = parse_example(number, example, self._steps)
        if parsed is None:
            return None
        self._counts.add_parsed(parsed)
        return parsed.conversation if parsed.conversation.messages else None

    # ---- the texts

    def _check_contents(
        self, first: int, conversations: list[Conversation], prefilter: Prefilter
    ) -> None:
        odd, private = prefilter.odd_texts().tolist(), prefilter.private_kinds().tolist()
        for one in conversations:
            place = one.line - first
            self._check_answer(one)
            if odd[place]:
                self._add_content(one, content.texts_are_whole(one, ascii_too=odd[place] == 2))
            if private[place]:
                for finding, kind in content.nothing_is_private(one, private[place]):
                    self._counts.private[kind] += 1
                    self._add_content(one, [finding])

    def _check_answer(self, conversation: Conversation) -> None:
        if findings := content.answers_teach(conversation):
            self._add_content(conversation, findings)
        open_ends = self._counts.open_ends
        if content.ends_open(conversation) and len(open_ends) < MOST_OPEN_ENDS:
            open_ends.append(conversation.line)

    def _add_content(self, conversation: Conversation, findings: Iterable[RawFinding]) -> None:
        self._add(findings, conversation.line, partial(_preview, conversation))

    def _add(
        self,
        findings: Iterable[RawFinding],
        line: int,
        show: Callable[[RawFinding], tuple[PreviewRow, ...]],
    ) -> None:
        for finding in findings:
            self._collector.add(finding, line, partial(show, finding))


def _preview(conversation: Conversation, finding: RawFinding) -> tuple[PreviewRow, ...]:
    messages = [{"role": m.role, "content": m.content} for m in conversation.messages]
    return preview({"messages": messages}, finding)
