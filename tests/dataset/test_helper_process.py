"""The second process of a check: when there is one, and that whatever becomes of it the first one
ends its work."""

import os
import signal

import psutil
import pytest

from shared.dataset import helper
from shared.dataset.helper import Helper, NumberedBlock
from shared.dataset.measure.measurements import ExampleIndex, Measurements
from tests.dataset.builders import ANSWER, USER, good, talk
from tests.dataset.helped import (  # noqa: F401
    ALONE,
    BLOCK,
    checked,
    children,
    linux,
    odd,
    same,
    started,
    told,
    two_cores,
)
from tests.processes import PATIENCE_SECONDS

pytestmark = [linux, pytest.mark.usefixtures("two_cores")]


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


def test_what_a_stopped_process_was_asked_for_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    content, before = odd(5), children()
    expected = told(checked(content, ALONE))
    half = len(content) // 2
    found = started(content[:half], 0)
    (child,) = set(children()) - set(before)
    os.kill(child, signal.SIGSTOP)
    os.waitid(os.P_PID, child, os.WSTOPPED)
    monkeypatch.setattr(helper, "PATIENCE", 0)
    for start in range(half, len(content), BLOCK):
        found.feed(content[start : start + BLOCK])
    assert told(found.finish()) == expected
    assert children() == before


def test_an_answer_that_stops_in_its_middle_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(helper, "PATIENCE", 0)
    reading, writing = os.pipe()
    answers = helper.Answers(reading)
    os.write(writing, b"abcde")
    assert answers.read(3) == b"abc"
    assert answers.waiting(0)
    with pytest.raises(EOFError):
        answers.read(3)
    os.close(writing)
    assert answers.read(3) == b""
    answers.close()


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


def test_more_than_both_have_memory_for_is_not_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "SLOTS", 3)
    made = helper.start(Measurements("o200k_base", deep=True))
    assert made
    try:
        assert not made.send(NumberedBlock(1, [b"x" * 500_000] * 3))
        large = NumberedBlock(1, [b"x" * 500_000] * 2)
        sent = [made.send(NumberedBlock(n, list(large.content))) for n in range(4)]
        assert sent == [True, True, True, False]
        assert made.receive(wait=True)
        assert made.send(large)
    finally:
        made.end()


def test_blocks_under_way_are_not_written_over() -> None:
    before = children()
    made = helper.start(Measurements("o200k_base", deep=True))
    assert made
    try:
        (child,) = set(children()) - set(before)
        os.kill(child, signal.SIGSTOP)  # so that all of them wait
        texts = [{**ANSWER, "content": "word" + " word" * n} for n in range(3)]
        blocks = [NumberedBlock(1, [talk(USER, text).strip()]) for text in texts]
        assert all(map(made.send, blocks))
        os.kill(child, signal.SIGCONT)
        assert all(made.receive(wait=True) for _ in blocks)
        assert [int(one.known.rows.answers[0]) for one in blocks if one.known] == [1, 2, 3]
    finally:
        made.end()


def test_an_index_is_made_of_what_both_found() -> None:
    index: ExampleIndex = same(good(200)).index
    assert index.lines.tolist() == list(range(1, 201))
