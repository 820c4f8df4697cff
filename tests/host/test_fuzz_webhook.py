"""Whatever is posted to the event webhook and to /admin is refused with a reason, or taken."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ServiceRequestError
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from local.host import webhook
from tests.host.conftest import Host
from tests.support.fuzz import fuzz
from tests.support.strangers import ask

QUEUE_LIMIT = 48 * 1024  # bytes of a message, whose 64 KB are in base64
URL = "http://127.0.0.1:10000/devstoreaccount1/datasets/a/train.jsonl"
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
URLS = st.text() | st.from_regex(r"https?://[\[\]:.@%/?#a-z0-9]*", fullmatch=True) | st.just(URL)
DATA = st.fixed_dictionaries({}, optional={"url": URLS | ANY, "eTag": ANY, "validationCode": ANY})
EVENT = st.fixed_dictionaries({"data": DATA | DATA.map(json.dumps) | ANY})
BODY = (st.lists(EVENT, max_size=3) | EVENT | ANY).map(json.dumps).map(str.encode)


def receive(body: bytes, kind: str, name: str) -> tuple[int, list[dict[str, str]]]:
    """The status of the answer, and what was put into the queue."""
    queued: list[dict[str, str]] = []

    async def enqueue(message: dict[str, str]) -> None:
        queued.append(message)

    async def chunk() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"aeg-event-type", kind.encode())]
    query = str(httpx.QueryParams({"functionName": name})).encode()
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    request = Request({**scope, "query_string": query}, chunk)
    return asyncio.run(webhook.receive(request, enqueue)).status_code, queued


def test_more_than_event_grid_sends_is_refused_and_what_it_sends_is_not() -> None:
    event = json.dumps([{"data": {"url": URL, "eTag": "1"}}]).encode()
    largest = event + b" " * (2**20 - len(event))
    assert receive(largest, "Notification", "f")[0] == 202
    assert receive(largest + b" ", "Notification", "f") == (400, [])


@pytest.mark.contract("blob-event-again")
def test_an_event_that_cannot_be_queued_is_delivered_again() -> None:
    """Event Grid tries again after a 5xx, and after nothing else."""

    async def enqueue(message: dict[str, str]) -> None:
        raise ServiceRequestError("the queue does not answer")

    async def chunk() -> Message:
        body = json.dumps([{"data": {"url": URL, "eTag": "1"}}]).encode()
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"aeg-event-type", b"Notification")]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    request = Request({**scope, "query_string": b"functionName=f"}, chunk)
    assert asyncio.run(webhook.receive(request, enqueue)).status_code == 500


@fuzz
@given(
    body=BODY | st.binary(max_size=200),
    kind=st.sampled_from(["Notification", "SubscriptionValidation", "Unsubscribe", "", "x"]),
    name=st.text(max_size=20),
)
@example(body=b"[" * 200_000, kind="Notification", name="f")
@example(body=b"[" * 200_000, kind="SubscriptionValidation", name="f")
@example(body=json.dumps([{"data": "[" * 100_000}]).encode(), kind="Notification", name="f")
@example(body=b'[{"data": {"url": "http://[::1/x"}}]', kind="Notification", name="f")
@example(body=b'[{"data": {"url": "http://h/c/\\ud800"}}]', kind="Notification", name="f")
@example(
    body=b'[{"data": {"url": "http://h/c/%s"}}]' % (b"x" * 70_000), kind="Notification", name="f"
)
@example(body=json.dumps([{"data": {"url": URL}}]).encode(), kind="Notification", name="f" * 70_000)
@example(body=b" " * (2**20 + 1), kind="Notification", name="f")
@example(body=b"1" * 10_000, kind="Notification", name="f")
def test_any_event_is_taken_or_refused(body: bytes, kind: str, name: str) -> None:
    status, queued = receive(body, kind, name)
    assert status in (200, 202, 400)
    for message in queued:
        assert message["ContainerName"] and message["BlobName"]
        assert len(json.dumps(message).encode()) < QUEUE_LIMIT
        message["BlobName"].encode()


def test_a_sound_event_among_these_would_be_taken() -> None:
    body = json.dumps([{"data": {"url": URL, "eTag": "0x1"}}]).encode()
    status, (message,) = receive(body, "Notification", "f")
    assert (status, message["ContainerName"], message["BlobName"]) == (
        202,
        "datasets",
        "a/train.jsonl",
    )


def test_the_address_in_a_handshake_is_never_called(host: Host) -> None:
    """Event Grid offers one for handshakes by hand; an attacker offers one of our network."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        event = [{"data": {"validationCode": "c0de", "validationUrl": address}}]
        kind = {"aeg-event-type": "SubscriptionValidation"}
        answer = httpx.post(f"{host.url}/runtime/webhooks/blobs", json=event, headers=kind)
        assert answer.json() == {"validationResponse": "c0de"}
        with pytest.raises(TimeoutError):
            listener.accept()


HOSTILE = [b"", b"[" * 200_000, b'{"input": %s}' % (b"[" * 100_000), b"\xff", b"1" * 10_000]
HOSTILE += [
    b" " * (2**20 + 1),
    b"null",
    b'{"input": 1}',
    b'{"input": "a/\\ud800"}',
    b'{"input": "/"}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body[:30]))
def test_admin_refuses_what_is_no_order(host: Host, body: bytes) -> None:
    answer = httpx.post(f"{host.url}/admin/functions/dropped", content=body)
    assert answer.status_code == 400
    assert answer.text and len(answer.text) < 200


def test_a_request_that_is_too_large_is_refused_before_the_app_sees_it(host: Host) -> None:
    long = "x" * 1_000_000
    for path in (f"/api/things/{long}", f"/api/things/7?q={long}"):
        assert refused(host, path)
    assert refused(host, "/api/things/7", **{"x-long": long})
    assert ask(host.url, "GET", "/api/things/7", {})[0] == 200


def refused(host: Host, path: str, **headers: str) -> bool:
    """By an answer or, while the request is still being sent, by closing the connection."""
    try:
        return ask(host.url, "GET", path, headers)[0] == 400
    except ConnectionError:
        return True
