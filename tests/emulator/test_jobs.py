"""What a job can be made of and what can be done to it: methods, tuned models, pause, delete."""

import json
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI

from .harness import (
    BASE_MODEL,
    Running,
    Tuned,
    dataset,
    finished,
    upload,
    wait_until,
)

LONG: Any = {"n_epochs": 1000}
NULL_KEYS = {"error", "fine_tuned_model", "finished_at", "result_files", "trained_tokens"}


def pairs(count: int = 10) -> bytes:
    lines = [
        {
            "input": {"messages": [{"role": "user", "content": f"Question {number}?"}]},
            "preferred_output": [{"role": "assistant", "content": "Arr, aye."}],
            "non_preferred_output": [{"role": "assistant", "content": "Certainly, sir."}],
        }
        for number in range(count)
    ]
    return "\n".join(json.dumps(line) for line in lines).encode()


def start(client: OpenAI, content: bytes | None = None, **more: Any) -> str:
    file = upload(client, content or dataset())
    options: dict[str, Any] = {"model": BASE_MODEL, "training_file": file, **more}
    return client.fine_tuning.jobs.create(**options).id


def status(client: OpenAI, job_id: str) -> str:
    return str(client.fine_tuning.jobs.retrieve(job_id).status)


def losses(client: OpenAI, job: Any) -> list[float]:
    rows = client.files.content(job.result_files[0]).text.splitlines()[1:]
    return [float(row.split(",")[1]) for row in rows]


def test_dpo_learns_which_answer_is_better(v1: OpenAI) -> None:
    method = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 4, "beta": 0.3}}}
    job = start(v1, pairs(), method=method, validation_file=upload(v1, pairs(2)), seed=1)
    done = finished(v1, job)
    assert done.status == "succeeded", done.error
    assert done.method.dpo.hyperparameters.beta == 0.3
    curve = losses(v1, done)
    assert curve[0] == pytest.approx(0.6931, abs=0.001)  # no opinion yet: log 2
    assert curve[-1] < 0.6
    checkpoint = v1.fine_tuning.jobs.checkpoints.list(job).data[0]
    assert checkpoint.metrics.full_valid_loss and checkpoint.metrics.full_valid_loss < 0.6


def test_dpo_wants_pairs_and_a_model_that_takes_it(v1: OpenAI) -> None:
    failed = finished(v1, start(v1, dataset(), method={"type": "dpo"}))
    assert 'no list "input.messages"' in failed.error.message
    with pytest.raises(openai.BadRequestError, match="does not support fine-tuning"):
        start(v1, pairs(), model="gpt-4o-mini-2024-07-18", method={"type": "dpo"})


def test_a_tuned_model_can_be_tuned_again(v1: OpenAI, tuned: Tuned) -> None:
    first = losses(v1, tuned.finished)
    parent = tuned.finished.fine_tuned_model
    quick: Any = {"n_epochs": 2}
    done = finished(v1, start(v1, model=parent, seed=3, suffix="more", hyperparameters=quick))
    assert done.status == "succeeded", done.error
    hexadecimal = done.id.removeprefix("ftjob-")
    assert done.fine_tuned_model == f"{BASE_MODEL}.ft-{hexadecimal}-more"
    assert losses(v1, done)[0] < first[0]  # it goes on from what was learned
    assert v1.models.retrieve(done.fine_tuned_model).to_dict()["model"] == parent


def test_a_training_with_a_pause_is_the_same_training(emulator: Running, v1: OpenAI) -> None:
    options: dict[str, Any] = {"hyperparameters": {"n_epochs": 12}, "seed": 5}
    job = start(v1, **options)
    with pytest.raises(openai.BadRequestError) as refusal:
        v1.fine_tuning.jobs.resume(job)
    assert refusal.value.code == "unexpectedEntityState"
    wait_until(lambda: any(e.type == "metrics" for e in v1.fine_tuning.jobs.list_events(job)))
    assert str(v1.fine_tuning.jobs.pause(job).status) == "pausing"
    wait_until(lambda: status(v1, job) == "paused")
    kept = v1.fine_tuning.jobs.checkpoints.list(job).data
    assert ":ckpt-step-" in kept[0].fine_tuned_model_checkpoint
    assert str(v1.fine_tuning.jobs.resume(job).status) == "resuming"
    done = finished(v1, job)
    assert done.status == "succeeded", done.error
    assert emulator.effects("job", job) == ["created", "paused", "resumed", "succeeded"]
    assert losses(v1, done) == losses(v1, finished(v1, start(v1, **options)))


