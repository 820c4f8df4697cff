"""The blob trigger that looks for blobs: what it takes, what it remembers, what it leaves."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from local.host.scan import pattern
from tests.host.conftest import Host, eventually


def seen(host: Host) -> list[tuple[str, str]]:
    return sorted((entry["blob"], entry["content"]) for entry in host.journal("blob"))


@pytest.mark.contract("blob-scan", "blob-receipts")
def test_each_blob_is_taken_once_for_each_time_it_was_written_also_by_the_next_host(
    container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    datasets = blobs.get_container_client(container)
    for name in ("captain/a.jsonl", "captain/b.jsonl", "captain/run.yaml"):
        datasets.upload_blob(name, b"one")
    names: Any = {"SCANNED": container, "AzureFunctionsWebHost__hostid": container}
    first = [("captain/a.jsonl", "one"), ("captain/b.jsonl", "one")]
    with Host(tmp_path, "scanning", storage, **names) as host:
        eventually(lambda: seen(host) == first, "both that fit the path")
        assert f"New blob detected(LogsAndContainerScan): {container}/captain/a.jsonl" in host.text
        eventually(
            lambda: len(receipts(blobs, container)) == 2 or len(seen(host)) > 2,
            "their receipts; without them, the next look finds both again",
        )
        assert host.stop() == 0
    etag = datasets.get_blob_client("captain/b.jsonl").get_blob_properties().etag.strip('"')
    kept = f'Host.Functions.found/"{etag}"/{container}/captain/b.jsonl'
    assert f"blobreceipts/{container}/{kept}" in receipts(blobs, container)

    datasets.upload_blob("captain/a.jsonl", b"two", overwrite=True)
    datasets.upload_blob("late.jsonl", b"late")
    with Host(tmp_path, "scanning", storage, **names) as host:
        again = sorted([*first, ("captain/a.jsonl", "two"), ("late.jsonl", "late")])
        eventually(lambda: seen(host) == again, "the new ones, and no other")
        assert host.stop() == 0


def receipts(blobs: BlobServiceClient, host_id: str) -> list[str]:
    hosts = blobs.get_container_client("azure-webjobs-hosts")
    return [blob.name for blob in hosts.list_blobs(name_starts_with=f"blobreceipts/{host_id}/")]


@pytest.mark.contract("blob-scan-changed", "blob-gone")
def test_what_has_changed_since_or_is_gone_is_dropped(
    container: str, storage: str, blobs: BlobServiceClient, tmp_path: Path
) -> None:
    """The one that has changed is found again by its new ETag."""
    blobs.get_container_client(container).upload_blob("changed.jsonl", b"new")
    with QueueClient.from_connection_string(
        storage,
        f"azure-webjobs-blobtrigger-{container}",
        message_encode_policy=TextBase64EncodePolicy(),
    ) as queue:
        queue.create_queue()
        for name in ("changed.jsonl", "gone.jsonl"):
            event = {"FunctionId": "Host.Functions.found", "ContainerName": container}
            queue.send_message(json.dumps({**event, "BlobName": name, "ETag": '"0x1"'}))
        names: Any = {"SCANNED": container, "AzureFunctionsWebHost__hostid": container}
        with Host(tmp_path, "scanning", storage, **names) as host:
            eventually(lambda: "gone.jsonl' is gone" in host.text, "the second is dropped")
            eventually(lambda: seen(host), "the look finds the new content")
            dropped = "changed.jsonl' has changed"
            eventually(lambda: dropped in host.text or len(seen(host)) > 1, "the first is dropped")
            assert host.stop() == 0
        assert seen(host) == [("changed.jsonl", "new")]
        assert not queue.peek_messages()


def test_a_message_for_a_function_of_another_kind_is_dropped(host: Host, storage: str) -> None:
    """The webhook takes any name: one of a timer would come back for ever."""
    with QueueClient.from_connection_string(
        storage,
        f"azure-webjobs-blobtrigger-{host.host_id}",
        message_encode_policy=TextBase64EncodePolicy(),
    ) as queue:
        with suppress(ResourceExistsError):
            queue.create_queue()
        event = {"FunctionId": "Host.Functions.yearly", "ContainerName": "c", "BlobName": "b"}
        queue.send_message(json.dumps(event))
    eventually(lambda: "'Host.Functions.yearly' is dropped: no such" in host.text, "a warning")


@pytest.mark.contract("blob-scan")
@pytest.mark.parametrize(
    ("path", "name", "fits"),
    [
        ("datasets/{name}", "captain/training_set.jsonl", True),
        ("datasets/{name}.jsonl", "a/b.jsonl", True),
        ("datasets/{name}.jsonl", "a/b.jsonl.txt", False),
        ("datasets/{name}.jsonl", "axjsonl", False),
        ("datasets/{model}/{name}.jsonl", "captain/x.jsonl", True),
        ("datasets/{model}/{name}.jsonl", "x.jsonl", False),
        ("datasets/fixed.txt", "fixed.txt", True),
        ("datasets/fixed.txt", "other.txt", False),
        ("datasets", "any\nthing", True),
    ],
)
def test_paths(path: str, name: str, fits: bool) -> None:
    assert bool(pattern(path).fullmatch(name)) is fits
