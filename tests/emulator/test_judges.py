"""The judges of the emulator's answers: they see what is wrong, and allow nothing that need not be.

What they judge is all that the other tests here are answered (in_process.py, harness.py).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from .cut import cut
from .deviations import DEVIATIONS
from .harness import account_path
from .in_process import Inside, inside
from .judge import Answer, Judge
from .published import DOCUMENT, Published

FILE: dict[str, Any] = {
    "id": "file-1",
    "object": "file",
    "bytes": 3,
    "created_at": 1,
    "filename": "f",
    "purpose": "fine-tune",
    "status": "processed",
}
JUDGE = Judge()


def judged(path: str, body: Any, method: str = "GET", status: int = 200) -> list[str]:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/event-stream" if text.startswith("data") else "application/json"
    return JUDGE.misfits(Answer(method, path, status, kind, text.encode()))


def test_an_answer_as_it_is_described_passes() -> None:
    assert not judged("/openai/v1/files/file-1", FILE)
    assert not judged("/openai/files/file-1", FILE)
    assert not judged("/openai/v1/files/import", FILE, "POST")
    assert not judged("/openai/v1/models/a/slash", {"id": "m", "object": "model"})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bytes": "3"}, "bytes"),
        ({"object": "files"}, "object"),
        ({"status": "done"}, "status"),
        ({"filename": None}, "filename"),
        ({"size": 3}, "size"),
        ({"purpose": "fine_tune"}, "purpose"),
    ],
)
def test_a_key_that_is_otherwise_is_told(change: dict[str, Any], word: str) -> None:
    (told,) = judged("/openai/v1/files/file-1", {**FILE, **change})
    assert word in told and told.startswith("GET /openai/v1/files/file-1 200: ")


@pytest.mark.parametrize("key", sorted(FILE))
def test_a_key_that_is_missing_is_told(key: str) -> None:
    body = {name: value for name, value in FILE.items() if name != key}
    assert [key in told for told in judged("/openai/v1/files/file-1", body)] == [True]


def test_a_mistake_deep_in_one_of_several_kinds_is_told_where_it_is() -> None:
    event = {"type": "response.output_text.delta", "delta": 1, "sequence_number": 1}
    event |= {"item_id": "m", "output_index": 0, "content_index": 0, "logprobs": []}
    (told,) = judged("/openai/v1/responses", f"data: {json.dumps(event)}\n\n", "POST")
    assert "delta: type" in told


def test_an_operation_that_nobody_described_is_told() -> None:
    assert judged("/openai/v1/filez", {})
    assert judged("/openai/v1/files", FILE, "PUT")
    assert not judged("/_emulator/health", {"anything": 1})


def test_an_error_has_the_shape_of_errors() -> None:
    error = {"code": "404", "message": "no"}
    assert not judged("/openai/v1/files", {"error": error}, status=404)
    assert judged("/openai/v1/files", error, status=404)
    assert judged("/openai/v1/files", {"error": {**error, "hint": ""}}, status=404)
    assert JUDGE.misfits(Answer("GET", "/openai/v1/files", 500, "text/html", b"oh"))


def test_a_stream_that_has_begun_says_its_error_as_an_event() -> None:
    def chat(error: dict[str, object]) -> list[str]:
        return judged("/openai/v1/chat/completions", f"data: {json.dumps(error)}\n\n", "POST")

    assert not chat({"error": {"code": "503", "message": "no"}})
    assert chat({"error": {"code": "503"}})


def test_of_an_answer_that_nobody_reads_there_is_nothing_to_judge() -> None:
    gone = Answer("POST", "/openai/v1/chat/completions", 499, "", b"")
    assert not JUDGE.misfits(gone)


def test_the_cut_is_whole_and_says_where_it_is_from() -> None:
    assert "openai-openapi, commit f85dbe223d40" in DOCUMENT["info"]["title"]
    again = cut({**DOCUMENT, "components": DOCUMENT["components"]})
    assert again["paths"] == DOCUMENT["paths"] and again["components"] == DOCUMENT["components"]


def test_no_deviation_is_without_source() -> None:
    assert all(deviation.source for deviation in DEVIATIONS)
    places = [(one.place, one.key, one.kind) for one in DEVIATIONS]
    assert len(places) == len(set(places))


@pytest.fixture
def emulator(tmp_path: Path) -> Any:
    with inside(tmp_path) as running:
        yield running


def test_what_is_not_as_described_fails_the_test_that_asked(emulator: Inside) -> None:
    judge = Judge(Published([one for one in DEVIATIONS if one.key != "trainingType"]))
    emulator.control.app._judge = judge  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="trainingType"):
        emulator.job(emulator.file())


def test_a_page_of_files_names_its_ends(emulator: Inside) -> None:
    first, last = emulator.file(), emulator.file()
    page = emulator.data.get("/openai/v1/files?order=asc").json()
    assert [page["first_id"], page["last_id"]] == [page["data"][0]["id"], page["data"][-1]["id"]]
    assert {page["first_id"], page["last_id"]} == {first, last}


# ---- the control plane


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"name": 3}, "name"),
        ({"sku": {"capacity": 1}}, "sku/name"),
        ({"sku": {"name": "Standard", "capacity": "1"}}, "sku/capacity"),
        ({"properties": {"provisioningState": "Done"}}, "Done"),
        ({"properties": {"model": []}}, "properties/model"),
        ({"properties": {"rateLimits": {}}}, "rateLimits"),
        ({"systemData": {"createdAt": "yesterday"}}, "createdAt"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_deployment_is_as_the_sdk_has_it(change: dict[str, Any], word: str) -> None:
    sound = {"name": "d", "sku": {"name": "Standard", "capacity": 1}, "tags": None}
    path = account_path("/deployments/d").partition("?")[0]
    assert not judged(path, sound)
    (told,) = judged(path, {**sound, **change})
    assert word in told


def test_each_answer_of_the_control_plane_is_judged(emulator: Inside) -> None:
    emulator.put("d")
    assert emulator.arm.get(account_path("/deployments")).json()["value"]
    for path in ("", "/models", "/usages", "/deployments/d/skus", "/deployments/none"):
        address = account_path(path).partition("?")[0]
        assert judged(address, {"color": "red"}), path
        emulator.arm.get(account_path(path))
    assert judged(account_path("/x").partition("?")[0], {"error": {"color": ""}}, status=400)
