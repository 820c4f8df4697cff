"""Faults of a thing that is made: a file, a job, a deployment, an answer."""

from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import OpenAI

from local.emulator.core.faults import FAULT_KINDS

from .harness import (
    BASE_MODEL,
    QUESTION,
    Running,
    account_path,
    answer_once_ready,
    dataset,
    deploy,
    finished,
    upload,
)

VERSION = "2025-04-14"


def test_file_stuck(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("file-stuck")
    file = v1.files.create(file=("t.jsonl", dataset()), purpose="fine-tune")
    emulator.advance(24 * 3600)
    assert str(v1.files.retrieve(file.id).status) == "pending"
    with pytest.raises(openai.BadRequestError, match="completed file import"):
        v1.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file.id)


@pytest.mark.parametrize("detail", ["", "The file is not UTF-8."])
def test_file_error(emulator: Running, v1: OpenAI, detail: str) -> None:
    emulator.fault("file-error", "files.create", detail=detail)
    file = v1.files.create(file=("t.jsonl", dataset()), purpose="fine-tune")
    shown = v1.files.wait_for_processing(file.id, poll_interval=0.1)
    assert (shown.status, shown.status_details) == ("error", detail or None)


def test_job_stuck(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("job-stuck")
    job = v1.fine_tuning.jobs.create(model=BASE_MODEL, training_file=upload(v1, dataset()))
    after = v1.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=upload(v1, dataset()), hyperparameters={"n_epochs": 1}
    )
    assert finished(v1, after.id).status == "succeeded"  # the others go past it
    assert str(v1.fine_tuning.jobs.retrieve(job.id).status) == "pending"
    assert v1.fine_tuning.jobs.cancel(job.id).status == "cancelled"


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("job-failed", "internalFailure", "The job failed"),
        ("job-unsafe-data", "contentFilter", "failed RAI checks for harm types"),
        ("job-unsafe-model", "contentFilter", "unable to be deployed"),
    ],
)
def test_failing_jobs(emulator: Running, v1: OpenAI, fault: str, code: str, message: str) -> None:
    emulator.fault(fault, "jobs.create")
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=upload(v1, dataset()), hyperparameters={"n_epochs": 4}
    )
    failed = finished(v1, job.id)
    assert (failed.status, failed.error.code) == ("failed", code)
    assert message in failed.error.message
    assert "fine_tuned_model" not in failed.to_dict()
    errors = [e for e in v1.fine_tuning.jobs.list_events(job.id) if e.level == "error"]
    assert len(errors) == 1
    trained = list(v1.fine_tuning.jobs.checkpoints.list(job.id))
    assert bool(trained) == (fault != "job-unsafe-data")


def test_request_conflict(emulator: Running, arm: CognitiveServicesManagementClient) -> None:
    emulator.fault("request-conflict", "deployments.put")
    with pytest.raises(ResourceExistsError) as refusal:  # whatever the name of the class says
        deploy(arm, "contested", "gpt-4.1", VERSION)
    assert refusal.value.error and refusal.value.error.code == "RequestConflict"
    assert "accounts/account'" in str(refusal.value.message)
    deploy(arm, "contested", "gpt-4.1", VERSION)


def test_insufficient_quota(emulator: Running, arm: CognitiveServicesManagementClient) -> None:
    emulator.fault("insufficient-quota", "deployments.*")
    with pytest.raises(HttpResponseError) as refusal:
        deploy(arm, "poor", "gpt-4.1", VERSION, capacity=10)
    assert refusal.value.error and refusal.value.error.code == "InsufficientQuota"
    assert "require 10 new capacity in quota Tokens Per Minute" in str(refusal.value.message)
    assert emulator.effects("deployment", "poor") == []


def test_not_ready(emulator: Running, arm: CognitiveServicesManagementClient, v1: OpenAI) -> None:
    emulator.fault("not-ready", "deployments.put")
    made = deploy(arm, "late", "gpt-4.1", VERSION)
    assert made.properties and made.properties.provisioning_state == "Succeeded"
    emulator.advance(3600)
    with pytest.raises(openai.NotFoundError) as refusal:
        v1.chat.completions.create(model="late", messages=QUESTION)
    assert refusal.value.code == "DeploymentNotFound"
    arm.deployments.begin_delete("rg", "account", "late").result()
    deploy(arm, "late", "gpt-4.1", VERSION)  # made again, it answers (S-SKILL)
    answer_once_ready(v1, "late")


