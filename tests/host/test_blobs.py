"""From a blob to its function: events, queue, retries, poison."""

import json
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import (
    QueueClient,
    QueueMessage,
    TextBase64DecodePolicy,
    TextBase64EncodePolicy,
)

from local.storage import free_ports
from tests.host.conftest import Host, eventually, watch


@pytest.mark.contract("blob-event", "blob-sdk-type")
def test_a_new_blob_calls_its_function(
    host: Host, container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    watchers = [watch(tmp_path, container, host.url, name, storage) for name in ("dropped", "read")]
    seen = partial(host.journal, about=container)
    try:
        name = "a model/træning 1.jsonl"
        blobs.get_blob_client(container, name).upload_blob(b"one")
        path = f"{container}/{name}"
        client_saw = eventually(lambda: seen("blob"), "the function on the loop")
        assert client_saw == [{"blob": path, "content": "one"}]
        thread_saw = eventually(lambda: seen("name"), "the function in a thread")
        assert thread_saw == [{"name": path, "by": "read", "size": 3}]

        blobs.get_blob_client(container, name).upload_blob(b"two", overwrite=True)
        eventually(lambda: len(seen("blob")) == 2, "the overwritten blob is a new event")
        assert seen("blob")[1]["content"] == "two"
        assert f"New blob detected(EventGrid): {path}" in host.text
    finally:
        assert [watcher.stop() for watcher in watchers] == [0, 0]


@pytest.mark.contract("blob-five-attempts")
def test_five_failures_end_in_the_poison_queue(
    host: Host, container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    blob = blobs.get_blob_client(container, "bad.jsonl")
    blob.upload_blob(b"bad")
    poison = QueueClient.from_connection_string(
        storage, "webjobs-blobtrigger-poison", message_decode_policy=TextBase64DecodePolicy()
    )
    watcher = watch(tmp_path, container, host.url, "refuses", storage)
    try:
        eventually(lambda: "Moving message to queue" in host.text, "the host gives up")
        with poison:
            (message,) = eventually(lambda: received(poison), "a poison message")
    finally:
        watcher.stop()
    assert json.loads(message.content) == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.refuses",
        "BlobType": "BlockBlob",
        "ContainerName": container,
        "BlobName": "bad.jsonl",
        "ETag": f'"{blob.get_blob_properties().etag.strip(chr(34))}"',
    }
    assert len(host.journal("refused")) == 5


@pytest.mark.contract("blob-last-attempt-died")
def test_an_event_whose_last_attempt_died_with_its_host_is_not_tried_again(
    container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    """A function that ends its process each time would otherwise be called for ever."""
    blob = blobs.get_blob_client(container, "deadly.jsonl")
    blob.upload_blob(b"deadly")
    content = {"FunctionId": "Host.Functions.dropped", "ContainerName": container}
    with QueueClient.from_connection_string(
        storage,
        "azure-webjobs-blobtrigger-deadly",
        message_encode_policy=TextBase64EncodePolicy(),
        message_decode_policy=TextBase64DecodePolicy(),
    ) as queue:
        queue.create_queue()
        queue.send_message(json.dumps({**content, "BlobName": "deadly.jsonl"}))
        for _ in range(5):  # as five hosts that were killed
            (message,) = queue.receive_messages()
            queue.update_message(message, visibility_timeout=0)
        with Host(tmp_path, "streaming", storage, AzureFunctionsWebHost__hostid="deadly") as host:
            assert host.url
            eventually(lambda: "Moving message to queue" in host.text, "the host gives up")
            eventually(lambda: not queue.peek_messages(), "the message leaves the queue")
            assert not host.journal("blob")


def received(queue: QueueClient) -> list[QueueMessage]:
    """Its messages; none while the queue itself is still to be made."""
    with suppress(ResourceNotFoundError):
        return list(queue.receive_messages())
    return []


@pytest.mark.contract("blob-event-again")
def test_an_event_that_nobody_took_is_delivered_after_a_restart(
    container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    port = free_ports().blob
    url = f"http://127.0.0.1:{port}"
    blobs.get_blob_client(container, "early.jsonl").upload_blob(b"early")
    watcher = watch(tmp_path, container, url, "dropped", storage)
    eventually(lambda: "does not confirm yet" in watcher.text, "nobody listens")
    assert watcher.stop() == 0

    host = Host(tmp_path, "streaming", storage, port=port)
    try:
        watcher = watch(tmp_path, container, url, "dropped", storage)
        eventually(lambda: host.journal("blob"), "the early blob")
        eventually(lambda: "Delivered early.jsonl" in watcher.text, "its acknowledgement")
        watcher.stop()

        # And what was delivered stays delivered.
        watcher = watch(tmp_path, container, url, "dropped", storage)
        blobs.get_blob_client(container, "late.jsonl").upload_blob(b"late")
        eventually(lambda: len(host.journal("blob")) > 1, "the late blob")
        watcher.stop()
    finally:
        host.stop()
    assert [entry["content"] for entry in host.journal("blob")] == ["early", "late"]


@pytest.mark.contract("blob-event-handshake")
def test_the_webhook_speaks_event_grids_protocols(
    host: Host, container: str, blobs: BlobServiceClient
) -> None:
    hook = f"{host.url}/runtime/webhooks/blobs?functionName=Host.Functions.dropped"
    handshake = [{"data": {"validationCode": "c0de"}}]
    answer = httpx.post(hook, json=handshake, headers={"aeg-event-type": "SubscriptionValidation"})
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "c0de"})

    blob = blobs.get_blob_client(container, "cloud.jsonl")
    blob.upload_blob(b"cloud event")
    event = {"specversion": "1.0", "type": "Microsoft.Storage.BlobCreated"}
    event_with_data = {**event, "data": {"url": blob.url, "eTag": "0x1", "blobType": "BlockBlob"}}
    note = {"aeg-event-type": "Notification"}
    assert httpx.post(hook, json=event_with_data, headers=note).status_code == 202
    eventually(lambda: "cloud event" in str(host.journal("blob")), "a single CloudEvent")

    assert httpx.post(hook, headers={"aeg-event-type": "Unsubscribe"}).status_code == 202
    assert httpx.post(hook, json=event).status_code == 400
    assert httpx.post(hook, content=b"{", headers=note).status_code == 400


@pytest.mark.contract("admin-run")
def test_admin_runs_a_blob_function_by_hand(
    host: Host, container: str, blobs: BlobServiceClient
) -> None:
    blobs.get_blob_client(container, "again.jsonl").upload_blob(b"once more")
    url = f"{host.url}/admin/functions/dropped"
    answer = httpx.post(url, json={"input": f"{container}/again.jsonl"})
    assert answer.status_code == 202
    eventually(lambda: "once more" in str(host.journal("blob")), "the function")
    assert httpx.post(url, json={}).status_code == 400
    assert httpx.post(f"{host.url}/admin/functions/none", json={"input": ""}).status_code == 404
