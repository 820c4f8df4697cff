"""A model with versions on a real stack, for pages to show; a verdict as a comparison leaves it."""

import json
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from shared.model.evaluation import Answer, Example, Respondent, Role
from shared.model.verdict import Comparison, Verdict, verdict_of
from shared.run.compared import NAME
from tests.support.compared import example, right
from tests.support.datasets import dataset
from tests.support.stack import StackHarness

LONG = "word " * 120  # longer than what is quoted
HOSTILE = "<img src=x onerror=alert(1)>\u202e</script>"


def model_with_versions(stack: StackHarness, model: str, count: int = 2) -> list[dict[str, Any]]:
    """Its runs, by number of the version; the newest serves. One that is there is not made anew."""
    for number in range(len(stack.runs(model)) + 1, count + 1):
        stack.drop(model, training_set=dataset(10, voice=f"{model} {number}"))
        assert stack.ended_run(model, number)["stage"] == "serving"
    return [stack.get(f"runs/{run['id']}") for run in reversed(stack.runs(model))]


def judged(stack: StackHarness, run: dict[str, Any], against: dict[str, Any]) -> Verdict:
    """Put a verdict beside a run whose version is worse than the other one, with the answers."""
    told = verdict_of(_comparison(run, against))
    runs = stack.container("runs")
    runs.upload_blob(f"{run['id']}/{NAME}", told.as_json(), overwrite=True)
    record = {**_stored(stack, run["id"]), "compared": told.sentence}
    runs.upload_blob(f"{run['id']}/run.json", json.dumps(record), overwrite=True)
    return told


def keep_answers(stack: StackHarness, run: dict[str, Any], against: dict[str, Any]) -> None:
    """As they are kept while they are asked for."""
    given = _comparison(run, against)
    models = {Role.CANDIDATE: run["fine_tuned_model"], Role.CHAMPION: against["fine_tuned_model"]}
    lines = [
        {"model": models[side.role], "line": one.line, "answer": side.answer(one).model_dump()}
        for side in given.sides
        for one in given.examples
    ]
    text = "\n".join(json.dumps({"asked": "digest", **line}) for line in lines)
    stack.container("runs").upload_blob(f"{run['id']}/answers.jsonl", text, overwrite=True)


def forget_answers(stack: StackHarness, run: dict[str, Any]) -> None:
    try:
        stack.container("runs").delete_blob(f"{run['id']}/answers.jsonl")
    except ResourceNotFoundError:
        return


def _comparison(run: dict[str, Any], against: dict[str, Any]) -> Comparison:
    """Of twelve examples the first two are answered worse: one at length, one with markup."""
    examples = tuple(example(line) for line in range(1, 13))
    worse = {1: Answer(text=f"{LONG}END"), 2: Answer(text=HOSTILE)}
    candidate = _side(Role.CANDIDATE, f"{run['model']}@{run['version']}", examples, worse)
    champion = _side(Role.CHAMPION, f"{run['model']}@{against['version']}", examples, {})
    return Comparison(examples, candidate, (champion,))


def _side(
    role: Role, name: str, examples: tuple[Example, ...], other: dict[int, Answer]
) -> Respondent:
    return Respondent(role, name, {one.line: right(one) for one in examples} | other)


def _stored(stack: StackHarness, run_id: str) -> dict[str, Any]:
    data = stack.container("runs").download_blob(f"{run_id}/run.json").readall()
    return dict(json.loads(data))
