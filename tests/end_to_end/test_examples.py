"""What examples/ has beside texts, dropped together: calls, preferences, pictures, labels. The
first lines of each file: tests/dataset has what the check says of all of them."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from local.stack import ROOT
from shared.model.evaluation import example_of
from shared.run.stages import ENDS
from tests.support.stack import StackHarness, wait_for

MODELS = ("butler", "desks", "direct", "signs")
LINES = 10  # as few as the service takes
# The scores that decide; the laptop has no base deployment of gpt-4.1, which signs is tuned from.
DECIDING = {"butler": {"tool_calls"}, "desks": {"exact_match"}, "direct": {"preferred"}}


@pytest.fixture(scope="module")
def runs(stack: StackHarness) -> Iterator[dict[str, dict[str, Any]]]:
    """The runs that the examples have become, by model, once all have ended."""
    for model in MODELS:
        for file in (ROOT / "examples" / model).iterdir():
            lines = file.read_bytes().splitlines(keepends=True)[:LINES]
            stack.container("datasets").upload_blob(f"{model}/{file.name}", b"".join(lines))
    yield {model: wait_for(partial(_ended, stack, model)) for model in MODELS}
    for model in MODELS:
        stack.clear_deployments(f"{model}-")


def _ended(stack: StackHarness, model: str) -> dict[str, Any] | None:
    found = stack.runs(model)
    if not found or found[0]["stage"] not in ENDS:
        return None
    return dict(stack.get(f"runs/{found[0]['id']}"))


def first(model: str) -> dict[str, Any]:
    """What the first line of its validation set asks."""
    file = ROOT / "examples" / model / "validation_set.jsonl"
    example = example_of(1, json.loads(file.read_text(encoding="utf-8").splitlines()[0]))
    assert example
    return dict(example.request)


@pytest.mark.parametrize("model", MODELS)
def test_it_trains_and_is_compared_by_what_it_is_for(
    runs: dict[str, dict[str, Any]], stack: StackHarness, model: str
) -> None:
    run = runs[model]
    assert run["stage"] == "serving", run
    if model == "signs":
        assert "nobody to compare it with" in run["compared"]
        return
    verdict = stack.get(f"runs/{run['id']}/verdict.json")
    assert [side["failed"] for side in verdict["sides"]] == [0, 0]
    (contest,) = verdict["contests"]
    decides = {name for name, score in contest["metrics"].items() if score["decides"]}
    assert decides >= DECIDING[model]
    assert contest["primary"]["examples"] == 8


def test_each_was_trained_as_its_run_yaml_says(
    runs: dict[str, dict[str, Any]], stack: StackHarness
) -> None:
    jobs = {model: stack.service.fine_tuning.jobs.retrieve(runs[model]["job_id"]) for model in runs}
    assert {model: job.method and job.method.type for model, job in jobs.items()} == {
        "butler": "supervised",
        "desks": "supervised",
        "direct": "dpo",
        "signs": "supervised",
    }
    assert jobs["signs"].model == "gpt-4.1-2025-04-14"
    assert jobs["desks"].hyperparameters.n_epochs == 4


@pytest.mark.parametrize("model", MODELS)
def test_it_answers_the_first_question_of_its_validation_set(
    runs: dict[str, dict[str, Any]], stack: StackHarness, model: str
) -> None:
    name = f"{model}@{runs[model]['version']}"
    request = first(model) | ({"tool_choice": "required"} if model == "butler" else {})
    answer = stack.chat.chat.completions.create(model=name, max_tokens=60, **request)
    message = answer.choices[0].message
    if model == "butler":
        assert message.tool_calls
        (call,) = message.tool_calls
        assert call.type == "function" and call.function.name in ("set_light", "set_heating")
        assert json.loads(call.function.arguments)["room"]
    else:
        assert answer.usage and answer.usage.completion_tokens
