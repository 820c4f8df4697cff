"""A file that two processes check has the verdict that it has with one, to the last byte of the
report."""

import json

import pytest

from shared.dataset import helper, plain, scan
from shared.dataset.checks import counts
from shared.dataset.findings import collector
from shared.dataset.frames import Frame
from shared.dataset.measure import system_prompts
from shared.dataset.measure.measurements import Measurements
from tests.dataset.builders import ANSWER, ASKS, TOLD, TOOL, USER, good, line, talk, varied
from tests.dataset.corpus import ADDRESS, NEAR, NEARER, SYSTEM
from tests.dataset.helped import linux, odd, same, told, two_cores  # noqa: F401

pytestmark = [linux, pytest.mark.usefixtures("two_cores")]


@pytest.mark.parametrize("seed", range(24))
def test_odd_files_have_the_verdict_of_one_process(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if seed % 2:  # each has its share
        monkeypatch.setattr(helper, "SLOTS", 3)
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
    monkeypatch.setattr(counts, "MOST_OPEN_ENDS", 7)
    cut = {**ANSWER, "content": "It is near the"}
    prompts = [talk({**SYSTEM, "content": f"Be {n % 9}."}, USER, cut) for n in range(120)]
    found = same(good(100) + b"".join(prompts))
    assert [one.line for one in found.stats.system_prompts] == [101, 102, 103, 104, 105]
    assert found.stats.without_system_prompt == 100
    assert found.counts["answer-cut"] == 7


def test_limits_of_a_file_fall_on_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MOST_BROKEN", 12)
    monkeypatch.setattr(scan, "MOST_LINES", 170)
    monkeypatch.setattr(counts, "MANY", 2)
    monkeypatch.setattr(collector, "LINES", 1)  # of a finding, the first that is told
    bad = b"".join(line(varied(n)) + b"x\n" for n in range(20))
    assert same(good(80) + bad + good(90)).counts["not-examined"] == 2


def test_examples_with_tools_are_counted_once() -> None:
    found = same((good(7) + talk(USER, ASKS, TOLD, ANSWER, tools=[TOOL])) * 30)
    assert (found.examples, found.stats.with_tools) == (240, 30)


def test_steps_of_tools_run_out_on_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dataset.reading.limits.FIRST_STEPS", 0)
    monkeypatch.setattr("shared.dataset.reading.limits.BYTES_PER_STEP", 400)
    many = {"at": [{"x": number} for number in range(60)]}
    function = {"name": "look", "arguments": json.dumps(many)}
    call = {"id": "c1", "type": "function", "function": function}
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
