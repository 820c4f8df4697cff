"""A file that two processes check has the verdict that it has with one, to the last byte of the
report; and whatever becomes of the second, the first one ends its work."""

import json
import os
import random
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from shared.dataset import helper, plain, scan
from shared.dataset.checks import counts
from shared.dataset.findings import collector
from shared.dataset.frames import Frame
from shared.dataset.helper import Helper, NumberedBlock
from shared.dataset.measure import system_prompts
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.measure.measurements import ExampleIndex, Measurements
from shared.dataset.reading import lines
from shared.dataset.report import document
from shared.dataset.scan import Scan, ScanResult
from shared.dataset.verdict import judge
from tests.dataset.builders import ANSWER, TODAY, TOLD, TOOL, USER, good, line, talk, varied
from tests.dataset.corpus import ADDRESS, CASES, KEY, NEAR, NEARER, SYSTEM
from tests.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux alone")

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


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Also where there is one; and no process is left."""
    monkeypatch.setattr(helper, "cores", lambda: 2)
    monkeypatch.setattr(lines, "BLOCK", BLOCK)
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


# ---- the same verdict


@pytest.mark.parametrize("seed", range(24))
def test_odd_files_have_the_verdict_of_one_process(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:  # each has its share
        monkeypatch.setattr(helper, "AWAY", 3 * BLOCK)
    assert same(odd(seed), deep=seed % 4 > 0).lines > 200


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"\xef\xbb\xbf", b"\x1f\x8bxx", good(1)])
def test_so_have_files_of_next_to_nothing(content: bytes) -> None:
    same(content)


def test_what_repeats_across_blocks_is_told_with_the_first_line() -> None:
    found = same(good(100) + NEAR + good(100) + NEARER)
    assert found.counts["duplicate"] == 100
    messages = [one.message for one in found.findings if one.id in ("duplicate", "near-duplicate")]
    assert messages[0] == "It says the same as line 1."
    assert "It is almost the same as line 101." in messages


def test_a_finding_is_named_with_its_line_in_the_file() -> None:
    private = talk(USER, {**ANSWER, "content": f"Write to {ADDRESS}."})
    found = same(good(90) + private + good(40) + b"{\n" + good(40) + private)
    assert [(one.id, one.line) for one in found.findings if one.id != "duplicate"][:3] == [
        ("not-json", 132),
        ("personal-data", 91),
        ("personal-data", 173),
    ]
    assert found.stats.private == {"e-mail address": 2}


def test_prompts_and_endings_are_counted_over_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_prompts, "MOST", 5)
    monkeypatch.setattr(scan, "MOST_OPEN_ENDS", 7)
    prompts = [talk({**SYSTEM, "content": f"Be {n % 9}."}, USER, CUT) for n in range(120)]
    found = same(good(100) + b"".join(prompts))
    assert [one.line for one in found.stats.system_prompts] == [101, 102, 103, 104, 105]
    assert found.stats.without_system_prompt == 100
    assert found.counts["answer-cut"] == 7


def test_limits_of_a_file_fall_on_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MOST_BROKEN", 12)
    monkeypatch.setattr(scan, "MOST_LINES", 170)
    monkeypatch.setattr(counts, "MANY", 2)
    monkeypatch.setattr(collector, "LINES", 1)  # of a finding, the first that is told
    bad = b"".join(line(varied(n)) + b"{\n" for n in range(20))
    assert same(good(80) + bad + good(90)).counts["not-examined"] == 2


def test_steps_of_tools_run_out_on_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dataset.reading.limits.FIRST_STEPS", 0)
    monkeypatch.setattr("shared.dataset.reading.limits.BYTES_PER_STEP", 400)
    many = {"at": [{"x": number} for number in range(60)]}
    call = {"id": "c1", "type": "function"}
    call |= {"function": {"name": "look", "arguments": json.dumps(many)}}  # type: ignore[dict-item]
    asks = {"role": "assistant", "tool_calls": [call]}
    calls = talk(USER, asks, TOLD, ANSWER, tools=[TOOL])
    assert 10 < same((good(7) + calls) * 30).counts["not-examined"] < 30


def test_what_is_asked_and_answered_goes_through_a_pipe_unchanged() -> None:
    measurements = Measurements("o200k_base", deep=True)
    known = plain.examine(7, odd(1).split(b"\n"), measurements)
    head, body = plain.as_frame(known)
    again = plain.from_frame(Frame(json.loads(json.dumps(head)), body))
    assert again[1:] == known[1:]
    assert again.rows[6:] == known.rows[6:]
    assert [column.tolist() for column in again.rows[:6]] == [
        column.tolist() for column in known.rows[:6]
    ]


# ---- the other process


def helping(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many blocks the helper has answered for, one number for each."""
    found: list[int] = []
    receive = Helper.receive

    def watched(self: Helper, *, wait: bool) -> bool:
        received = receive(self, wait=True)  # its answer, however busy the machine is
        found.append(received)
        return received

    monkeypatch.setattr(Helper, "receive", watched)
    return found


