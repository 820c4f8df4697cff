"""What the tool tells of a drop that makes no run, or of one that is rejected: as `check` does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.dataset.report import document
from shared.dataset.verdict import Verdict
from shared.run.folder import PROBLEM
from tests.dataset.builders import ANSWER, USER, good, judged, talk
from tunedrop import following, runs, show, watch
from tunedrop.app import App
from tunedrop.errors import CommandError
from tunedrop.push import Datasets
from tunedrop.screen import Screen

AT = "2026-11-01T00:00:00+00:00"
DROP = {
    "name": "m/run.yaml", "model": "m", "message": "run.yaml, line 1: a key is not known.",
    "fix": "Correct run.yaml and drop it again.", "waits": False, "at": AT,
}  # fmt: skip


def broken() -> Verdict:
    wrong = talk(USER, {**ANSWER, "wieght": 1}) * 9 + b"{\n" + talk({**USER, "role": "x"}, ANSWER)
    return judged(good(20) + wrong, good(5))


def findings(output: str) -> list[str]:
    """The lines that tell a finding, its places and its cure."""
    return [line for line in output.splitlines() if line.startswith(("  error", "  warn", "    "))]


class OneRun:
    """An app with one run, rejected; `report` is what it says of its report.json."""

    url = "http://app.example"

    def __init__(self, report: Any) -> None:
        self.report = report

    def get(self, path: str) -> Any:
        if path.endswith("report.json"):
            if self.report is None:
                raise CommandError("There is none.")
            return self.report
        return rejected()


def rejected(**more: Any) -> dict[str, Any]:
    file = {"examples": 20, "etag": "x"}
    timeline = [{"stage": "received", "at": AT}, {"stage": "rejected", "at": AT}]
    failure = {"message": "The dataset has errors.", "fix": "See its report.", "blame": "caller"}
    return {
        "id": "m-0123456789abcdef", "model": "m", "stage": "rejected", "training": file,
        "validation": None, "timeline": timeline, "failure": failure, "epochs": [],
    } | more  # fmt: skip


def followed(report: Any) -> None:
    run = runs.follow(cast("App", OneRun(report)), "m-0123456789abcdef", until_checked=True)
    assert runs.says(run) == 1


def test_a_rejected_drop_is_shown_with_the_lines_of_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdict = broken()
    show.print_verdict(verdict)
    by_check = findings(capsys.readouterr().out)
    followed(json.loads(json.dumps(document.as_json("m-1", verdict))))
    output = capsys.readouterr().out
    assert findings(output) == by_check
    assert any("wieght" in line for line in by_check)
    assert any("and 4 more" in line for line in by_check)
    assert "The run ended rejected" in output


@pytest.mark.parametrize("report", [None, {}, {"files": [{}]}, {"files": 3}, {"files": [[]]}])
def test_a_report_that_is_not_there_or_is_none_hides_nothing_else(
    report: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    followed(report)
    assert "The dataset has errors." in capsys.readouterr().out


def test_a_finding_that_this_tool_does_not_know_is_shown_by_the_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = json.loads(json.dumps(document.as_json("m-1", broken())).replace("unknown-key", "new"))
    followed(report)
    assert "A key that the format does not have (new)" in capsys.readouterr().out


def test_drops_that_were_not_taken_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = {**DROP, "waits": True, "message": "m/training.jsonl is archived."}
    watch.print_refused({"drops": [DROP, waiting], "count": 1_500}, Screen())
    output = capsys.readouterr().out.splitlines()
    assert output[1] == "not taken"
    assert output[2].startswith("  refused")
    assert output[2].endswith("is not known. Correct run.yaml and drop it again.")
    assert output[3].startswith("  waits")
    assert output[4] == "  … and 1,498 more"


@pytest.mark.parametrize(
    "odd",
    [
        [1],
        {"count": 1},
        {"count": None, "drops": []},
        {"count": 1, "drops": [{}]},
        {"count": 2, "drops": [DROP, {**DROP, "at": "x"}]},
        {"count": float("inf"), "drops": [DROP, {**DROP, "at": 1}]},
    ],
)
def test_a_list_of_another_shape_is_said_to_be_one(
    odd: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watch.print_refused(odd, Screen())
    assert "none that this tool knows" in capsys.readouterr().out


@pytest.mark.parametrize(
    "group", [{"count": float("inf")}, {"count": float("nan")}, {"count": "x"}, {}]
)
def test_of_a_report_of_another_shape_nothing_is_shown(
    group: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    file = {"name": "training.jsonl", "examples": 1, "groups": [], "findings": []}
    odd = {**file, "groups": [{"id": "a", "severity": "error", "title": "t", **group}]}
    for report in ({"files": [file, odd], "groups": [], "findings": []}, {**odd, "files": [file]}):
        followed(report)
        output = capsys.readouterr().out
        assert "training.jsonl" not in output
        assert "The dataset has errors." in output


def test_nothing_is_said_where_all_were_taken(capsys: pytest.CaptureFixture[str]) -> None:
    watch.print_refused({"drops": [], "count": 0}, Screen())
    assert capsys.readouterr().out == ""


def test_what_to_know_of_a_run_is_told_where_it_is_watched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = rejected(notices=["m.jsonl has no validation set."])
    following.follow([told, told], Screen())
    assert capsys.readouterr().out.count("m.jsonl has no validation set.") == 1


class Folder:
    """The container's client, with blobs of which each was written at its time."""

    def __init__(self, **blobs: timedelta) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.blobs = {f"m/{name}": self.now + at for name, at in blobs.items()}

    def list_blobs(self, name_starts_with: str) -> list[SimpleNamespace]:
        names = [name for name in self.blobs if name.startswith(name_starts_with)]
        return [SimpleNamespace(name=name, last_modified=self.blobs[name]) for name in names]

    def download_blob(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(readall=lambda: f"about {name}".encode())


OLD, NOW, LATER = timedelta(hours=-1), timedelta(0), timedelta(seconds=1)
MINE = {"m/training_2.jsonl": Path("training_2.jsonl")}


def asked(folder: Folder) -> tuple[list[str], str]:
    datasets = Datasets(cast("Any", folder))
    dropped = SimpleNamespace(last_modified=folder.now)
    return datasets.left_out(MINE), datasets.problem(MINE, cast("Any", dropped))


def test_an_older_training_file_is_told_of_and_is_no_refusal() -> None:
    older = {"training_1.jsonl": OLD, f"training_1.jsonl{PROBLEM}": LATER}
    folder = Folder(**older, **{"training_2.jsonl": NOW, "validation.jsonl": OLD})
    assert asked(folder) == (["m/training_1.jsonl"], "")


def test_a_refused_run_yaml_of_an_earlier_drop_is_a_refusal() -> None:
    folder = Folder(**{"training_2.jsonl": NOW, "run.yaml": OLD, f"run.yaml{PROBLEM}": LATER})
    assert asked(folder) == ([], f"about m/run.yaml{PROBLEM}")


def test_what_is_told_of_another_file_is_no_refusal_of_the_drop() -> None:
    others = {name: LATER for name in ("notes.txt", f"notes.txt{PROBLEM}")}
    assert asked(Folder(**{"training_2.jsonl": NOW}, **others)) == ([], "")
