"""Whatever comes in, the answer is the service's kind of no: never a 500, never a traceback."""

import json
import random
from typing import Any

import httpx
import pytest

from local.emulator.core.operations import CONTROL_PLANE, DATA_PLANE

from .harness import BASE_MODEL, QUESTION, Running, dataset

DATED = "api-version=2025-04-01-preview"
JUNK: list[Any] = [
    None,
    True,
    -1,
    0,
    2**70,
    1.5,
    "",
    "\x00",
    "x" * 2000,
    "\U0001f3f4\u200d☠️",
    [],
    [[]],
    [None],
    {},
    {"a": {"b": []}},
    [{"role": "user"}],
    [{"role": "assistant", "tool_calls": [1]}],
    "../../etc/passwd",
]
RAW = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b'"text"',
    b"null",
    b"NaN",
    b'{"seed": 1e999}',
    b'{"model": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"1" * 10_000,
]
FIELDS = {
    "files.import": ("purpose", "filename", "content_url", "expires_after"),
    "uploads.create": ("bytes", "filename", "mime_type", "purpose"),
    "uploads.complete": ("part_ids", "md5"),
    "jobs.create": (
        "model",
        "training_file",
        "validation_file",
        "suffix",
        "seed",
        "trainingType",
        "method",
        "hyperparameters",
        "metadata",
    ),
    "chat.create": (
        "model",
        "messages",
        "temperature",
        "top_p",
        "n",
        "stop",
        "seed",
        "stream",
        "stream_options",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "response_format",
        "max_tokens",
        "presence_penalty",
        "zzz",
    ),
    "deployments.put": ("sku", "properties", "tags"),
    "deployments.patch": ("sku", "tags"),
}


def check(answer: httpx.Response) -> None:
    asked = f"{answer.request.method} {answer.request.url} gave {answer.status_code}"
    assert answer.status_code < 500, asked
    assert "Traceback" not in answer.text and ".py" not in answer.text, asked
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["code"] and error["message"], asked


def urls(deployment: str) -> list[tuple[str, str, str]]:
    """Every operation of every family: method, URL, name; ids that exist where it matters."""
    found = []
    for method, template, name in DATA_PLANE:
        path = template.replace("{id:path}", "none").replace("{id}", "none")
        path = path.replace("{name}", deployment)
        found += [(method, f"/openai/v1{path}", name), (method, f"/openai{path}?{DATED}", name)]
    for method, template, name in CONTROL_PLANE:
        path = template.format(
            group="g", account="a", name="fuzzed", location="swedencentral", operation="none"
        )
        found.append((method, f"/subscriptions/s{path}?api-version=2025-09-01", name))
    return found


def test_bodies_that_are_no_json(emulator: Running, base: str) -> None:
    with emulator.http() as data, emulator.arm_http() as arm:
        for method, url, name in urls(base):
            client = arm if url.startswith("/subscriptions") else data
            for raw in RAW if name in FIELDS else RAW[:2]:
                check(client.request(method, url, content=raw))


def test_values_of_every_kind_in_every_field(emulator: Running, base: str) -> None:
    """Sound requests with one field spoiled, and ones with all fields at random."""
    sound = {
        "jobs.create": {"model": BASE_MODEL, "training_file": "file-none"},
        "chat.create": {"model": base, "messages": QUESTION, "max_tokens": 1},
        "deployments.put": {"sku": {"name": "Standard"}, "properties": {}},
        "files.import": {"purpose": "x", "filename": "f", "content_url": "http://127.0.0.1:1"},
    }
    random_source = random.Random(7)
    with emulator.http() as data, emulator.arm_http() as arm:
        for method, url, name in urls(base):
            client = arm if url.startswith("/subscriptions") else data
            for field in FIELDS.get(name, ()):
                # No limit at all is a sound wish, and takes its time.
                for value in JUNK[field == "max_tokens" :]:
                    check(client.request(method, url, json={**sound.get(name, {}), field: value}))
            for _ in range(10 if name in FIELDS else 0):
                body = {field: random_source.choice(JUNK) for field in FIELDS[name]}
                check(client.request(method, url, content=json.dumps(body)))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods_that_do_not_belong(emulator: Running, base: str, method: str) -> None:
    known = {(m, u.partition("?")[0]) for m, u, _ in urls(base)}
    with emulator.http() as data, emulator.arm_http() as arm:
        for _, url, _ in urls(base):
            if (method, url.partition("?")[0]) in known:
                continue
            client = arm if url.startswith("/subscriptions") else data
            answer = client.request(method, url)
            check(answer)
            assert answer.status_code in (400, 404, 405), (method, url)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"no boundary in here"),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data\r\n\r\n1\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="file"\r\n\r\n1\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n\xff\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=x; charset=none", b'--x\r\n: form-data; name="\xff"\r\n'),
        ("text/plain; charset=nonsense", b"x"),
    ],
)
def test_forms_that_are_none(emulator: Running, content_type: str, body: bytes) -> None:
    with emulator.http() as client:
        for url in ("/openai/v1/files", f"/openai/files?{DATED}"):
            answer = client.post(url, content=body, headers={"content-type": content_type})
            check(answer)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidPayload")


@pytest.mark.parametrize("purpose", ["", "fine-tune-results", "fun", "vision"])
def test_purposes_that_nobody_may_upload_for(emulator: Running, purpose: str) -> None:
    with emulator.http() as client:
        form = {"files": {"file": ("t.jsonl", dataset())}, "data": {"purpose": purpose}}
        answer = client.post("/openai/v1/files", **form)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidPayload")


@pytest.mark.parametrize(
    ("query", "status"),
    [("limit=0", 400), ("limit=x", 400), ("limit=9" * 30, 400), ("after=x", 200)],
)
def test_pages_that_do_not_exist(emulator: Running, query: str, status: int) -> None:
    with emulator.http() as client:
        answer = client.get(f"/openai/v1/fine_tuning/jobs?{query}")
    check(answer)
    assert answer.status_code == status


def test_names_that_could_lead_out_of_the_folder(emulator: Running) -> None:
    with emulator.http() as client:
        for name in ("..%2f..%2femulator.sqlite3", "%00", "a%2fb", "..", "%ff", "x" * 3000):
            for tail in ("", "/content"):
                answer = client.get(f"/openai/v1/files/{name}{tail}")
                check(answer)
                assert answer.status_code == 404


def test_controls_refuse_nonsense_too(emulator: Running) -> None:
    with httpx.Client(base_url=f"{emulator.url}/_emulator") as client:
        for path, method in (("clock", "POST"), ("faults", "POST"), ("settings", "PATCH")):
            for raw in RAW:
                answer = client.request(method, f"/{path}", content=raw)
                assert answer.status_code == 400, (path, raw[:20])
        assert client.get("/journal?after=x").status_code == 400
        assert client.delete("/faults/none").status_code == 404
