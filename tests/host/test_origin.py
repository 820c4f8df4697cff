"""A page in the developer's browser orders nothing from the host and reads nothing of it."""

from pathlib import Path

import pytest

from local.host.origin import Hosts, refusal
from tests.host.conftest import Host
from tests.support.strangers import (
    FOREIGN_PAGES,
    LINK,
    OWN_PAGES,
    REFUSED_HOSTS,
    TAKEN_HOSTS,
    Headers,
    ask,
)

PLACES = [
    ("GET", "/api/things/7"),
    ("PUT", "/api/files/a"),
    ("OPTIONS", "/api/things/7"),
    ("GET", "/admin/functions"),
    ("POST", "/admin/functions/dropped"),
    ("POST", "/runtime/webhooks/blobs?functionName=Host.Functions.dropped"),
    ("GET", "/"),
]


@pytest.mark.parametrize("name", REFUSED_HOSTS)
def test_a_name_that_leads_here_is_refused(host: Host, name: str) -> None:
    for method, path in PLACES:
        status, said = ask(host.url, method, path, {}, name)
        assert status in (400, 403), (method, path)
        assert len(said) < 400 and "Traceback" not in said
    assert "evil" not in host.text


@pytest.mark.parametrize("page", FOREIGN_PAGES, ids=str)
def test_a_page_of_another_site_is_refused(host: Host, page: Headers) -> None:
    for method, path in PLACES:
        assert ask(host.url, method, path, page)[0] == 403, (method, path)


def test_the_refusal_says_what_to_do(host: Host) -> None:
    _, said = ask(host.url, "GET", "/api/things/7", {}, "evil.example")
    assert "'evil.example'" in said and "--allow-host" in said and "127.0.0.1" in said
    _, said = ask(host.url, "POST", "/api/things/7", {"Origin": "http://evil.example"})
    assert "'http://evil.example'" in said


@pytest.mark.parametrize("name", [*TAKEN_HOSTS, None])
def test_names_of_this_machine_are_taken(host: Host, name: str | None) -> None:
    assert ask(host.url, "GET", "/api/things/7", {}, name)[0] == 200


@pytest.mark.parametrize("page", OWN_PAGES, ids=str)
def test_pages_of_the_app_itself_work(host: Host, page: Headers) -> None:
    assert ask(host.url, "GET", "/api/things/7", page)[0] == 200
    assert ask(host.url, "PUT", "/api/files/a", page)[0] == 201


def test_a_link_on_another_site_can_be_followed_and_nothing_else(host: Host) -> None:
    assert ask(host.url, "GET", "/api/things/7", LINK)[0] == 200
    assert ask(host.url, "PUT", "/api/files/a", LINK)[0] == 403


PREFLIGHT = {"Access-Control-Request-Method": "POST"}
WITH_KEYS: list[Headers] = [
    {"Authorization": "Bearer k"},
    {"api-key": "k"},
    {"x-functions-key": "k"},
]


@pytest.mark.parametrize("page", FOREIGN_PAGES, ids=str)
def test_the_app_decides_what_a_browser_asks_for_first(host: Host, page: Headers) -> None:
    """The host's own endpoints are never asked for; nor is anything under a foreign name."""
    assert ask(host.url, "OPTIONS", "/api/things/7", {**page, **PREFLIGHT})[0] == 404
    for key in WITH_KEYS:
        assert ask(host.url, "GET", "/api/things/7", {**page, **key})[0] == 200
        for method, path in PLACES:
            if not path.startswith(("/api", "/?")) and path != "/":
                assert ask(host.url, method, path, {**page, **key})[0] == 403, path
                assert ask(host.url, "OPTIONS", path, {**page, **PREFLIGHT})[0] == 403, path
        assert ask(host.url, "GET", "/api/things/7", {**page, **key}, "evil.example")[0] == 403
    for basic in ("Basic dTpw", "Bearer", ""):
        assert ask(host.url, "PUT", "/api/files/a", {**page, "Authorization": basic})[0] == 403
    assert ask(host.url, "PUT", "/api/files/a", {**page, **PREFLIGHT})[0] == 403


def test_another_name_can_be_allowed(tmp_path: Path, storage: str) -> None:
    named = ["--allow-host", "Functions", "--allow-host", "fd00::1"]
    host = Host(tmp_path, "streaming", storage, *named)
    try:
        for name in ("functions:80", "localhost", "[fd00::1]:80"):
            assert ask(host.url, "GET", "/api/things/7", {}, name)[0] == 200
            assert (
                ask(host.url, "GET", "/api/things/7", {"Origin": f"http://{name}"}, name)[0] == 200
            )
        assert ask(host.url, "GET", "/api/things/7", {}, "evil.example")[0] == 403
        assert ask(host.url, "GET", "/api/things/7", {}, "192.168.1.5")[0] == 403
    finally:
        host.stop()


def test_bound_to_every_address_it_takes_addresses_and_no_names(
    tmp_path: Path, storage: str
) -> None:
    """As in a container: the name of the container must be allowed by its name."""
    host = Host(tmp_path, "streaming", storage, "--host", "0.0.0.0")
    try:
        url = host.url.replace("0.0.0.0", "127.0.0.1")
        assert ask(url, "GET", "/api/things/7", {}, "192.168.1.5:7071")[0] == 200
        assert ask(url, "GET", "/api/things/7", {}, "evil.example")[0] == 403
        assert ask(url, "GET", "/api/things/7", {"Origin": "http://10.0.0.1"}, "10.0.0.2")[0] == 403
    finally:
        host.stop()


NAVIGATES = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("GET", [("host", "localhost:7071")], True),
        ("GET", [("host", "localhost:7071"), ("host", "evil.example")], False),
        ("GET", [("host", "evil.example"), ("host", "localhost:7071")], False),
        ("GET", [*NAVIGATES.items(), ("sec-fetch-dest", "document")], True),
        ("GET", [*NAVIGATES.items(), ("sec-fetch-dest", "iframe")], False),
        ("POST", [*NAVIGATES.items(), ("sec-fetch-dest", "document")], False),
    ],
)
def test_each_header_counts(method: str, headers: list[tuple[str, str]], passes: bool) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": method, "path": "/api/runs", "headers": raw}
    assert (refusal(scope, Hosts()) is None) is passes
