"""HTTP functions, as a client sees them."""

import http.client
from pathlib import Path

import httpx
import pytest

from tests.host.conftest import Host, eventually


@pytest.mark.contract(
    "route-prefix", "route-parameters", "route-order", "route-methods", "home-page"
)
def test_routes(host: Host) -> None:
    with httpx.Client(base_url=host.url) as client:
        answer = client.get("/api/things/7")
        assert (answer.status_code, answer.json()) == (200, {"id": "7", "function": "thing"})
        assert client.get("/API/Things/newest").json() == {"newest": True}
        assert client.get("/api/things/7/8").status_code == 404
        stored = client.put("/api/files/a/b%2Fc/d%20e.txt")
        assert (stored.status_code, stored.text) == (201, "a/b%2Fc/d e.txt")
        assert client.post("/api/things/7").status_code == 404, "a wrong method is not 405"
        assert client.get("/things/7").status_code == 404
        assert client.get("/").status_code == 200


@pytest.mark.contract("function-fails")
def test_a_failing_function_is_logged_with_its_name_and_traceback(host: Host) -> None:
    answer = httpx.get(f"{host.url}/api/fails")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    eventually(lambda: "ValueError: on purpose" in host.text, "the traceback")
    assert "Executed 'Functions.fails' (Failed, Id=" in host.text


@pytest.mark.contract("body-limit")
def test_a_body_above_the_limit_is_refused_unread(host: Host) -> None:
    connection = http.client.HTTPConnection(host.url.removeprefix("http://"), timeout=120)
    connection.putrequest("PUT", "/api/files/x")
    connection.putheader("content-length", "104857601")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.contract("streams", "client-leaves")
async def test_chunks_arrive_as_they_are_made_and_a_disconnect_ends_the_stream(host: Host) -> None:
    async with (
        httpx.AsyncClient(base_url=host.url, timeout=120) as client,
        client.stream("GET", "/api/stream") as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        chunks = response.aiter_bytes()
        assert await anext(chunks) == b"data: one\n\n"
        # Only now is the function allowed to make the second one.
        assert (await client.post("/api/stream/go-on")).status_code == 200
        assert await anext(chunks) == b"data: two\n\n"
    eventually(lambda: host.journal("stream"), "the stream's generator is closed")


@pytest.mark.contract("stop-drains")
def test_an_open_stream_does_not_hold_up_the_stop(storage: str, tmp_path: Path) -> None:
    host = Host(tmp_path, "streaming", storage)
    with (
        httpx.Client(timeout=120) as client,
        client.stream("GET", f"{host.url}/api/stream") as open_,
    ):
        assert next(open_.iter_bytes()) == b"data: one\n\n"
        assert host.stop() == 0
    assert host.journal("stream") == [{"stream": "closed"}]
    assert "Traceback" not in host.text


@pytest.mark.contract("storage-away")
def test_http_works_while_storage_does_not(tmp_path: Path) -> None:
    nowhere = (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9uZQ==;"
        "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a"
    )
    host = Host(tmp_path, "streaming", nowhere)
    try:
        assert httpx.get(f"{host.url}/api/things/1").status_code == 200
        eventually(lambda: "Cannot reach the storage" in host.text, "the message")
        assert "Traceback" not in host.text
    finally:
        assert host.stop() == 0
