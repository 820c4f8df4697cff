"""`tunedrop login --entra`: people sign in without a key."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.over_http import served
from tests.tool.conftest import MemoryKeyring

REFUSED = "api://refused"


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Entra, as it is asked in a service of Azure; the resources that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (resource,) = parse_qs(urlsplit(self.path).query)["resource"]
            asked.append(resource)
            if resource == REFUSED:
                self.send_error(400)
                return
            token = {"access_token": f"token-for-{resource}", "expires_on": str(2**32)}
            body = json.dumps({**token, "resource": resource, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "local")
        yield asked
        server.shutdown()


async def test_a_person_signs_in_without_a_key(
    machine: Path, ring: MemoryKeyring, identity: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = "api://00000000-0000-0000-0000-000000000001"
    people = {f"token-for-{resource}": "ada"}
    async with served(monkeypatch, people=people, TUNEDROP_OPERATORS="ada") as app:
        await app.tool("login", app.url, typed="reader\n")
        done = await app.tool("login", app.url, "--entra", resource)
        assert done.exit_code == 0, done.output
        assert "as ada, role operator" in done.output
        assert "No key is kept" in done.output
        assert not ring.held, "the key of before is forgotten"
        identity.clear()
        assert (await app.tool("events", "nobody")).exit_code == 2
        assert identity == [resource], "one token for a command"
        stranger = await app.tool("login", app.url, "--profile", "x", "--entra", "api://another")
        assert (stranger.exit_code, "wants a key" in stranger.output) == (3, False)
    assert "token-for" not in kept_in(machine / "config")


def kept_in(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.is_file())


async def test_whoever_gets_no_token_is_told_how_to_find_out_why(
    machine: Path, ring: MemoryKeyring, identity: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    async with served(monkeypatch) as app:
        done = await app.tool("login", app.url, "--entra", REFUSED)
    assert done.exit_code == 3
    assert f"Entra gives no token for {REFUSED}. Sign in with `az login`" in done.output
    assert not kept_in(machine)
