"""What the app of the running stack sends about a run and a chat: written to files by its host."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from local.emulator import DEFAULT_KEY
from shared.telemetry import METRICS, root_of
from tests.support.datasets import dataset
from tests.support.stack import StackHarness, wait_for

MODEL = "watched"
PROMPT = "a-very-private-question"
SECRET = "sk-proj-" + "Zq7Rt2Lm9Xw4" * 4  # put together, so that no scanner takes it for one
STAGES = ["received", "checked", "uploaded", "submitting", "submitted", "training"]
STAGES += ["trained", "deploying", "probing", "comparing"]
Items = list[dict[str, Any]]


def read(stack: StackHarness, kind: str) -> Items:
    """Whole lines only: the last one may be half written."""
    text = (Path(stack.addresses.telemetry) / f"{kind}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def points(stack: StackHarness) -> dict[str, list[tuple[dict[str, Any], float]]]:
    """Each metric's attributes with its values (a histogram's sum), as often as they were sent."""
    values = defaultdict(list)
    for sent in read(stack, "metrics"):
        for scope in sent["resource_metrics"][0]["scope_metrics"]:
            for metric in scope["metrics"]:
                for point in metric["data"]["data_points"]:
                    value = point["value"] if "value" in point else point["sum"]
                    values[metric["name"]].append((point["attributes"], value))
    return values


@pytest.fixture(scope="module")
def run(stack: StackHarness) -> dict[str, Any]:
    """A run and a chat with content that must not be sent, after all about them was sent."""
    example = {
        "messages": [
            {"role": "user", "content": f"{PROMPT} {SECRET}"},
            {"role": "assistant", "content": "Aye."},
        ]
    }
    stack.drop(MODEL, training_set=dataset(11) + json.dumps(example).encode() + b"\n")
    run = stack.ended_run(MODEL)
    assert run["stage"] == "serving", run["failure"]
    stack.chat.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": PROMPT}], max_tokens=3
    )
    with pytest.raises(Exception, match="no model"):
        stack.chat.chat.completions.create(
            model="nobody", messages=[{"role": "user", "content": PROMPT}]
        )
    wait_for(lambda: any(by["model"] == MODEL for by, _ in points(stack)["tunedrop.chat.seconds"]))
    wait_for(lambda: any(span["name"] == "run.probing" for span in of(stack, run)))
    wait_for(lambda: None not in led(stack, run))  # an event's span is written after its steps'
    return run


def of(stack: StackHarness, run: dict[str, Any]) -> Items:
    trace = f"0x{root_of(run['id']).trace_id:032x}"
    return [span for span in read(stack, "spans") if span["context"]["trace_id"] == trace]


def led(stack: StackHarness, run: dict[str, Any]) -> list[str | None]:
    """The event to which each link of the run's spans leads; None if it is not written yet."""
    names = {span["context"]["span_id"]: span["name"] for span in read(stack, "spans")}
    return [names.get(link["context"]["span_id"]) for s in of(stack, run) for link in s["links"]]


def test_one_trace_leads_from_the_event_to_the_champion(
    stack: StackHarness, run: dict[str, Any]
) -> None:
    first, *steps = sorted(of(stack, run), key=lambda span: str(span["start_time"]))
    assert (first["name"], first["parent_id"]) == ("run.drop", None)
    assert first["attributes"] == {"run": run["id"]}
    assert {step["parent_id"] for step in steps} == {first["context"]["span_id"]}
    assert list(dict.fromkeys(step["name"] for step in steps)) == [f"run.{s}" for s in STAGES]
    for step in steps:
        attributes = step["attributes"]
        assert (attributes["run"], attributes["model"]) == (run["id"], MODEL)
        assert step["name"] == f"run.{attributes['stage']}"
    assert steps[-1]["attributes"]["event"] == "version is the champion"


def test_each_span_of_a_run_is_linked_with_the_event_that_led_to_it(
    stack: StackHarness, run: dict[str, Any]
) -> None:
    assert len(led(stack, run)) == len(of(stack, run))
    assert set(led(stack, run)) == {"dataset_uploaded", "keep_moving"}


def test_the_metrics_cover_the_run_and_the_chat(stack: StackHarness, run: dict[str, Any]) -> None:
    values = points(stack)
    assert set(values) <= set(METRICS)
    by_stage = dict((by["stage"], s) for by, s in values["tunedrop.stage.seconds"])
    assert set(STAGES) <= set(by_stage)
    assert all(seconds >= 0 for seconds in by_stage.values())
    assert {"stage": "serving"} in [by for by, _ in values["tunedrop.runs.ended"]]
    assert {"id": "secret"} in [by for by, _ in values["tunedrop.findings"]]
    assert {by["stage"] for by, _ in values["tunedrop.runs"]} >= set(STAGES)
    assert values["tunedrop.ticks"]
    about = {"model": MODEL}
    assert (about, run["trained_tokens"]) in values["tunedrop.tokens.trained"]
    ((_, cost),) = [point for point in values["tunedrop.cost.usd"] if point[0] == about]
    assert cost == pytest.approx(run["trained_tokens"] * 1.5 / 1e6)
    version = {"model": MODEL, "version": "1"}
    assert version in [by for by, _ in values["tunedrop.chat.added_ms"]]
    assert {200, 404} <= {by["status"] for by, _ in values["tunedrop.chat.answers"]}


def test_the_log_has_the_runs_id_and_its_trace(stack: StackHarness, run: dict[str, Any]) -> None:
    about = [line for line in read(stack, "logs") if line["attributes"].get("run") == run["id"]]
    assert f"run {run['id']} is serving" in [line["body"] for line in about]


def test_nothing_private_is_sent(stack: StackHarness, run: dict[str, Any]) -> None:
    storage_key = stack.addresses.storage.partition("AccountKey=")[2].partition(";")[0]
    private = [
        PROMPT,
        SECRET,
        stack.addresses.app_key,
        DEFAULT_KEY,
        storage_key,
        "Arr, 3 be a number",
    ]
    folder = Path(stack.addresses.telemetry)
    for name in ("spans.jsonl", "metrics.jsonl", "logs.jsonl", "functions.log"):
        text = (folder / name).read_text(encoding="utf-8")
        assert run["id"] in text or name == "metrics.jsonl"
        assert not [word for word in private if word in text], name
