"""The plain lines of a block: what can be known of them whatever stands before them in the file.

So another process can find it out, and it is the same. What depends on the rest of the file (the
findings of a line, which are limited in number; tools, whose checks are limited in steps) is for
`scan`, and so is every line that is not plain. Knows neither files nor processes.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from shared.dataset.checks import content
from shared.dataset.checks.fast_path import parse_plain
from shared.dataset.frames import Frame
from shared.dataset.measure.measurements import Measurements, Rows
from shared.dataset.measure.similarity import BINS
from shared.dataset.measure.system_prompts import PromptCount
from shared.dataset.reading.examples import Conversation
from shared.dataset.reading.prefilter import Prefilter
from shared.dataset.texts import text_findings

_NUMBERS = 5  # columns of Rows that are numbers of 64 bits; the signatures follow


class Counted(NamedTuple):
    """The first line, and how many lines there are of each order of roles."""

    first: int
    patterns: dict[str, int]


class PlainLines(NamedTuple):
    """Of the plain lines: what is counted of them, those that end where no sentence ends, and those
    with something wrong in their texts. `left`: lines that are not plain."""

    rows: Rows
    counted: Counted
    open_ends: list[int]
    wrong: list[int]
    left: list[int]


def examine(first: int, lines: Sequence[bytes], measurements: Measurements) -> PlainLines:
    """`first` is the number of the first line. `measurements` are left as they are."""
    numbers = range(first, first + len(lines))
    prefilter = Prefilter(lines)
    found = parse_plain(numbers, lines, prefilter.key_counts(), None)
    open_ends, wrong = [], []
    if measurements.deep:
        open_ends = [one.line for one in found.plain if content.ends_open(one)]
        findings = text_findings(found.plain, numbers, prefilter)
        wrong = list(dict.fromkeys(one.line for one, _, _ in findings))
    return PlainLines(
        measurements.measure(found.plain) if found.plain else no_rows(measurements.deep),
        counted(found.plain),
        open_ends,
        wrong,
        found.remaining,
    )


def counted(plain: Sequence[Conversation]) -> Counted:
    return Counted(plain[0].line if plain else 0, dict(Counter([one.roles for one in plain])))


def no_rows(deep: bool) -> Rows:
    signatures = np.empty((0, BINS if deep else 0), np.uint8)
    none = np.empty(0, np.int64)
    return Rows(none, none, none, none, none, signatures, [], 0)


def as_frame(known: PlainLines) -> tuple[dict[str, Any], bytes]:
    """As a header and a body of `frames`."""
    *columns, prompts, without = known.rows
    head = {"plain": known[1:], "prompts": prompts, "without": without}
    head["rows"], head["width"] = columns[-1].shape
    numbers = [column.astype(np.int64).tobytes() for column in columns[:_NUMBERS]]
    return head, b"".join([*numbers, columns[-1].tobytes()])


def from_frame(frame: Frame) -> PlainLines:
    head, count = frame.head, frame.head["rows"]
    columns = np.frombuffer(frame.body, np.int64, _NUMBERS * count).reshape(_NUMBERS, count)
    signatures = np.frombuffer(frame.body, np.uint8, offset=columns.nbytes)
    prompts = [PromptCount(*prompt) for prompt in head["prompts"]]
    lines, totals, answers, keys, asked = columns
    found = signatures.reshape(count, head["width"])
    rows = Rows(lines, totals, answers, keys, asked, found, prompts, head["without"])
    first, *others = head["plain"]
    return PlainLines(rows, Counted(*first), *others)