def test_the_second_process_does_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = helping(monkeypatch)
    same(good(300))
    assert len(answers) > 5


def test_without_a_second_core_or_a_large_file_there_is_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = children()
    few = started(good(300), helped_from=100_000)
    assert children() == before
    monkeypatch.setattr(helper, "cores", lambda: 1)
    alone = started(good(300), helped_from=0)
    assert children() == before
    assert told(few.finish()) == told(alone.finish())


def test_without_a_process_or_a_pipe_it_is_done_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = told(checked(good(300), ALONE))

    def none(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(helper, "_fork", none)
    assert told(checked(good(300), 0)) == expected


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGPROF])
def test_what_a_killed_process_was_asked_for_is_not_lost(number: int) -> None:
    content, before = odd(5), children()
    expected = told(checked(content, ALONE))
    half = len(content) // 2
    found = started(content[:half], 0)
    (child,) = set(children()) - set(before)
    os.kill(child, number)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    for start in range(half, len(content), BLOCK):
        found.feed(content[start : start + BLOCK])
    assert told(found.finish()) == expected


def test_a_process_ends_with_a_scan_that_is_given_up() -> None:
    before = children()
    found = started(good(300), 0)
    assert len(children()) == len(before) + 1
    del found
    assert children() == before


def test_it_ends_when_its_maker_is_gone() -> None:
    maker = os.fork()
    if maker == 0:
        started(good(300), 0)
        signal.pause()
    try:
        children_of = psutil.Process(maker).children
        for _ in range(PATIENCE_SECONDS * 1000):
            if helpers := children_of():
                break
        assert helpers
    finally:
        os.kill(maker, signal.SIGKILL)
        os.waitpid(maker, 0)
    left = psutil.wait_procs(helpers, timeout=60)[1]
    for one in left:
        one.kill()
    assert left == []


def test_its_time_is_that_of_its_maker() -> None:
    """Whoever has a limit gives what is left of it, and pays for both."""
    signal.setitimer(signal.ITIMER_PROF, 1000)
    try:
        helper.count_time(400)
        assert signal.getitimer(signal.ITIMER_PROF)[0] < 601
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    helper.count_time(400)
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0


def test_a_process_beyond_its_time_is_ended_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    monkeypatch.setattr(signal, "getitimer", lambda _: (0.001, 0.0))
    monkeypatch.setattr(helper, "count_time", lambda _: None)  # the limit is not this process's
    assert checked(good(2_000), 0).examples == 2_000
    assert children() == before


def test_more_than_a_pipe_holds_is_not_under_way() -> None:
    made = helper.start(Measurements("o200k_base", deep=True))
    assert made
    try:
        large = NumberedBlock(1, [b"x" * 300_000])
        sent = [made.send(NumberedBlock(n, list(large.content))) for n in range(4)]
        assert sent == [True, True, True, False]
        assert made.receive(wait=True)
        assert made.send(large)
    finally:
        made.end()


def test_an_index_is_made_of_what_both_found() -> None:
    index: ExampleIndex = same(good(200)).index
    assert index.lines.tolist() == list(range(1, 201))
