"""What the emulator says no to, and in which words; what lets a caller in."""

import time
from typing import Any

import httpx
import openai
import pytest
from azure.identity import ManagedIdentityCredential
from openai import OpenAI

from .harness import ARM_SCOPE, BASE_MODEL, KEY, Running, dataset, upload

A_DAY = 86_400  # seconds; as long as a token of Azure lasts at the most
QUESTION: Any = [{"role": "user", "content": "Who be ye?"}]


@pytest.mark.parametrize("wrong", ["wrong", KEY[:-1], f"{KEY}x", KEY.upper()])
def test_a_wrong_key_is_refused_with_azures_envelope(emulator: Running, wrong: str) -> None:
    with emulator.v1(key=wrong) as client, pytest.raises(openai.AuthenticationError) as refusal:
        client.files.list()
    assert refusal.value.code == "PermissionDenied"


@pytest.mark.parametrize("scope", ["https://cognitiveservices.azure.com", "https://ai.azure.com"])
def test_a_token_of_the_managed_identity_opens_the_data_plane(
    emulator: Running, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.url}/_emulator/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "local")
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(f"{scope}/.default")
    assert 0 < token.expires_on - time.time() <= A_DAY
    with emulator.v1(key=token.token) as client:
        assert BASE_MODEL in [model.id for model in client.models.list()]


def test_each_plane_wants_its_own_token(emulator: Running) -> None:
    arm_url = (
        f"{emulator.url}/subscriptions/s/resourceGroups/g/providers"
        "/Microsoft.CognitiveServices/accounts/a/deployments?api-version=2025-09-01"
    )
    with httpx.Client() as client:

        def status(url: str, bearer: str) -> int:
            return client.get(url, headers={"Authorization": f"Bearer {bearer}"}).status_code

        arm, data = emulator.token(ARM_SCOPE), emulator.token("https://ai.azure.com")
        assert [status(arm_url, token) for token in (arm, data, KEY)] == [200, 401, 401]
        files_url = f"{emulator.url}/openai/v1/files"
        assert [status(files_url, token) for token in (arm, data, KEY)] == [401, 200, 200]


def test_a_job_must_wait_for_its_file(v1: OpenAI) -> None:
    fresh = v1.files.create(file=("train.jsonl", dataset()), purpose="fine-tune")
    assert str(fresh.status) == "pending"
    with pytest.raises(openai.BadRequestError) as refusal:
        v1.fine_tuning.jobs.create(model=BASE_MODEL, training_file=fresh.id)
    assert refusal.value.code == "invalidPayload"
    assert "must point to a completed file import" in refusal.value.message


def test_not_every_model_can_be_tuned(v1: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        v1.fine_tuning.jobs.create(model="gpt-35-turbo-0613", training_file=upload(v1, dataset()))
    assert "does not support fine-tuning" in refusal.value.message


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/openai/v1/files?api-version=2025-04-01-preview", 400, "BadRequest"),
        ("/openai/files", 404, "404"),
        ("/openai/v1/nothing", 404, "404"),
        ("/openai/v1/files/file-0", 404, "notFound"),
        ("/openai/v1/fine_tuning/jobs?limit=none", 400, "invalidPayload"),
    ],
)
def test_wrong_urls(emulator: Running, path: str, status: int, code: str) -> None:
    answer = httpx.get(emulator.url + path, headers={"api-key": KEY})
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def test_chat_with_an_unknown_deployment(v1: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        v1.chat.completions.create(model="nothing", messages=QUESTION)
    assert refusal.value.code == "DeploymentNotFound"
