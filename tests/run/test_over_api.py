"""Commands and lists as people have them: over the API of the running app."""

import json
from typing import Any

import pytest

from tests.support.datasets import dataset
from tests.support.stack import StackHarness, wait_for

COUNT = 3


def post(stack: StackHarness, path: str, body: Any = None) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else b""
    status, answer = stack.open(path, data, "POST")
    return status, json.loads(answer)


def refusal(stack: StackHarness, path: str, status: int) -> Any:
    """The error that is answered with that status."""
    answered, body = stack.open(path)
    assert answered == status
    return json.loads(body)["error"]


def text(stack: StackHarness, path: str) -> str:
    return stack.open(path)[1].decode()


def test_a_run_that_waits_for_its_start_is_started_over_the_api(stack: StackHarness) -> None:
    stack.drop("patient", training_set=dataset(10, "Steady"), run_yaml=b"start: manual")
    run = wait_for(lambda: next((r for r in stack.runs("patient") if r["stage"] == "ready"), None))
    waits = wait_for(lambda: stack.get(f"runs/{run['id']}")["waiting_for"])
    assert waits.startswith(f"`tunedrop start {run['id']}`")
    assert stack.jobs_of(run["id"]) == []

    assert post(stack, f"runs/{run['id']}/pause")[0] == 409
    assert post(stack, f"runs/{run['id']}/explode")[0] == 404
    assert post(stack, "runs/nobody-1/start")[0] == 404
    assert post(stack, f"runs/{run['id']}/start", ["no object"])[0] == 400
    status, answer = post(stack, f"runs/{run['id']}/start", {"who": "Ada", "why": "looks good"})
    assert status == 202
    if answer["stage"] == "ready":  # a tick was at work on the run: it carries the command out
        assert answer["command"]["action"] == "start"
    else:
        assert answer["stage"] == "checked"

    run = stack.ended_run("patient")
    assert run["stage"] == "serving"
    lines = text(stack, f"runs/{run['id']}/events.jsonl").splitlines()
    assert ("start", "Ada (with the app's key)", "looks good") in [
        (line["message"], line["who"], line["why"]) for line in map(json.loads, lines)
    ]
    assert (run["stuck"], run["eta"], run["signals"]) == (None, None, [])
    assert [point["step"] for point in run["curve"]]
    stack.clear_deployments("patient-")


def test_a_command_is_told_how_it_is_given(stack: StackHarness) -> None:
    stack.drop("orderly", training_set=dataset(9))
    run = stack.ended_run("orderly")
    for body in ({"who": 5}, {"why": ["x"]}, {"who": "A" * 1001}):
        assert post(stack, f"runs/{run['id']}/retry", body)[0] == 400
    assert "tunedrop retry" in refusal(stack, f"runs/{run['id']}/retry", 404)["fix"]
    missing = refusal(stack, "runs/nobody/events.jsonl", 404)
    assert "There is no run 'nobody'" in missing["message"]


# ---- lists


@pytest.fixture(scope="module")
def newest_first(stack: StackHarness) -> list[str]:
    """Ids of three runs of one model, all rejected: nine examples are too few."""
    for number in range(1, COUNT + 1):
        stack.drop("pager", training_set=dataset(9, f"voice {number}"))
        stack.ended_run("pager", number)
    return [run["id"] for run in stack.runs("pager")]


def test_pages_follow_each_other_and_end(stack: StackHarness, newest_first: list[str]) -> None:
    first = stack.get("runs?model=pager&limit=2")
    assert [run["id"] for run in first["runs"]] == newest_first[:2]
    second = stack.get(f"runs?model=pager&limit=2&after={first['next']}")
    assert [run["id"] for run in second["runs"]] == newest_first[2:]
    assert second["next"] is None


def test_runs_are_filtered_by_stage(stack: StackHarness, newest_first: list[str]) -> None:
    assert len(stack.get("runs?model=pager&stage=rejected,serving")["runs"]) == COUNT
    assert stack.get("runs?model=pager&stage=serving")["runs"] == []


def test_a_page_that_is_full_and_the_last_has_no_next(
    stack: StackHarness, newest_first: list[str]
) -> None:
    assert stack.get(f"runs?model=pager&limit={COUNT}")["next"] is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("stage=served", "'served' is not a stage"),
        ("limit=many", "'many' is not a number"),
        ("limit=0", "'0' is not a number"),
        (f"limit={'9' * 5000}", "is not a number"),
        ("after=garbage", "'garbage' is not a cursor of the list"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_name(
    stack: StackHarness, query: str, message: str
) -> None:
    assert message in refusal(stack, f"runs?{query}", 400)["message"]
