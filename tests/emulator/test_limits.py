"""What a resource may have and do at once, at the service's own numbers (S-DOC quotas-limits)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI

from .conftest import BASE_MODEL, Running, dataset, upload, wait_until

RUNNING, RUNNING_DEVELOPER, QUEUED, JOBS, FILES = 3, 5, 20, 100, 100


@pytest.fixture
def client(alone: Running) -> Iterator[OpenAI]:
    with alone.v1() as client:
        yield client


@pytest.fixture
def file(client: OpenAI) -> str:
    return upload(client, dataset())


def start(client: OpenAI, file: str, kind: str = "Standard") -> str:
    return client.fine_tuning.jobs.create(
        model=BASE_MODEL,
        training_file=file,
        hyperparameters={"n_epochs": 1000},
        extra_body={"trainingType": kind},
    ).id


def statuses(client: OpenAI) -> Counter[tuple[str, str]]:
    jobs: Any = client.fine_tuning.jobs.list(limit=1000)
    return Counter((job.trainingType, job.status) for job in jobs)


def test_so_many_jobs_run_at_once(alone: Running, client: OpenAI, file: str) -> None:
    """Three of standard and global together, five of developer; the rest waits for one to end."""
    alone.settings(training_at_once=20)
    jobs = [start(client, file, kind) for kind in ("Standard", "GlobalStandard") * 2]
    developers = [start(client, file, "developerTier") for _ in range(6)]
    wanted = {
        ("standard", "running"): 2,
        ("globalStandard", "running"): 1,
        ("globalStandard", "pending"): 1,
        ("developerTier", "running"): RUNNING_DEVELOPER,
        ("developerTier", "pending"): 1,
    }
    wait_until(lambda: statuses(client) == wanted)
    client.fine_tuning.jobs.cancel(jobs[0])
    client.fine_tuning.jobs.cancel(developers[0])
    wait_until(lambda: not any(status == "pending" for _, status in statuses(client)))
    running = Counter(kind for kind, status in statuses(client).elements() if status == "running")
    assert running["standard"] + running["globalStandard"] == RUNNING
    assert running["developerTier"] == RUNNING_DEVELOPER


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
