"""Keys at each level, as the real host asks for them; and that it asks unless told otherwise."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from local.host.keys import FunctionKeys
from tests.host.conftest import APPS, Host, check

KEYS = {
    "FUNCTIONS_MASTER_KEY": "open sesame",
    "FUNCTIONS_HOST_KEY": "for functions",
    "FUNCTIONS_SYSTEM_KEY": "for events",
}
HANDSHAKE = [{"data": {"validationCode": "c0de"}}]
EVENTS = {"aeg-event-type": "SubscriptionValidation"}
HOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.dropped"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The streaming app behind keys; what it needs of storage is not there."""
    nowhere = (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9uZQ==;"
        "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a"
    )
    host = Host(tmp_path_factory.mktemp("guarded"), "streaming", nowhere, **KEYS)  # type: ignore[arg-type]
    try:
        assert host.url
        yield host
    finally:
        host.stop()


@pytest.mark.contract("keys-of-functions")
@pytest.mark.parametrize(
    ("key", "status"),
    [
        (None, 401),
        ("", 401),
        ("wrong", 401),
        ("for function", 401),
        ("for events", 401),
        ("for functions", 200),
        ("open sesame", 200),
    ],
)
def test_a_function_takes_its_key_and_the_masters(
    guarded: Host, key: str | None, status: int
) -> None:
    headers = {} if key is None else {"x-functions-key": key}
    assert httpx.get(f"{guarded.url}/api/locked", headers=headers).status_code == status
    assert httpx.get(f"{guarded.url}/api/things/7", headers=headers).status_code == 200, "anonymous"


@pytest.mark.contract("keys-of-admin")
def test_the_hosts_own_endpoints_take_the_masters_key_alone(guarded: Host) -> None:
    for key, status in (("wrong", 401), ("for functions", 401), ("open sesame", 200)):
        for path in ("/admin/functions", "/admin/host/status"):
            answer = httpx.get(f"{guarded.url}{path}", headers={"x-functions-key": key})
            assert answer.status_code == status, (path, key)
    assert httpx.get(f"{guarded.url}/admin/host/ping").status_code == 200, "a probe has no key"


@pytest.mark.contract("keys-of-webhooks")
def test_the_webhook_takes_the_systems_key_and_the_masters(guarded: Host) -> None:
    for key, status in (("for functions", 401), ("for events", 200), ("open sesame", 200)):
        answer = httpx.post(f"{guarded.url}{HOOK}&code={key}", json=HANDSHAKE, headers=EVENTS)
        assert answer.status_code == status, key


@pytest.mark.contract("keys-in-header-or-query")
def test_the_header_counts_before_the_query(guarded: Host) -> None:
    url = f"{guarded.url}/api/locked?code=for%20functions"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"x-functions-key": "wrong"}).status_code == 401


@pytest.mark.contract("keys-on")
def test_it_asks_for_keys_unless_it_is_told_otherwise() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that it cannot start in any case
        port = str(taken.getsockname()[1])
        done = check(APPS / "streaming", "--port", port, FUNCTIONS_MASTER_KEY="")
    assert done.returncode == 1
    assert "set FUNCTIONS_MASTER_KEY" in done.stderr
    assert "--no-auth" in done.stderr


def test_a_level_without_a_key_is_opened_by_no_empty_one() -> None:
    """The master's key opens it all the same."""
    keys = FunctionKeys({"admin": "master", "function": "", "system": ""})
    for given, allowed in ((b"", False), (b"master", True)):
        scope = {"type": "http", "headers": [(b"x-functions-key", given)], "query_string": b""}
        assert keys.allow(scope, "function") is allowed


@pytest.mark.contract("keys-of-core-tools")
def test_without_keys_everything_is_open_as_under_core_tools() -> None:
    scope = {"type": "http", "headers": [], "query_string": b""}
    assert all(FunctionKeys(None).allow(scope, level) for level in ("function", "admin", "system"))
