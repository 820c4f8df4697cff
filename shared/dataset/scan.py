"""One pass over a dataset: bytes in, findings and numbers out, in bounded memory.

Most lines of a block are plain and take the fast path; the others are parsed again with care and go
through all checks of an example. All conversations are then measured and, unless only the quick
checks were asked for, their texts are checked as well.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from shared.catalog import facts
from shared.dataset.checks import content
from shared.dataset.checks.conversations import parse_example
from shared.dataset.checks.counts import ScanCounts, ScanOptions
from shared.dataset.checks.example_checks import check_example
from shared.dataset.checks.fast_path import FastPathResult, parse_plain
from shared.dataset.checks.file_checks import check_file
from shared.dataset.findings.collector import FindingCollector, FindingGroup
from shared.dataset.findings.finding import Finding, PreviewRow, RawFinding
from shared.dataset.findings.quoting import preview
from shared.dataset.helper import HELPED_FROM, NumberedBlock, SharedBlocks
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.measure.measurements import ExampleIndex, Measurements
from shared.dataset.measure.statistics import FileStatistics
from shared.dataset.plain import counted
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
from shared.dataset.reading.parsing import MANY_IN_ONE, parse, wrong_encoding
from shared.dataset.reading.prefilter import Prefilter
from shared.dataset.texts import TextFinding, text_findings, text_preview

BOM = b"\xef\xbb\xbf"


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

    Not `deep`: shape, tools, weights, tokens and exact duplicates only. After `helped_from` bytes
    another process helps, where there is a core for it; what is found does not depend on that.
    """

    def __init__(
        self,
        name: str,
        role: FileRole = FileRole.TRAINING,
        plan: TrainingPlan | None = None,
        *,
        minimum: int | None = None,
        deep: bool = True,
        helped_from: int = HELPED_FROM,
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
        self._shared = SharedBlocks(self._measurements, helped_from)

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
        self._check_waiting()
        self._shared.close()
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
                self._take(block[:room])
            if len(block) > room:
                self._leave_the_rest(f"a file may have {MOST_LINES:,} lines")

    def _leave_the_rest(self, reason: str) -> None:
        """What is remembered of each line must fit into memory."""
        self._check_waiting()
        if not self._counts.unexamined:
            self._counts.unexamined = self._counts.lines + 1
            message = f"Nothing was examined from line {self._counts.unexamined:,} on: {reason}."
            self._collector.add(RawFinding("not-examined", message), self._counts.unexamined)

    def _take(self, block: Block) -> None:
        """Check a block now, or once the blocks before it are."""
        first = self._counts.lines + 1
        self._counts.lines += len(block)
        if first == 1:
            self._remove_byte_order_mark(block)
        for ready in self._shared.take(NumberedBlock(first, block), self._counts.size):
            self._check_block(ready)

    def _check_waiting(self) -> None:
        for block in self._shared.rest():
            self._check_block(block)

    def _check_block(self, block: NumberedBlock) -> None:
        self._steps.earn(sum(map(len, block.lines)))
        known, numbers = block.known, block.numbers()
        if known:
            self._counts.add_plain(*known.counted)
        new = self._check_lines(block, numbers) if numbers else []
        self._measurements.add(new, known.rows if known else None)
        if self._options.deep:
            ends = [one.line for one in new if content.ends_open(one)]
            self._counts.add_open_ends(sorted(ends + (known.open_ends if known else [])))

    def _check_lines(self, block: NumberedBlock, numbers: Sequence[int]) -> list[Conversation]:
        """Lines of a block, of which those that are plain and known have something wrong in their
        texts. The conversations of all others are still to be measured."""
        lines = [block.lines[number - block.first] for number in numbers]
        prefilter = Prefilter(lines)
        quick = parse_plain(numbers, lines, prefilter.key_counts(), self._steps)
        if not block.known:
            self._counts.add_plain(*counted(quick.plain))
        others = self._others(block, quick)
        every = sorted(quick.plain + others, key=attrgetter("line"))
        if self._options.deep:
            self._check_texts(text_findings(every, numbers, prefilter))
        return sorted(others, key=attrgetter("line")) if block.known else every

    def _remove_byte_order_mark(self, block: Block) -> None:
        """Nothing is said of it: Azure's guide asks for one, and takes a file without."""
        if block[0] and block[0].startswith(BOM):
            block[0] = block[0][len(BOM) :]

    def _others(self, block: NumberedBlock, quick: FastPathResult) -> list[Conversation]:
        """The conversations of lines that are not plain."""
        for example in quick.with_tools:
            self._counts.examples += 1
            self._counts.add_parsed(example)
        others = [example.conversation for example in quick.with_tools]
        for number in quick.remaining:
            line = block.content[number - block.first]
            if self._counts.broken >= MOST_BROKEN:
                self._leave_line(number, line)
                continue
            errors = self._collector.errors
            if conversation := self._check_line(number, line):
                others.append(conversation)
            self._counts.broken += self._collector.errors > errors
        return others

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
        self._counts.foreign |= any(finding.fix in MANY_IN_ONE for finding in findings)
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

    def _check_texts(self, findings: Iterable[TextFinding]) -> None:
        for one, finding, kind in findings:
            if kind:
                self._counts.private[kind] += 1
            self._add([finding], one.line, partial(text_preview, one))

    def _add(
        self,
        findings: Iterable[RawFinding],
        line: int,
        show: Callable[[RawFinding], tuple[PreviewRow, ...]],
    ) -> None:
        for finding in findings:
            self._collector.add(finding, line, partial(show, finding))
