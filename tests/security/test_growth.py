"""However a dataset was chosen, its check takes time that grows with its length, and little memory.

Of every finding there is a file that has it, and the same four times as long, in every way that a
file can be longer. With TUNEDROP_HOSTILE=10 the files are ten times as large.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from shared.catalog import facts
from shared.dataset.findings.table import TABLE
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading import lines
from shared.dataset.reading.examples import FileRole
from shared.dataset.report import document, page
from shared.dataset.verdict import Verdict, judge
from tests.dataset.builders import ANSWER, TODAY, good, judged, scan, talk
from tests.dataset.corpus import CASES, ELSEWHERE, Case, image
from tests.support.enlarge import ENLARGE, Enlarge, more_lines
from tests.support.growth import too_slow
from tests.support.hostile import SIZE, kinds
from tests.support.house import ROOT

FEW = 6_000 * SIZE  # bytes of what is made longer, and then four times as many
LEAST = 0.01  # seconds: the time of less says nothing
LARGE = 100_000  # bytes of a line that is repeated, and not made longer
CEILING = 512  # megabytes for a process that checks files, whatever they are

Work = Callable[[int], Verdict]


def enlarged(case: Case) -> Iterator[tuple[str, int, Work]]:
    """Ways to check files with the mistake of the case, by how many times it is in them."""
    meant = case.training if case.validation is None else case.validation
    rows = meant.splitlines(keepends=True)
    number = case.line - 1 if case.line else len(rows) - 1
    bad = rows[number] if rows else b"\n"
    for enlarge in ENLARGE if len(bad) < LARGE else (more_lines,):
        if enlarge is more_lines or enlarge(bad, 2) != bad:
            yield enlarge.__name__, len(bad), partial(_judged, case, rows[:number], bad, enlarge)


def _judged(case: Case, before: list[bytes], bad: bytes, enlarge: Enlarge, times: int) -> Verdict:
    made = b"".join([*before, enlarge(bad, times)])
    if case.validation is None:
        return judged(made, None, case.plan)
    training = more_lines(case.training, times)
    return judged(training, made, case.plan)


def growing(work: Work, times: int) -> str | None:
    """What is said of work whose time grows faster than what it works on."""
    return too_slow(lambda: report(work(times)), lambda: report(work(4 * times)), LEAST)


def report(verdict: Verdict) -> None:
    json.dumps(document.as_json("growth", verdict))
    page.as_html("growth", verdict)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_time_of_a_finding_grows_with_the_file(case: Case) -> None:
    slow = {
        name: said
        for name, length, work in enlarged(case)
        if (said := growing(work, max(1, FEW // length)))
    }
    assert slow == {}


def many_long_lines(count: int) -> Verdict:
    return judged(good(10) + (b"x" * 2000 + b"\n") * count)


def many_images(count: int) -> Verdict:
    return judged(talk(image("https://pictures/1.png"), ANSWER) * count)


def at_another_time(count: int) -> Verdict:
    files = [scan(good(count)), scan(good(count), role=FileRole.VALIDATION)]
    late = facts.READ_ON + facts.STALE_AFTER + timedelta(days=1)
    return judge(files, TrainingPlan(), late, timedelta(days=30))


def at_its_models_end(count: int) -> Verdict:
    plan = TrainingPlan()
    ends = facts.RETIREMENTS.values[plan.base_model].training
    assert ends
    return judge([scan(good(count))], plan, ends)


def for_a_model_that_an_old_table_refuses(count: int) -> Verdict:
    late = facts.READ_ON + facts.STALE_AFTER + timedelta(days=1)
    return judge([scan(good(count))], TrainingPlan(base_model="gpt-oss-120b"), late)


def without_a_validation_set(count: int) -> Verdict:
    return judge([scan(good(count))], TrainingPlan(), TODAY, nothing_held_out=True)


def beside_many_files(count: int) -> Verdict:
    return judge([scan(good(10))], TrainingPlan(), TODAY, left_out=["another.jsonl"] * count)


OTHERS: dict[str, Work] = {
    "file-too-large": lambda count: judged(good(count)),
    "file-large": lambda count: judged(good(count)),
    "line-too-long": many_long_lines,
    "too-many-image-examples": many_images,
    "catalog-old": at_another_time,
    "model-doubtful": for_a_model_that_an_old_table_refuses,
    "model-retires": at_its_models_end,
    "validation-old": at_another_time,
    "files-left-out": beside_many_files,
    "nothing-held-out": without_a_validation_set,
}


@pytest.mark.parametrize("id", OTHERS)
def test_so_does_that_of_what_large_files_and_other_days_bring(
    id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = 4_000 if id == "file-too-large" else 1 << 40
    monkeypatch.setattr(facts, "FILES", facts.FILES._replace(largest_file=small))
    monkeypatch.setattr(facts, "GUIDANCE", facts.GUIDANCE._replace(large_file=1_000))
    monkeypatch.setattr(facts, "IMAGES", facts.IMAGES._replace(examples=1))
    monkeypatch.setattr(lines, "LONGEST", 1_000)
    verdict = OTHERS[id](50)
    found = [*verdict.groups, *(g for file in verdict.files for g in file.groups)]
    assert id in {group.id for group in found}
    assert growing(OTHERS[id], 50) is None


def test_every_finding_is_made_longer() -> None:
    """A new finding needs a file here, or a case in the corpus."""
    assert {case.id for case in CASES} | set(OTHERS) == set(TABLE)
    assert set(OTHERS) == ELSEWHERE
    for case in CASES:
        assert next(name for name, *_ in enlarged(case)) == "more_lines"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_hostile_files_are_checked_in_little_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.hostile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["kind"] for one in found] == list(kinds())
    above = {one["kind"]: one["peak"] for one in found if one["peak"] > CEILING}
    assert above == {}
    slow = {one["kind"]: one["seconds"] for one in found if one["seconds"] > 30 * SIZE}
    assert slow == {}
