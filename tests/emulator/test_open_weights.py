"""Open-weight base models with the real SDKs: from a file to an answer."""

from typing import Any

import pytest
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AzureOpenAI, OpenAI

from .harness import Running, answer_once_ready, dataset, deploy, finished, upload


@pytest.fixture(scope="module")
def file(shared: Running) -> str:
    with shared.v1() as client:
        return upload(client, dataset())


@pytest.mark.parametrize(
    ("asked", "base", "format"),
    [
        ("gpt-oss-20b", "gpt-oss-20b-11", "Microsoft"),
        ("ministral-3b", "Ministral-3B", "Mistral AI"),
        ("Llama-3.3-70B-Instruct", "Llama-3.3-70B-Instruct", "Meta"),
        ("Qwen3-32B", "Qwen3-32B", "Alibaba"),
    ],
)
def test_from_a_file_to_an_answer(
    emulator: Running,
    arm: CognitiveServicesManagementClient,
    v1: OpenAI,
    dated: AzureOpenAI,
    file: str,
    asked: str,
    base: str,
    format: str,
) -> None:
    # So that the SDK need not wait a second before it asks again.
    emulator.settings(creating_seconds=0, readiness_gap_seconds=0, long_running="resource")
    hyperparameters: Any = {"n_epochs": 1}
    job = v1.fine_tuning.jobs.create(
        model=asked,
        training_file=file,
        hyperparameters=hyperparameters,
        extra_body={"trainingType": "globalStandard"},
    )
    done = finished(v1, job.id)
    assert done.status == "succeeded", done.error
    assert (done.model, done.trained_tokens > 0) == (base, True)
    model = done.fine_tuned_model
    assert model == f"{base}.ft-{job.id.removeprefix('ftjob-')}"

    name = f"open-{base}"
    made = deploy(arm, name, model, sku="GlobalStandard", capacity=100, format=format)
    assert made.properties and made.properties.provisioning_state == "Succeeded"
    assert made.properties.model and made.properties.model.format == format
    for client in (v1, dated):
        assert answer_once_ready(client, name).model == model
    arm.deployments.begin_delete("rg", "account", name).result()
