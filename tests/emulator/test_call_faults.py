"""Faults of a call: what the client sees, and whether the call took effect all the same."""

import time
from email.utils import parsedate_to_datetime

import httpx
import openai
import pytest
from openai import OpenAI

from local.emulator.core.faults import CALL_FAULTS

from .harness import BASE_MODEL, Running, account_path, dataset, upload


def jobs_of(client: OpenAI, training_file: str) -> list[str]:
    return [job.id for job in client.fine_tuning.jobs.list() if job.training_file == training_file]


def create(client: OpenAI, training_file: str) -> None:
    client.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=training_file, hyperparameters={"n_epochs": 1}
    )


def test_error_before(emulator: Running, v1: OpenAI) -> None:
    file = upload(v1, dataset())
    emulator.fault("error-before", "jobs.create")
    with pytest.raises(openai.InternalServerError):
        create(v1, file)
    assert jobs_of(v1, file) == []
    entry = emulator.last_call("jobs.create")
    assert (entry["fault"], entry["status"], entry["effects"]) == ("error-before", 500, [])


def test_error_after(emulator: Running, v1: OpenAI) -> None:
    file = upload(v1, dataset())
    emulator.fault("error-after", "jobs.create")
    with pytest.raises(openai.InternalServerError):
        create(v1, file)
    assert len(jobs_of(v1, file)) == 1
    entry = emulator.last_call("jobs.create")
    assert (entry["fault"], entry["status"]) == ("error-after", 500)
    assert [effect["change"] for effect in entry["effects"]] == ["created"]


def test_a_client_that_repeats_pays_twice(emulator: Running) -> None:
    """What the SDK's own retries do to a job whose answer was lost (S-PROBE)."""
    with emulator.v1() as client:
        file = upload(client, dataset())
        emulator.fault("error-after", "jobs.create", count=2)
        create(client.with_options(max_retries=2), file)
        assert len(jobs_of(client, file)) == 3


def test_reset_before(emulator: Running, v1: OpenAI) -> None:
    file = upload(v1, dataset())
    emulator.fault("reset-before", "jobs.create")
    with pytest.raises(openai.APIConnectionError):
        create(v1, file)
    assert jobs_of(v1, file) == []
    assert emulator.last_call("jobs.create")["status"] is None


def test_reset_after(emulator: Running, v1: OpenAI) -> None:
    file = upload(v1, dataset())
    emulator.fault("reset-after", "jobs.create")
    with pytest.raises(openai.APIConnectionError):
        create(v1, file)
    assert len(jobs_of(v1, file)) == 1


def test_reset_after_a_deployment(emulator: Running) -> None:
    emulator.fault("reset-after", "deployments.put")
    body = {
        "sku": {"name": "Standard", "capacity": 1},
        "properties": {"model": {"format": "OpenAI", "name": "gpt-4.1", "version": "2025-04-14"}},
    }
    emulator.settings(write_conflicts=False)
    with emulator.arm_http() as client:
        with pytest.raises(httpx.TransportError):
            client.put(account_path("/deployments/unheard"), json=body)
        assert client.get(account_path("/deployments/unheard")).status_code == 200
    assert emulator.effects("deployment", "unheard") == ["created"]


def test_throttled(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("throttled", "files.list", retry_after=7)
    with pytest.raises(openai.RateLimitError) as refusal:
        v1.files.list()
    assert refusal.value.response.headers["retry-after"] == "7"


def test_throttled_ms(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("throttled-ms", "files.list", retry_after_ms=1)
    with pytest.raises(openai.RateLimitError) as refusal:
        v1.files.list()
    assert refusal.value.response.headers["retry-after-ms"] == "1"
    assert "retry-after" not in refusal.value.response.headers
    emulator.fault("throttled-ms", "files.list", retry_after_ms=1)
    v1.with_options(max_retries=1).files.list()


def test_throttled_date(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("throttled-date", "files.list", retry_after=100)
    with pytest.raises(openai.RateLimitError) as refusal:
        v1.files.list()
    date = parsedate_to_datetime(refusal.value.response.headers["retry-after"])
    assert 0 < date.timestamp() - time.time() <= 100


def test_unavailable(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("unavailable", "files.list", retry_after=3)
    with pytest.raises(openai.InternalServerError) as refusal:
        v1.files.list()
    assert (refusal.value.status_code, refusal.value.code) == (503, "serviceUnavailable")
    assert refusal.value.response.headers["retry-after"] == "3"


def test_denied(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("denied", "files.list")
    with pytest.raises(openai.AuthenticationError) as refusal:
        v1.files.list()
    assert refusal.value.code == "PermissionDenied"


def test_slow(emulator: Running) -> None:
    emulator.fault("slow", "models.list", seconds=30)
    with emulator.http() as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/openai/v1/models", timeout=0.2)
        assert client.get("/openai/v1/models").status_code == 200


def test_the_control_plane_words_trouble_its_own_way(emulator: Running) -> None:
    with emulator.arm_http() as client:
        possible = [n for n, kind in CALL_FAULTS.items() if kind.can_strike("deployments.list")]
        for name in set(possible) - {"slow", "reset-before", "reset-after"}:
            emulator.fault(name, "deployments.list")
            answer = client.get(account_path("/deployments"))
            assert answer.status_code >= 400
            assert answer.json()["error"].keys() == {"code", "message"}


def test_the_management_sdk_repeats_what_is_throttled(emulator: Running) -> None:
    """azure-core waits as the header says and tries again, so one 429 is never seen."""
    emulator.fault("throttled-ms", "deployments.list", retry_after_ms=1)
    with emulator.arm() as arm:
        list(arm.deployments.list("rg", "account"))
    assert emulator.last_call("deployments.list")["status"] == 200
