"""The host ends when it is told to, whatever its functions, clients and storage do."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient, QueueMessage, TextBase64DecodePolicy

from tests.host.conftest import Host, eventually

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")

# The host promises 2 seconds. The rest is for a machine that has other things to do meanwhile.
PROMISED, ALLOWED = 2.0, 4.0
SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
]


def ends(host: Host, number: int = signal.SIGTERM) -> int:
    """The exit code."""
    sent = time.monotonic()
    host.process.send_signal(number)
    code = host.process.wait(30)
    took = time.monotonic() - sent
    assert took < ALLOWED, f"{took:.1f} s, and {PROMISED} are promised: {host.text}"
    return code


def running(host: Host) -> None:
    assert host.url
    eventually(lambda: host.journal("running"), "the timer's function runs")


@pytest.mark.contract("stop-drains")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_with_a_stream_open_and_a_timer_running(
    storage: str, tmp_path: Path, number: int
) -> None:
    with (
        Host(tmp_path, "stubborn", storage, STUBBORN="waits") as host,
        httpx.Client(timeout=120) as client,
    ):
        running(host)  # HTTP is served meanwhile
        with client.stream("GET", f"{host.url}/api/stream") as response:
            assert next(response.iter_bytes()) == b"data: one\n\n"
            assert ends(host, number) == 0
    assert host.journal("stream") == [{"stream": "closed"}]
    assert host.journal("exit") == [{"exit": "called"}], "an app may send its last telemetry"
    assert "Cancelled: the host stops." in host.text
    assert "Host stopped." in host.text
    assert "Traceback" not in host.text


@pytest.mark.parametrize("kind", ["thread", "loop", "cancelled", "sync"])
def test_a_function_that_does_not_return_cannot_keep_it(
    storage: str, tmp_path: Path, kind: str
) -> None:
    with Host(tmp_path, "stubborn", storage, STUBBORN=kind) as host:
        running(host)
        assert ends(host) == (0 if kind == "sync" else 1)
    # The line in which it hung is printed, so that its author finds it.
    assert kind == "sync" or "most recent call first" in host.text


def test_further_signals_set_no_new_deadline(storage: str, tmp_path: Path) -> None:
    with Host(tmp_path, "stubborn", storage, STUBBORN="loop") as host:
        running(host)
        repeats = [
            threading.Timer(seconds, host.process.send_signal, (signal.SIGTERM,))
            for seconds in range(1, 6)
        ]
        for repeat in repeats:
            repeat.start()
        assert ends(host) == 1
        for repeat in repeats:
            repeat.cancel()


def test_a_hangup_under_nohup_changes_nothing(storage: str, tmp_path: Path) -> None:
    with Host(tmp_path, "streaming", storage, launcher=("nohup",)) as host:
        assert host.url
        host.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(host.journal("tick")) > 1, "its timer goes on")
        assert httpx.get(f"{host.url}/api/things/1").status_code == 200
        assert ends(host) == 0
    assert host.text.count("Stopping the host") == 1


def test_it_ends_when_its_terminal_is_closed(storage: str, tmp_path: Path) -> None:
    """Nobody reads its log any more when the signal comes."""
    reader, writer = os.pipe()
    with Host(tmp_path, "streaming", storage, output=writer) as host:
        os.close(writer)
        with os.fdopen(reader) as lines:
            assert any("Host started" in line for line in lines)
        assert host.process.poll() is None
        assert ends(host, signal.SIGHUP) == 0


@contextlib.contextmanager
def silent_storage() -> Iterator[str]:
    """A connection string to a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        yield (
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9uZQ==;"
            f"BlobEndpoint={url};QueueEndpoint={url}"
        )


def test_storage_that_does_not_answer_cannot_keep_it(tmp_path: Path) -> None:
    with silent_storage() as nowhere, Host(tmp_path, "streaming", nowhere) as host:
        assert httpx.get(f"{host.url}/api/things/1").status_code == 200
        assert ends(host) == 0


@pytest.mark.contract("stop-keeps-events")
def test_a_blob_event_in_progress_is_there_for_the_next_host_at_once(
    storage: str, blobs: BlobServiceClient, container: str, tmp_path: Path
) -> None:
    with Host(tmp_path, "stubborn", storage, STUBBORN="waits") as host:
        blob = blobs.get_blob_client(container, "in-progress.jsonl")
        blob.upload_blob(b"one")
        event = {"data": {"url": blob.url, "eTag": "0x1", "blobType": "BlockBlob"}}
        hook = f"{host.url}/runtime/webhooks/blobs?functionName=Host.Functions.dropped"
        note = {"aeg-event-type": "Notification"}
        assert httpx.post(hook, json=event, headers=note).status_code == 202
        eventually(lambda: host.journal("name"), "the blob's function runs")
        assert ends(host) == 0
    (message,) = waiting_events(storage, host.host_id)
    assert json.loads(message.content)["BlobName"] == "in-progress.jsonl"
    assert message.dequeue_count == 2


def waiting_events(storage: str, host_id: str) -> list[QueueMessage]:
    name, decoding = f"azure-webjobs-blobtrigger-{host_id}", TextBase64DecodePolicy()
    client = QueueClient.from_connection_string(storage, name, message_decode_policy=decoding)
    with client as queue:
        return list(queue.receive_messages())


def test_its_port_is_free_again_at_once(storage: str, tmp_path: Path) -> None:
    with Host(tmp_path, "stubborn", storage, STUBBORN="thread") as host:
        port = int(host.url.rpartition(":")[2])
        running(host)
        ends(host)
    with Host(tmp_path, "stubborn", storage, port=port, STUBBORN="waits") as again:
        assert again.url.endswith(f":{port}")
