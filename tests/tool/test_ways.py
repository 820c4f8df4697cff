"""By which of the app's two ways a key is taken, and that it goes nowhere else."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import function_app
from shared.errors import SettingError
from tests.support.over_http import HOST_KEY, served
from tunedrop.app import App
from tunedrop.errors import CommandError, NotReached


async def test_the_way_that_takes_a_key_is_found_once(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        for key, asked in (
            ("reader", ["manage/runs", "manage/models"]),
            (HOST_KEY, ["manage/runs", "runs", "models"]),
        ):
            app.asked.clear()
            await app.in_thread(_ask_twice, App(app.url, key))
            assert [line.removeprefix("GET ") for line in app.asked] == asked


def _ask_twice(app: App) -> None:
    app.get("api/runs?limit=1")
    app.get("api/models")


async def test_a_key_that_may_not_do_it_is_told_so_by_the_app(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        done = await app.with_key("reader", "cancel", "captain-00000000")
        assert done.exit_code == 3
        assert "readers may not do this: it needs the role operator" in done.output
        assert not any(line.startswith("POST runs/") for line in app.asked)
        checked = await app.with_key("chat", "doctor", "--app", app.url)
        assert "chats may not do this: it needs the role reader" in checked.output
        done = await app.with_key("td-nobodys", "runs")
        assert done.exit_code == 3
        assert f"does not take this key. Sign in with `tunedrop login {app.url}`" in done.output
        bare = await app.tool("runs", "--app", app.url)
        assert "wants a key" in bare.output


async def test_an_app_whose_settings_cannot_be_read_is_asked_by_the_hosts_key(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:

        def unreadable() -> None:
            raise SettingError("AZURE_OPENAI_ENDPOINT is missing.", "Set it.")

        monkeypatch.setattr(function_app, "context", unreadable)
        status, body = await app.in_thread(App(app.url, HOST_KEY).request, "api/doctor")
        assert "checks" in json.loads(body)
        status, body = await app.in_thread(App(app.url, "reader").request, "api/doctor")
        assert status == 503
        assert "AZURE_OPENAI_ENDPOINT is missing" in body.decode()


class Other(BaseHTTPRequestHandler):
    """Some server: an older app below /old, one that sends people away below /away."""

    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        sent = self.headers.get("api-key") or self.headers.get("x-functions-key") or ""
        self.seen.append((self.path, sent))
        port: Any = self.server.server_address[1]  # type: ignore[index]
        if self.path.startswith("/away"):
            self._answer(302, {}, f"http://127.0.0.1:{port}/thief")
        elif "/manage/" in self.path:
            self._answer(404, {"error": {"message": "No such path.", "code": "unknown_url"}})
        else:
            self._answer(200, {"runs": []})

    def _answer(self, status: int, body: object, location: str = "") -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    class Handler(Other):
        seen = []  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", Handler.seen
        server.shutdown()


def test_an_app_from_before_is_asked_as_it_was(
    other: tuple[str, list[tuple[str, str]]],
) -> None:
    url, seen = other
    app = App(f"{url}/old", "host-key")
    assert app.get("api/runs") == {"runs": []}
    assert seen == [("/old/api/manage/runs", "host-key"), ("/old/api/runs", "host-key")]


def test_a_key_follows_no_redirection(other: tuple[str, list[tuple[str, str]]]) -> None:
    """The sign-in of a platform sends everybody to another host; the key stays here."""
    url, seen = other
    with pytest.raises(NotReached, match=r"wants people to sign in .* --entra"):
        App(f"{url}/away", "the-key").get("api/runs")
    assert [path for path, _ in seen] == ["/away/api/manage/runs"]


def test_what_is_no_web_address_is_told() -> None:
    with pytest.raises(CommandError, match="is no web address"):
        App("captain", "k").get("api/runs")
