"""Files that two processes check, and all that is known of them in the end."""

import json
import random
import sys
from collections.abc import Iterator

import psutil
import pytest

from shared.dataset import helper
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading import lines
from shared.dataset.report import document
from shared.dataset.scan import Scan, ScanResult
from shared.dataset.verdict import judge
from tests.dataset.builders import ANSWER, TODAY, USER, line, talk, varied
from tests.dataset.corpus import ADDRESS, CASES, KEY, NEAR, NEARER, SYSTEM

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux alone")

ALONE = sys.maxsize
BLOCK = 3_000  # bytes: many blocks of a small file
COLUMNS = ("lines", "totals", "answers", "keys", "prompts", "signatures")
CUT = {**ANSWER, "content": "It is near the"}
CASE_LINES = [row for case in CASES for row in case.training.splitlines(True) if len(row) < 5_000]
ODD = [
    *CASE_LINES,
    NEAR,
    NEARER,
    talk(SYSTEM, USER, ANSWER),
    talk(USER, {**ANSWER, "content": f"Write to {ADDRESS} with {KEY} and mind the rest."}),
    talk(USER, CUT),
    talk(USER, {**ANSWER, "content": "\u200bOdd."}),
    talk({**SYSTEM, "content": f"Ask {ADDRESS}."}, {**USER, "content": "Where?"}, ANSWER),
    b'{"messages": [{"role": "user", "content": "\xff"}]}\n',
    b"\n",
    b"   \r\n",
    line(varied(3)).replace(b"\n", b"\r\n"),
    b"x" * 2 * BLOCK + b"\n",
    line({"messages": [USER, {**ANSWER, "content": "word " * BLOCK}]}),
]


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Also where there is one; and no process is left. Whoever wants it imports it."""
    monkeypatch.setattr(helper, "cores", lambda: 2)
    monkeypatch.setattr(lines, "BLOCK", BLOCK)
    monkeypatch.setattr(helper, "SLOTS", 100)  # so many blocks are under way at the end
    before = children()
    yield
    assert children() == before


def children() -> list[int]:
    return sorted(child.pid for child in psutil.Process().children())


def started(content: bytes, helped_from: int, *, deep: bool = True) -> Scan:
    found = Scan("training.jsonl", deep=deep, helped_from=helped_from)
    for start in range(0, len(content), BLOCK):
        found.feed(content[start : start + BLOCK])
    return found


def checked(content: bytes, helped_from: int, *, deep: bool = True) -> ScanResult:
    return started(content, helped_from, deep=deep).finish()


def told(result: ScanResult) -> tuple[object, ...]:
    """All of it."""
    verdict = judge([result], TrainingPlan(), TODAY)
    columns = [getattr(result.index, name).tolist() for name in COLUMNS]
    return json.dumps(document.as_json("one", verdict)), result.findings, result.groups, columns


def same(content: bytes, *, deep: bool = True) -> ScanResult:
    """With two processes and with one."""
    alone = checked(content, ALONE, deep=deep)
    assert told(checked(content, 0, deep=deep)) == told(alone)
    return alone


def odd(seed: int, rows: int = 250) -> bytes:
    chance = random.Random(seed)
    share = chance.choice((0.02, 0.2, 0.8))
    made = [
        chance.choice(ODD) if chance.random() < share else line(varied(chance.randrange(2 * rows)))
        for _ in range(rows)
    ]
    begin = chance.choice((b"", b"", b"\xef\xbb\xbf"))
    whole = begin + b"".join(made)
    return whole.removesuffix(b"\n") if chance.random() < 0.5 else whole
