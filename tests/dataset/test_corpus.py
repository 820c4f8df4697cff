"""Every finding of the table is found where it is, and only what is wrong is called an error."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.catalog import facts
from shared.catalog.facts import READ_ON, STALE_AFTER
from shared.dataset import scan
from shared.dataset.findings.collector import FindingGroup
from shared.dataset.findings.finding import Severity
from shared.dataset.findings.table import TABLE
from shared.dataset.measure.cost import TrainingPlan
from shared.dataset.reading import lines
from shared.dataset.reading.examples import FileRole
from shared.dataset.verdict import Verdict, judge
from tests.dataset.builders import (
    ANSWER,
    ASKS,
    CALL,
    TOLD,
    TOOL,
    USER,
    WORDS,
    good,
    judged,
    line,
    talk,
)
from tests.dataset.builders import scan as scanned
from tests.dataset.corpus import CASES, ELSEWHERE, Case, image

ALONGSIDE = {  # errors that come with another one, each rightly
    "duplicate-key": {"messages-missing"},
    "not-a-number": {"messages-missing", "weight-invalid"},
    "preference-invalid": {"mixed-formats"},
    "preference-same": {"mixed-formats"},
    "nothing-to-learn-at-all": set(),
    "tool-call-invalid": {"tool-undeclared", "arguments-not-json"},
    "image-misplaced": set(),
    "answer-without-call": {"call-unanswered"},
    "unknown-key": set(),
    "wrong-format": set(),
}


def groups(verdict: Verdict) -> dict[str, FindingGroup]:
    every = [*verdict.groups, *(g for file in verdict.files for g in verdict.groups_of(file))]
    return {group.id: group for group in every}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_finding_is_found_in_its_line(case: Case) -> None:
    verdict = judged(case.training, case.validation, case.plan)
    found = groups(verdict)
    assert case.id in found
    group = found[case.id]
    if case.line:
        assert case.line in group.lines.tolist()
        assert group.places[0].line in group.lines.tolist()
    finding = group.places[0]
    assert finding.message.endswith((".", "…")), finding.message
    assert finding.fix
    assert verdict.rejected == any(TABLE[id].severity is Severity.ERROR for id in found)
    errors = {id for id in found if TABLE[id].severity is Severity.ERROR} - {case.id}
    assert errors <= ALONGSIDE.get(case.id, set())


def test_every_finding_has_a_case() -> None:
    assert {case.id for case in CASES} | ELSEWHERE == set(TABLE)


def test_good_files_are_clean() -> None:
    verdict = judged(good(60), good(70).split(b"\n", 60)[-1])
    assert groups(verdict) == {}
    assert not verdict.rejected


def test_a_line_beyond_the_limit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lines, scan):
        monkeypatch.setattr(module, "LONGEST", 10_000)
    content = good(5) + b'{"messages": "' + b"x" * 20_000 + b'"}\n' + good(12)
    for chunk in (999, 1 << 20):
        found = scanned(content, chunk=chunk)
        group = {g.id: g for g in found.groups}["line-too-long"]
        assert group.lines.tolist() == [6]
        assert found.examples == 18


def test_files_over_the_services_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "GUIDANCE", facts.GUIDANCE._replace(large_file=1_000))
    assert "file-large" in scanned(good(12)).counts
    monkeypatch.setattr(facts, "FILES", facts.FILES._replace(largest_file=1_000))
    assert "file-too-large" in scanned(good(12)).counts


def test_too_many_examples_with_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "IMAGES", facts.IMAGES._replace(examples=1))
    pictured = talk(image("https://pictures/1.png"), ANSWER)
    assert "too-many-image-examples" in scanned(good(10) + pictured * 2).counts


def test_an_old_catalog_says_so() -> None:
    files = [scanned(good(12))]
    late = READ_ON + STALE_AFTER + timedelta(days=1)
    assert "catalog-old" in [group.id for group in judge(files, TrainingPlan(), late).groups]
    assert "catalog-old" not in [group.id for group in judge(files, TrainingPlan(), READ_ON).groups]


def test_a_validation_set_left_by_an_earlier_drop_is_found() -> None:
    files = [scanned(good(12)), scanned(good(22).split(b"\n", 12)[-1], role=FileRole.VALIDATION)]
    ids = [
        [g.id for g in judge(files, TrainingPlan(), READ_ON, timedelta(days=n)).groups]
        for n in (0, 30)
    ]
    assert [("validation-old" in found) for found in ids] == [False, True]


def test_all_line_numbers_are_kept_and_details_of_the_first() -> None:
    found = scanned(good(3) + b"nonsense\n" * 5000)
    (group,) = (g for g in found.groups if g.id == "not-json")
    assert group.count == 5000
    assert group.lines.tolist() == list(range(4, 5004))
    assert len(group.places) == 100
    assert [bool(place.preview) for place in group.places[:6]] == [True] * 5 + [False]


def test_a_tuned_model_is_priced_as_its_base() -> None:
    plan = TrainingPlan(base_model="gpt-4.1-mini-2025-04-14.ft-0123-x", epochs=2)
    verdict = judged(good(60), plan=plan)
    assert verdict.price.training == pytest.approx(verdict.price.tokens * 2 * 5 / 1e6, abs=1e-4)
    assert not verdict.price.guessed


def test_the_budget_counts_the_tier() -> None:
    plan = TrainingPlan(epochs=1000, budget=1.0)
    cost = judged(good(60), plan=plan).price
    assert cost.training
    assert cost.tiers["developerTier"] == pytest.approx(cost.training / 2, rel=1e-3)
    within = replace(plan, budget=cost.training, training_type="developer")
    assert "over-budget" not in groups(judged(good(60), plan=within))


def test_an_unusual_format_is_followed() -> None:
    """A name, a developer message, parts and a weight are all fine."""
    example = {
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "name": "jane", "content": [{"type": "text", "text": "Hello you"}]},
            {"role": "assistant", "content": f"Hello to {' '.join(WORDS)}.", "weight": 1},
        ],
        "parallel_tool_calls": False,
    }
    assert set(scanned(good(60) + line(example)).counts) <= {"system-drift"}


# ---- what rejects a drop

NO_ERRORS = {
    Severity.WARNING: {
        *(
            "content-empty",
            "system-late",
            "system-twice",
            "functions-legacy",
            "nothing-to-learn",
            "arguments-mismatch",
            "preference-same",
        ),
        *("duplicate", "conflicting-answers", "leakage", "leakage-prompt", "leakage-near"),
        *("personal-data", "secret", "control-character", "broken-text", "answer-copies-prompt"),
        *("special-token", "inner-key-unknown", "schema-invalid", "image-mislabelled"),
        *("model-unknown", "model-doubtful", "model-retires", "validation-old"),
        "files-left-out",
    },
    Severity.ADVICE: {
        *("few-examples", "file-large", "blank-line", "same-role-twice"),
        *("tool-unused", "near-duplicate", "whitespace", "refusal", "answer-cut"),
        *("answer-outlier", "system-drift", "catalog-old", "nothing-held-out", "constant-prompt"),
    },
}


def test_what_the_service_would_refuse_is_an_error_and_nothing_else() -> None:
    """What is lowered here lets a job be paid for that is worth nothing."""
    for severity, ids in NO_ERRORS.items():
        assert {kind.id for kind in TABLE.values() if kind.severity is severity} == ids


def test_the_fewest_examples_and_the_largest_file_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "too-few-examples" in scanned(good(9)).counts
    assert "too-few-examples" not in scanned(good(10)).counts
    size = len(good(12))
    monkeypatch.setattr(facts, "FILES", facts.FILES._replace(largest_file=size))
    assert "file-too-large" not in scanned(good(12)).counts
    monkeypatch.setattr(facts, "FILES", facts.FILES._replace(largest_file=size - 1))
    assert "file-too-large" in scanned(good(12)).counts


def test_an_error_in_either_file_rejects_the_run() -> None:
    other = good(22).split(b"\n", 12)[-1]
    assert not judged(good(12), other).rejected
    assert judged(good(12), other + b"nonsense\n").rejected
    assert judged(good(12) + b"nonsense\n", other).rejected


def test_a_model_is_told_of_before_and_after_its_end() -> None:
    plan = TrainingPlan(base_model="gpt-4o-2024-08-06")
    ends = facts.RETIREMENTS.values[plan.base_model].training
    assert ends
    files = [scanned(good(12))]
    told = {
        days: [
            group.places[0].message
            for group in judge(files, plan, ends + timedelta(days=days)).groups
            if group.id == "model-retires"
        ]
        for days in (-91, -1, 0, 1)
    }
    assert told[-91] == []
    assert "can be trained until" in told[-1][0]
    assert "ended on" in told[0][0]
    assert "ended on" in told[1][0]


def test_a_model_that_takes_another_method_is_told_of() -> None:
    plan = TrainingPlan(base_model="gpt-4o-mini-2024-07-18", method="dpo")
    message = groups(judged(good(12), plan=plan))["model-not-tunable"].places[0].message
    assert message.startswith("gpt-4o-mini-2024-07-18 takes supervised; the run asks for dpo.")


def test_of_several_calls_each_is_answered() -> None:
    calls = [{**CALL, "id": id} for id in ("c1", "c2")]
    for answered, found in ((("c1", "c2"), False), (("c1",), True)):
        told = [{**TOLD, "tool_call_id": id} for id in answered]
        asks = {**ASKS, "tool_calls": calls}
        counts = scanned(good(10) + talk(USER, asks, *told, ANSWER, tools=[TOOL])).counts
        assert ("call-unanswered" in counts) is found
