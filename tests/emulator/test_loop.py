"""The whole way through with the real SDKs: file, job, deployment, chat; in both URL families."""

import csv
import io
from typing import Any

import openai
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AzureOpenAI, OpenAI

from .harness import (
    BASE_MODEL,
    QUESTION,
    Tuned,
    answer_once_ready,
    dataset,
    deploy,
    finished,
    upload,
    wait_until,
)

RESULT_COLUMNS = (
    "step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,"
    "full_valid_loss,full_valid_mean_token_accuracy"
)


def test_a_new_job_looks_as_azure_shows_it(tuned: Tuned) -> None:
    shown = tuned.created.to_dict()
    absent = {"error", "fine_tuned_model", "result_files", "trained_tokens", "organization_id"}
    assert not absent & shown.keys()
    assert shown["status"] == "pending"
    assert shown["trainingType"] == "globalStandard"
    assert shown["metadata"] == {"run": "r-1"}
    assert shown["hyperparameters"] == {
        "batch_size": -1,
        "learning_rate_multiplier": -1,
        "n_epochs": 2,
    }


def test_a_finished_job_has_a_model_named_after_it(tuned: Tuned) -> None:
    job = tuned.finished
    assert job.status == "succeeded", job.error
    assert job.fine_tuned_model == f"{BASE_MODEL}.ft-{job.id.removeprefix('ftjob-')}-pirate"
    assert (job.hyperparameters.batch_size, job.hyperparameters.n_epochs) == (2, 2)
    assert job.trained_tokens > 0


def test_events_come_newest_first_and_in_pages(v1: OpenAI, tuned: Tuned) -> None:
    events = list(v1.fine_tuning.jobs.list_events(tuned.created.id, limit=4))
    messages = [event.message for event in events]
    assert messages[0] == f"Training tokens billed: {tuned.finished.trained_tokens}"
    assert messages[1] == f"Completed results file: {tuned.finished.result_files[0]}"
    assert messages[2:4] == ["Model Evaluation Passed.", "Job succeeded."]
    assert messages[-2:] == ["Job started.", "Job enqueued. Waiting for jobs ahead to complete."]
    metrics: list[Any] = [event.data for event in events if event.type == "metrics"]
    steps = [data["step"] for data in metrics]
    assert steps == list(range(10, 0, -1))


def test_each_epoch_leaves_a_checkpoint(v1: OpenAI, tuned: Tuned) -> None:
    checkpoints = list(v1.fine_tuning.jobs.checkpoints.list(tuned.created.id))
    assert [checkpoint.step_number for checkpoint in checkpoints] == [10, 5]
    metrics = checkpoints[0].metrics
    assert metrics.train_loss and metrics.valid_loss and metrics.full_valid_loss
    assert checkpoints[0].fine_tuned_model_checkpoint.endswith(":ckpt-step-10")


def test_results_file_has_azures_columns_and_holes(v1: OpenAI, tuned: Tuned) -> None:
    text = v1.files.content(tuned.finished.result_files[0]).text
    assert text.splitlines()[0] == RESULT_COLUMNS
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [bool(row["full_valid_loss"]) for row in rows] == [False, False, False, False, True] * 2
    losses = [float(row["train_loss"]) for row in rows]
    assert losses[-1] < losses[0]


def test_deploy_and_chat_in_both_families(
    v1: OpenAI, dated: AzureOpenAI, arm: CognitiveServicesManagementClient, tuned: Tuned
) -> None:
    name = tuned.finished.fine_tuned_model
    deployment = deploy(arm, "pirate", name)
    assert deployment.properties and deployment.properties.provisioning_state == "Succeeded"
    assert "pirate" in [found.name for found in arm.deployments.list("rg", "account")]
    answer = answer_once_ready(v1, "pirate")
    assert answer.model == name
    assert answer.system_fingerprint == "emulator-tiny"
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (5, "length")
    old_style = dated.chat.completions.create(model="pirate", messages=QUESTION, max_tokens=5)
    assert old_style.model == name

    arm.deployments.begin_delete("rg", "account", "pirate").result()
    with pytest.raises(ResourceNotFoundError):
        arm.deployments.get("rg", "account", "pirate")
    with pytest.raises(openai.NotFoundError):
        v1.chat.completions.create(model="pirate", messages=QUESTION)


def test_streams_with_usage(v1: OpenAI, arm: CognitiveServicesManagementClient) -> None:
    deploy(arm, "base", "gpt-4.1-nano", "2025-04-14")
    options: Any = {"messages": QUESTION, "max_tokens": 8, "seed": 1}
    answer_once_ready(v1, "base")
    whole = v1.chat.completions.create(model="base", **options)
    chunks = list(
        v1.chat.completions.create(
            model="base", stream=True, stream_options={"include_usage": True}, **options
        )
    )
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert streamed == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_a_checkpoint_can_be_deployed(
    v1: OpenAI, arm: CognitiveServicesManagementClient, tuned: Tuned
) -> None:
    checkpoint = v1.fine_tuning.jobs.checkpoints.list(tuned.created.id).data[-1]
    deploy(arm, "checkpoint", checkpoint.id)
    answer = answer_once_ready(v1, "checkpoint")
    assert answer.model == checkpoint.fine_tuned_model_checkpoint


def test_only_the_last_three_checkpoints_can_be_deployed(
    v1: OpenAI, arm: CognitiveServicesManagementClient
) -> None:
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=upload(v1, dataset()), hyperparameters={"n_epochs": 4}
    )
    finished(v1, job.id)
    *kept, first = v1.fine_tuning.jobs.checkpoints.list(job.id)
    assert len(kept) == 3
    for name in (first.id, first.fine_tuned_model_checkpoint):
        with pytest.raises(HttpResponseError, match="is not supported"):
            deploy(arm, "too-old", name)
    deploy(arm, "old-enough", kept[-1].id)


def test_unknown_models_are_not_deployed(arm: CognitiveServicesManagementClient) -> None:
    with pytest.raises(HttpResponseError) as refusal:
        deploy(arm, "nothing", f"{BASE_MODEL}.ft-0")
    assert refusal.value.error and refusal.value.error.code == "DeploymentModelNotSupported"


def test_the_dated_family_answers_201_with_a_location(dated: AzureOpenAI) -> None:
    file = dated.files.with_raw_response.create(file=("t.jsonl", dataset()), purpose="fine-tune")
    assert file.status_code == 201
    file_id = file.parse().id
    assert f"/openai/files/{file_id}?api-version=" in file.headers["location"]
    dated.files.wait_for_processing(file_id, poll_interval=0.1)
    job = dated.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=file_id, hyperparameters={"n_epochs": 1}
    )
    assert finished(dated, job.id).status == "succeeded"


def test_too_few_examples_fail_the_job(v1: OpenAI) -> None:
    job = v1.fine_tuning.jobs.create(model=BASE_MODEL, training_file=upload(v1, dataset(9)))
    failed = finished(v1, job.id)
    assert failed.status == "failed"
    assert failed.error.code == "invalid_training_file"
    assert "at least 10 examples" in failed.error.message


def test_a_running_job_can_be_cancelled(v1: OpenAI) -> None:
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL,
        training_file=upload(v1, dataset(40)),
        hyperparameters={"n_epochs": 1000},
    )
    wait_until(lambda: v1.fine_tuning.jobs.retrieve(job.id).status == "running")
    v1.fine_tuning.jobs.cancel(job.id)
    assert finished(v1, job.id).status == "cancelled"
