"""The emulator's own controls: clock, settings, journal, arming of faults, reset, page."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from local.emulator.app import Emulator
from local.emulator.core.operations import UNKNOWN, name_of
from local.emulator.language.model import LanguageModel

from .harness import BASE_MODEL, Running, dataset, upload, wait_until


def refusal(emulator: Running, path: str, body: Any, method: str = "POST") -> str:
    answer = httpx.request(method, f"{emulator.url}/_emulator/{path}", json=body)
    assert answer.status_code == 400
    return str(answer.json()["error"]["message"])


def test_time_passes_in_a_call(emulator: Running, v1: OpenAI) -> None:
    emulator.settings(file_seconds=3600)
    file = v1.files.create(file=("t.jsonl", dataset()), purpose="fine-tune")
    assert str(v1.files.retrieve(file.id).status) == "pending"
    before = emulator.control("clock")
    emulator.advance(3000)
    assert str(v1.files.retrieve(file.id).status) == "pending"
    emulator.advance(601)
    assert v1.files.retrieve(file.id).status == "processed"
    assert emulator.control("clock")["ahead_seconds"] == before["ahead_seconds"] + 3601


@pytest.mark.parametrize("wrong", [-1, "1", None, True, 1e30])
def test_time_does_not_run_backwards(emulator: Running, wrong: Any) -> None:
    refusal(emulator, "clock", {"advance_seconds": wrong})


def test_a_job_waits_in_the_queue_until_its_time(emulator: Running, v1: OpenAI) -> None:
    emulator.settings(queue_seconds=12 * 3600)
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=upload(v1, dataset()), hyperparameters={"n_epochs": 1}
    )
    assert str(v1.fine_tuning.jobs.retrieve(job.id).status) == "pending"
    emulator.advance(12 * 3600 + 1)
    wait_until(lambda: str(v1.fine_tuning.jobs.retrieve(job.id).status) != "pending")


def test_the_journal_tells_what_a_call_changed(emulator: Running, v1: OpenAI) -> None:
    file = v1.files.create(file=("t.jsonl", dataset()), purpose="fine-tune")
    entry = emulator.last_call("files.create")
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/openai/v1/files", 200)
    assert entry["effects"] == [{"kind": "file", "id": file.id, "change": "created"}]
    v1.files.retrieve(file.id)
    assert emulator.last_call("files.get")["effects"] == []
    v1.files.delete(file.id)
    assert emulator.effects("file", file.id) == ["created", "deleted"]
    later = emulator.control(f"journal?after={entry['number']}&effect=file&id={file.id}")
    assert [found["operation"] for found in later["data"]] == ["files.delete"]


def test_what_happens_without_a_call_is_in_the_journal_too(emulator: Running, v1: OpenAI) -> None:
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=upload(v1, dataset()), hyperparameters={"n_epochs": 1}
    )
    wait_until(lambda: emulator.effects("job", job.id) == ["created", "succeeded"])
    ended = emulator.control(f"journal?effect=job&id={job.id}&change=succeeded")
    assert [entry["operation"] for entry in ended["data"]] == ["service"]


def test_refused_calls_are_in_the_journal(emulator: Running) -> None:
    with emulator.http("wrong") as client:
        client.get("/openai/v1/files")
    assert emulator.last_call("files.list")["status"] == 401


def test_settings_are_checked_by_name_and_kind(emulator: Running) -> None:
    assert "There is no setting 'haste'" in refusal(emulator, "settings", {"haste": 1}, "PATCH")
    for wrong in ({"job_shape": "round"}, {"file_seconds": -1}, {"write_conflicts": 1}):
        refusal(emulator, "settings", wrong, "PATCH")
    refusal(emulator, "settings", {"job_limit": 1.5}, "PATCH")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "There is no fault None"),
        ({"fault": "earthquake"}, "There is no fault 'earthquake'"),
        ({"fault": "file-stuck", "operation": "jobs.create"}, "it can strike: files.create"),
        ({"fault": "throttled", "count": 0}, "count must be"),
        ({"fault": "throttled", "probability": 2}, "probability must be"),
        ({"fault": "throttled", "colour": "red"}, "has no option 'colour'"),
        ({"fault": "throttled", "retry_after": "soon"}, "must be like 1"),
        ({"fault": "error-after", "status": 200}, "between 500 and 599"),
    ],
)
def test_faults_are_checked_when_armed(emulator: Running, wrong: Any, message: str) -> None:
    assert message in refusal(emulator, "faults", wrong)


def test_a_fault_strikes_as_often_as_it_was_armed_for(emulator: Running, v1: OpenAI) -> None:
    emulator.fault("error-before", "models.*", count=2)
    with emulator.http() as client:
        answers = [client.get("/openai/v1/models").status_code for _ in range(3)]
        assert client.get("/openai/v1/files").status_code == 200
    assert answers == [500, 500, 200]


def test_a_fault_of_chance_strikes_the_same_calls_with_the_same_seed(emulator: Running) -> None:
    def outcomes(seed: int) -> list[int]:
        fault = emulator.fault("error-before", "models.list", probability=0.5, seed=seed)
        with emulator.http() as client:
            answers = [client.get("/openai/v1/models").status_code for _ in range(20)]
        emulator.control(f"faults/{fault['id']}", "DELETE")
        return answers

    assert outcomes(1) == outcomes(1) != outcomes(2)
    assert set(outcomes(1)) == {200, 500}


def test_a_fault_can_be_disarmed(emulator: Running) -> None:
    emulator.fault("error-before", count=None)
    assert len(emulator.control("faults")["armed"]) == 1
    assert emulator.control("faults", "DELETE")["armed"] == []


def test_reset_leaves_an_empty_resource(alone: Running) -> None:
    with alone.v1() as client:
        client.files.create(file=("t.jsonl", dataset()), purpose="fine-tune")
        alone.advance(1000)
        alone.settings(job_shape="null")
        alone.fault("throttled", "files.list")
        alone.control("reset", "POST")
        assert list(client.files.list()) == []
    state = alone.control("state")
    assert (state["files"], state["faults"]) == ([], [])
    assert (state["clock"]["ahead_seconds"], state["settings"]["job_shape"]) == (0, "absent")
    assert "part" in refusal(alone, "reset", {"parts": ["everything"]})


def test_the_page_is_served(emulator: Running) -> None:
    answer = httpx.get(f"{emulator.url}/_emulator")
    assert answer.status_code == 200
    assert "Azure OpenAI emulator" in answer.text


def test_every_route_has_a_name(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, LanguageModel("tiny", tmp_path, tmp_path), "key", warm=False)
    for route in emulator.routes():
        inner = getattr(route, "routes", None) or [route]
        prefix = route.path if inner != [route] else ""  # type: ignore[attr-defined]
        for one in inner:
            path = prefix + one.path.replace(":path}", "}")
            if not path.startswith("/_emulator"):
                for method in one.methods - {"HEAD"}:
                    assert name_of(method, path) != UNKNOWN, f"{method} {path}"
    emulator.context.store.close()
