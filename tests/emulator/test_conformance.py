"""Every answer against the types of openai's own SDK, strictly; exceptions are listed, not waved.

An exception is a place where Azure itself does not do what the SDK's types promise. The list is
also checked from the other side: one that no longer occurs has to go. Keys that may be null in the
SDK may also be absent, which is how Azure has them; that is no exception.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from openai.types import FileDeleted, FileObject, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from pydantic import BaseModel, ValidationError

from local.emulator.data_plane.content_filter import unnamed_chunk

from .harness import BASE_MODEL, QUESTION, Running, Tuned, dataset

QUICK = {"hyperparameters": {"n_epochs": 1}}
# (type, field): why Azure differs.
EXCEPTIONS = {
    ("FileObject", "status"): "pending and running are not among OpenAI's (S-AUTH)",
    ("FileObject", "bytes"): "null while an import has brought nothing (S-AUTH: nullable)",
    ("FineTuningJob", "status"): "pending, pausing, paused, resuming are not OpenAI's (S-AUTH)",
    ("FineTuningJob", "organization_id"): "Azure has no organizations (S-FT)",
    ("FineTuningJob", "result_files"): "absent until it is known (S-FT)",
    ("Model", "created"): "Azure says created_at (S-AUTH)",
    ("Model", "owned_by"): "Azure does not say it (S-AUTH)",
    ("ChatCompletionChunk", "object"): "empty in the first chunk, of the filter (S-STREAM)",
}


def misfits(kind: type[BaseModel], body: Any) -> set[tuple[str, str]]:
    """Fields of the body that the type does not allow, or misses."""
    try:
        kind.model_validate(body)  # as the SDK itself never does: it takes what comes
    except ValidationError as error:
        return {(kind.__name__, str(problem["loc"][0])) for problem in error.errors()}
    return set()


def conforms(kind: type[BaseModel], body: Any) -> None:
    found = misfits(kind, body)
    assert found <= EXCEPTIONS.keys(), found - EXCEPTIONS.keys()


@pytest.fixture(params=["/openai/v1{}", "/openai{}?api-version=2025-04-01-preview"])
def get(emulator: Running, request: pytest.FixtureRequest) -> Iterator[Any]:
    template: str = request.param
    with emulator.http() as client:

        def ask(path: str, method: str = "GET", **more: Any) -> Any:
            answer = client.request(method, template.format(path), **more)
            assert answer.status_code in (200, 201), answer.text
            return answer.json()

        yield ask


def test_files(get: Any) -> None:
    form = {"file": ("t.jsonl", dataset())}
    fresh = get("/files", "POST", files=form, data={"purpose": "fine-tune"})
    conforms(FileObject, fresh)
    conforms(FileObject, get(f"/files/{fresh['id']}"))
    for file in get("/files")["data"]:
        conforms(FileObject, file)
    conforms(FileDeleted, get(f"/files/{fresh['id']}", "DELETE"))


def test_jobs(get: Any, tuned: Tuned) -> None:
    job = tuned.finished
    body = {"model": BASE_MODEL, "training_file": job.training_file, **QUICK}
    conforms(FineTuningJob, get("/fine_tuning/jobs", "POST", json=body))
    conforms(FineTuningJob, get(f"/fine_tuning/jobs/{job.id}"))
    for one in get("/fine_tuning/jobs")["data"]:
        conforms(FineTuningJob, one)
    for event in get(f"/fine_tuning/jobs/{job.id}/events")["data"]:
        conforms(FineTuningJobEvent, event)
    for checkpoint in get(f"/fine_tuning/jobs/{job.id}/checkpoints")["data"]:
        conforms(FineTuningJobCheckpoint, checkpoint)


def test_models(get: Any, tuned: Tuned) -> None:
    for model in get("/models")["data"]:
        conforms(Model, model)
    conforms(Model, get(f"/models/{tuned.finished.fine_tuned_model}"))


def test_chats(emulator: Running, base: str) -> None:
    body = {"model": base, "messages": QUESTION, "max_tokens": 3, "logprobs": True}
    with emulator.http() as client:
        conforms(ChatCompletion, client.post("/openai/v1/chat/completions", json=body).json())
        options = {"stream": True, "stream_options": {"include_usage": True}}
        text = client.post("/openai/v1/chat/completions", json={**body, **options}).text
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events.pop() == "[DONE]"
    for event in events:
        conforms(ChatCompletionChunk, json.loads(event))


def test_no_exception_is_listed_in_vain(emulator: Running, tuned: Tuned) -> None:
    with emulator.http() as client:
        form = {"file": ("t.jsonl", dataset())}
        file = client.post("/openai/v1/files", files=form, data={"purpose": "fine-tune"}).json()
        body = {"model": BASE_MODEL, "training_file": tuned.finished.training_file, **QUICK}
        job = client.post("/openai/v1/fine_tuning/jobs", json=body).json()
        wanted = {
            "purpose": "fine-tune",
            "filename": "t.jsonl",
            "content_url": "http://127.0.0.1:1",
        }
        imported = client.post("/openai/v1/files/import", json=wanted).json()
        model = client.get("/openai/v1/models").json()["data"][0]
    found = misfits(FileObject, file) | misfits(FileObject, imported)
    found |= misfits(FineTuningJob, job) | misfits(Model, model)
    found |= misfits(ChatCompletionChunk, unnamed_chunk(choices=[]))
    assert found == EXCEPTIONS.keys()


def test_many_at_a_time_lose_nothing(emulator: Running) -> None:
    form = {"file": ("t.jsonl", dataset())}

    def create(_: int) -> str:
        with emulator.http() as client:
            data = {"purpose": "batch"}
            made = client.post("/openai/v1/files", files=form, data=data).json()
            return str(client.get(f"/openai/v1/files/{made['id']}").json()["id"])

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(create, range(48)))
    with emulator.http() as client:
        known = {file["id"] for file in client.get("/openai/v1/files").json()["data"]}
    assert len(set(ids)) == 48 and set(ids) <= known
    numbers = [entry["number"] for entry in emulator.control("journal")["data"]]
    assert numbers == sorted(set(numbers))
    assert [emulator.effects("file", one) for one in ids] == [["created"]] * 48
