"""What a resource may have and do at once, at the service's own numbers (S-DOC quotas-limits)."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai import AzureOpenAI, OpenAI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from local.emulator.app import Emulator
from local.emulator.language.model import LanguageModel

from .harness import BASE_MODEL, KEY, Running, dataset, upload, wait_until

RUNNING, RUNNING_DEVELOPER, QUEUED, JOBS, FILES = 3, 5, 20, 100, 100


@pytest.fixture
def client(alone: Running) -> Iterator[OpenAI]:
    with alone.v1() as client:
        yield client


@pytest.fixture
def file(client: OpenAI) -> str:
    return upload(client, dataset())


def start(client: OpenAI, file: str) -> str:
    return client.fine_tuning.jobs.create(model=BASE_MODEL, training_file=file).id


def test_so_many_jobs_run_at_once(tmp_path: Path) -> None:
    """Three of standard and global together, five of developer; the rest waits for one to end.

    The app without its worker: jobs come in by the API, and the queue is asked as a worker asks.
    """
    emulator = Emulator(tmp_path, LanguageModel("tiny", tmp_path, tmp_path), KEY, warm=False)
    emulator.context.settings.change({"file_seconds": 0})
    client = TestClient(Starlette(routes=emulator.routes()))
    form = {"file": ("t.jsonl", dataset())}
    file = client.post("/openai/v1/files", files=form, data={"purpose": "fine-tune"}).json()
    body = {"model": BASE_MODEL, "training_file": file["id"]}
    kinds = ["standard", "globalStandard"] * 2 + ["developerTier"] * 6
    jobs = [
        client.post("/openai/v1/fine_tuning/jobs", json={**body, "trainingType": kind}).json()["id"]
        for kind in kinds
    ]

    def begun() -> list[str]:
        return [str(job["id"]) for job in iter(emulator.queue.take_next, None)]

    assert begun() == jobs[:RUNNING] + jobs[4 : 4 + RUNNING_DEVELOPER]
    emulator.queue.finish(jobs[0], "succeeded")
    assert begun() == [jobs[RUNNING]]
    emulator.queue.finish(jobs[4], "failed")
    assert begun() == [jobs[-1]]
    emulator.context.store.close()


def test_so_many_jobs_wait_and_so_many_are_kept(alone: Running, client: OpenAI, file: str) -> None:
    alone.settings(queue_seconds=3600)
    for kept in range(0, JOBS, QUEUED):
        waiting = [start(client, file) for _ in range(QUEUED)]
        if kept + QUEUED < JOBS:
            with pytest.raises(openai.RateLimitError) as full:
                start(client, file)
            assert full.value.code == "tooManyRequests"
        for job in waiting:
            client.fine_tuning.jobs.cancel(job)
    with pytest.raises(openai.BadRequestError) as refusal:
        start(client, file)
    assert refusal.value.code == "quotaExceeded"
    with alone.dated() as dated:
        delete(dated, waiting[0])
    last = start(client, file)
    assert client.fine_tuning.jobs.retrieve(last).to_dict()["status"] == "pending"
    alone.advance(3601)  # what waits only for its time begins when that has come
    wait_until(lambda: client.fine_tuning.jobs.retrieve(last).to_dict()["status"] == "running")


def delete(client: AzureOpenAI, job: str) -> None:
    """The SDK has no method for it (S-OAI)."""
    client.delete(f"/fine_tuning/jobs/{job}", cast_to=object)


def test_limits_can_be_set(alone: Running, client: OpenAI, file: str) -> None:
    alone.settings(queue_seconds=3600, queue_limit=1)
    start(client, file)
    with pytest.raises(openai.RateLimitError):
        start(client, file)
    alone.settings(queue_limit=20, job_limit=1)
    with pytest.raises(openai.BadRequestError):
        start(client, file)


def test_no_more_files_than_the_service_keeps(client: OpenAI) -> None:
    for _ in range(FILES):
        client.files.create(file=("t.jsonl", b"{}"), purpose="fine-tune")
    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.create(file=("t.jsonl", b"{}"), purpose="fine-tune")
    assert refusal.value.code == "quotaExceeded"
    client.files.create(file=("b.jsonl", b"{}"), purpose="batch")