def test_a_paused_job_can_be_cancelled(v1: OpenAI) -> None:
    job = start(v1, hyperparameters=LONG)
    wait_until(lambda: any(e.type == "metrics" for e in v1.fine_tuning.jobs.list_events(job)))
    v1.fine_tuning.jobs.pause(job)
    wait_until(lambda: status(v1, job) == "paused")
    assert v1.fine_tuning.jobs.cancel(job).status == "cancelled"
    for act in (v1.fine_tuning.jobs.pause, v1.fine_tuning.jobs.cancel):
        with pytest.raises(openai.BadRequestError):
            act(job)


def test_only_the_dated_family_deletes_jobs(
    emulator: Running, dated: AzureOpenAI, v1: OpenAI
) -> None:
    job = start(v1, hyperparameters={"n_epochs": 1})
    finished(v1, job)
    with emulator.http() as client:
        assert client.delete(f"/openai/v1/fine_tuning/jobs/{job}").status_code == 405
        path = f"/openai/fine_tuning/jobs/{job}?api-version=2025-04-01-preview"
        assert client.delete(path).status_code == 204
        assert client.delete(path).status_code == 404
    with pytest.raises(openai.NotFoundError):
        v1.fine_tuning.jobs.retrieve(job)
    assert emulator.effects("job", job)[-1] == "deleted"


def test_both_shapes_of_a_job(emulator: Running, v1: OpenAI) -> None:
    emulator.settings(queue_seconds=1e6)
    job = start(v1)
    assert not NULL_KEYS & v1.fine_tuning.jobs.retrieve(job).to_dict().keys()
    emulator.settings(job_shape="null")
    shown = v1.fine_tuning.jobs.retrieve(job).to_dict()
    assert {key for key in NULL_KEYS if shown.get(key, "absent") is None} == NULL_KEYS
    v1.fine_tuning.jobs.cancel(job)


def test_a_bad_dataset_shows_at_import_or_at_the_start(emulator: Running, v1: OpenAI) -> None:
    bad = dataset() + b"\nnot json"
    failed = finished(v1, start(v1, bad))
    assert "Example 11 is not valid JSON" in failed.error.message
    emulator.settings(validation="import")
    file = v1.files.create(file=("bad.jsonl", bad), purpose="fine-tune")
    shown = v1.files.wait_for_processing(file.id, poll_interval=0.1)
    assert shown.status == "error"
    assert "Example 11 is not valid JSON" in (shown.status_details or "")
    for good in (dataset(), pairs()):
        assert v1.files.retrieve(upload(v1, good)).status == "processed"


def test_jobs_can_run_side_by_side(emulator: Running, v1: OpenAI) -> None:
    emulator.settings(training_at_once=2)
    both = [start(v1, hyperparameters=LONG, seed=number) for number in (1, 2)]
    wait_until(lambda: [status(v1, job) for job in both] == ["running"] * 2)
    for job in both:
        v1.fine_tuning.jobs.cancel(job)
        assert finished(v1, job).status == "cancelled"


def test_tool_calls_can_be_trained_on(v1: OpenAI) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{}"}}
    tools = [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}}}]
    messages = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "assistant", "content": "Rain."},
    ]
    line = json.dumps({"messages": messages, "tools": tools, "parallel_tool_calls": False})
    content = "\n".join([line] * 10).encode()
    done = finished(v1, start(v1, content, hyperparameters={"n_epochs": 1}))
    assert done.status == "succeeded", done.error
