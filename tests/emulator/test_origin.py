"""A page in the developer's browser neither drives the emulator nor reads what is in it."""

from pathlib import Path

import pytest

from tests.support.strangers import (
    FOREIGN_PAGES,
    LINK,
    OWN_PAGES,
    REFUSED_HOSTS,
    TAKEN_HOSTS,
    Headers,
    ask,
)

from .harness import KEY, Running, account_path, started

IDENTITY = "/_emulator/identity?resource=https://management.azure.com"
PLACES = [
    ("POST", "/_emulator/reset"),
    ("DELETE", "/_emulator/journal"),
    ("GET", "/_emulator/state"),
    ("GET", "/_emulator/health"),
    ("GET", IDENTITY),
    ("GET", "/openai/v1/files"),
    ("POST", "/openai/v1/chat/completions"),
    ("DELETE", account_path("/deployments/x")),
    ("OPTIONS", "/openai/v1/files"),
    ("GET", "/nowhere"),
]
KEYS = {"api-key": KEY, "X-IDENTITY-HEADER": "local"}


@pytest.mark.parametrize("name", REFUSED_HOSTS)
def test_a_name_that_leads_here_is_refused(emulator: Running, name: str) -> None:
    for method, path in PLACES:
        status, said = ask(emulator.url, method, path, KEYS, name)
        assert status in (400, 403), (method, path)
        assert len(said) < 600 and "access_token" not in said


@pytest.mark.parametrize("page", FOREIGN_PAGES, ids=str)
def test_a_page_of_another_site_is_refused(emulator: Running, page: Headers) -> None:
    for method, path in PLACES:
        status, said = ask(emulator.url, method, path, {**KEYS, **page})
        assert (status, '"Forbidden"' in said) == (403, True), (method, path)


def test_what_was_refused_left_nothing(emulator: Running) -> None:
    emulator.fault("denied", operation="files.list", count=1)
    before = emulator.control("journal?limit=1")
    ask(emulator.url, "GET", "/openai/v1/files", {**KEYS, "Origin": "http://evil.example"})
    ask(emulator.url, "POST", "/_emulator/reset", {"Origin": "http://evil.example"})
    assert emulator.control("journal?limit=1") == before
    assert emulator.control("faults")["armed"][0]["struck"] == 0


@pytest.mark.parametrize("name", [*TAKEN_HOSTS, None])
def test_names_of_this_machine_are_taken(emulator: Running, name: str | None) -> None:
    assert ask(emulator.url, "GET", "/openai/v1/files", KEYS, name)[0] == 200


@pytest.mark.parametrize("page", OWN_PAGES, ids=str)
def test_the_emulators_own_page_works(emulator: Running, page: Headers) -> None:
    assert ask(emulator.url, "GET", "/_emulator", page)[0] == 200
    assert ask(emulator.url, "DELETE", "/_emulator/faults", page)[0] == 200


def test_a_link_to_its_page_can_be_followed(emulator: Running) -> None:
    assert ask(emulator.url, "GET", "/_emulator", LINK)[0] == 200
    assert ask(emulator.url, "DELETE", "/_emulator/faults", LINK)[0] == 403


def test_a_container_has_the_names_that_it_is_given(tmp_path: Path) -> None:
    options = ["--lazy", "--host", "0.0.0.0", "--allow-host", "openai"]
    with started(tmp_path, *options) as (emulator, _):
        url = emulator.url.replace("0.0.0.0", "127.0.0.1")
        for name in ("openai:8080", "localhost:8080", "172.17.0.2:8080"):
            assert ask(url, "GET", "/_emulator/state", {}, name)[0] == 200
        _, said = ask(url, "GET", "/_emulator/state", {}, "other:8080")
        assert "--allow-host" in said and "'other:8080'" in said