def test_provisioning_failed(emulator: Running, arm: CognitiveServicesManagementClient) -> None:
    emulator.fault("provisioning-failed")
    with pytest.raises(HttpResponseError):
        deploy(arm, "doomed", "gpt-4.1", VERSION)
    shown = arm.deployments.get("rg", "account", "doomed")
    assert shown.properties and shown.properties.provisioning_state == "Failed"
    with pytest.raises(HttpResponseError, match="please delete it"):
        deploy(arm, "doomed", "gpt-4.1", VERSION)
    arm.deployments.begin_delete("rg", "account", "doomed").result()
    deploy(arm, "doomed", "gpt-4.1", VERSION)


def test_provisioning_canceled(emulator: Running, arm: CognitiveServicesManagementClient) -> None:
    emulator.fault("provisioning-canceled")
    with pytest.raises(HttpResponseError):
        deploy(arm, "stopped", "gpt-4.1", VERSION)
    shown = arm.deployments.get("rg", "account", "stopped")
    assert shown.properties and shown.properties.provisioning_state == "Canceled"


def test_provisioning_stuck(emulator: Running, arm: CognitiveServicesManagementClient) -> None:
    emulator.fault("provisioning-stuck")
    emulator.settings(write_conflicts=False)
    with emulator.arm_http() as client:
        path = account_path("/deployments/forever")
        model = {"format": "OpenAI", "name": "gpt-4.1", "version": VERSION}
        body = {"sku": {"name": "Standard"}, "properties": {"model": model}}
        operation = client.put(path, json=body).headers["azure-asyncoperation"]
        emulator.advance(24 * 3600)
        assert client.get(path).json()["properties"]["provisioningState"] == "Creating"
        assert client.get(operation).json()["status"] == "InProgress"
    arm.deployments.begin_delete("rg", "account", "forever").result()


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("deployment-paused", 423, "DeploymentPaused"), ("model-retired", 410, "ModelDeprecated")],
)
def test_deployments_that_no_longer_answer(
    emulator: Running, v1: OpenAI, base: str, fault: str, status: int, code: str
) -> None:
    emulator.fault(fault)
    with pytest.raises(openai.APIStatusError) as refusal:
        v1.chat.completions.create(model=base, messages=QUESTION)
    assert refusal.value.status_code == status
    assert refusal.value.code == code


def test_slow_first_token(emulator: Running, base: str) -> None:
    emulator.fault("slow-first-token", seconds=30)
    body = {"model": base, "messages": QUESTION, "stream": True, "max_tokens": 2}
    with emulator.http() as client, pytest.raises(httpx.ReadTimeout):
        client.post("/openai/v1/chat/completions", json=body, timeout=0.5)


def test_stream_cut(emulator: Running, v1: OpenAI, base: str) -> None:
    emulator.fault("stream-cut", after_chunks=3)
    chunks: list[Any] = []
    with pytest.raises(httpx.RemoteProtocolError):
        read(emulator, base, chunks)
    assert len(chunks) == 3
    read(emulator, base, chunks)
    assert chunks[-1] == "data: [DONE]"


def read(emulator: Running, deployment: str, chunks: list[Any]) -> None:
    body = {"model": deployment, "messages": QUESTION, "stream": True, "max_tokens": 20}
    with (
        emulator.http() as client,
        client.stream("POST", "/openai/v1/chat/completions", json=body) as answer,
    ):
        chunks += (line for line in answer.iter_lines() if line)


def test_every_fault_has_a_test() -> None:
    tests = Path(__file__).parent.glob("test_*_faults.py")
    text = "".join(path.read_text(encoding="utf-8") for path in tests)
    assert [name for name in FAULT_KINDS if f'"{name}"' not in text] == []
