"""Ways for a dataset to get in: import from a URL, uploads in parts; and when it goes again."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import openai
import pytest
from azure.storage.blob import BlobClient, BlobSasPermissions, ContainerClient, generate_blob_sas
from openai import AzureOpenAI, OpenAI

from local import storage as storage_emulator
from tests.host.conftest import storage as storage

from .harness import BASE_MODEL, KEY, Running, dataset, finished

PART = b"0123456789" * 100


class Handler(BaseHTTPRequestHandler):
    """A door that leads elsewhere."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "file:///etc/hostname")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the output belongs to the tests."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def blob(storage: str) -> BlobClient:
    """A dataset in a private container of a real Azurite."""
    with ContainerClient.from_connection_string(storage, "imports") as container:
        container.create_container()
        return container.upload_blob("train.jsonl", dataset())


def with_sas(blob: BlobClient, minutes: int) -> str:
    sas = generate_blob_sas(
        str(blob.account_name),
        blob.container_name,
        str(blob.blob_name),
        account_key=storage_emulator.KEY,
        permission=BlobSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(minutes=minutes),
    )
    return f"{blob.url}?{sas}"


def import_file(client: OpenAI, url: str) -> dict[str, Any]:
    """The file once the service is done with it. The SDK has no method for this (S-OAI)."""
    body = {"purpose": "fine-tune", "filename": "train.jsonl", "content_url": url}
    made: Any = client.post("/files/import", body=body, cast_to=object)
    assert (made["status"], made["object"]) == ("pending", "file")
    return client.files.wait_for_processing(
        made["id"], poll_interval=0.1, max_wait_seconds=300
    ).to_dict()


def test_import_really_fetches(v1: OpenAI, blob: BlobClient) -> None:
    file = import_file(v1, with_sas(blob, minutes=5))
    assert (file["status"], file["bytes"]) == ("processed", len(dataset()))
    assert v1.files.content(str(file["id"])).content == dataset()
    job = v1.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=str(file["id"]), hyperparameters={"n_epochs": 1}
    )
    assert finished(v1, job.id).status == "succeeded"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}/x"


def test_an_import_that_fails_says_so_in_the_file(
    v1: OpenAI, blob: BlobClient, elsewhere: str
) -> None:
    expired = with_sas(blob, minutes=-5)
    for url in (expired, blob.url, f"{blob.url}x?sig=wrong", closed_port(), elsewhere):
        file = import_file(v1, url)
        assert file["status"] == "error"
        assert str(file["status_details"]).startswith("fileImportFailed: ")
        assert "sig" not in str(file["status_details"])
        with pytest.raises(openai.NotFoundError):
            v1.files.content(str(file["id"]))


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://h/x", "http://", "x", None, 1])
def test_import_takes_http_only(emulator: Running, url: Any) -> None:
    body = {"purpose": "fine-tune", "filename": "t.jsonl", "content_url": url}
    with emulator.http() as client:
        answer = client.post("/openai/v1/files/import", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalidPayload")


def test_the_dated_import_answers_201(emulator: Running, elsewhere: str) -> None:
    body = {"purpose": "fine-tune", "filename": "t.jsonl", "content_url": elsewhere}
    path = "/openai/files/import?api-version=2025-04-01-preview"
    with emulator.http() as client:
        answer = client.post(path, json=body)
        file_id = answer.json()["id"]
        expected = f"{emulator.url}/openai/files/{file_id}?api-version=2025-04-01-preview"
        assert (answer.status_code, answer.headers["location"]) == (201, expected)


def test_an_upload_in_parts(dated: AzureOpenAI) -> None:
    upload = dated.uploads.create(
        bytes=len(PART) * 2, filename="big.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    parts = [dated.uploads.parts.create(upload.id, data=PART).id for _ in range(2)]
    with pytest.raises(openai.BadRequestError, match="bytes"):
        dated.uploads.complete(upload.id, part_ids=parts[:1])
    md5 = hashlib.md5(PART * 2, usedforsecurity=False).hexdigest()
    with pytest.raises(openai.BadRequestError, match="md5"):
        dated.uploads.complete(upload.id, part_ids=parts, md5="0" * 32)
    done = dated.uploads.complete(upload.id, part_ids=parts, md5=md5)
    assert done.status == "completed" and done.file
    assert dated.files.content(done.file.id).content == PART * 2
    with pytest.raises(openai.BadRequestError, match="completed"):
        dated.uploads.cancel(upload.id)


def test_an_upload_expires_and_can_be_cancelled(emulator: Running, dated: AzureOpenAI) -> None:
    options: Any = {"bytes": 9, "filename": "f", "mime_type": "m", "purpose": "fine-tune"}
    upload = dated.uploads.create(**options)
    assert upload.expires_at - upload.created_at == 2 * 3600
    emulator.advance(2 * 3600)
    with pytest.raises(openai.BadRequestError, match="expired"):
        dated.uploads.parts.create(upload.id, data=b"x")
    assert dated.uploads.cancel(dated.uploads.create(**options).id).status == "cancelled"


def test_v1_has_no_uploads(v1: OpenAI) -> None:
    """S-SKILL large-file-uploads."""
    with pytest.raises(openai.NotFoundError):
        v1.uploads.create(bytes=1, filename="f", mime_type="m", purpose="fine-tune")


def test_a_file_can_be_given_an_end(emulator: Running, v1: OpenAI) -> None:
    file = v1.files.create(
        file=("t.jsonl", dataset()),
        purpose="fine-tune",
        expires_after={"anchor": "created_at", "seconds": 1_209_600},
    )
    assert file.expires_at == file.created_at + 1_209_600
    emulator.advance(1_209_601)
    with pytest.raises(openai.NotFoundError):
        v1.files.retrieve(file.id)
    assert emulator.effects("file", file.id) == ["created", "deleted"]
    with pytest.raises(openai.BadRequestError, match="expires_after"):
        v1.files.create(
            file=("t.jsonl", dataset()),
            purpose="fine-tune",
            expires_after={"anchor": "created_at", "seconds": 60},
        )


def test_too_large_a_file_is_refused_before_it_is_read(emulator: Running) -> None:
    headers = {
        "api-key": KEY,
        "content-type": "multipart/form-data; boundary=x",
        "content-length": str(600 * 10**6),
    }
    address = httpx.URL(emulator.url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as connection:
        lines = ["POST /openai/v1/files HTTP/1.1", "host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b"413" in connection.recv(4096).split(b"\r\n")[0]
