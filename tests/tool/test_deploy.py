"""`tunedrop deploy`: what it asks the app for, and what it says."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from tunedrop.__main__ import cli

RUN = {"id": "m-12345678", "stage": "trained", "command": {"action": "deploy"}}
PROBLEM = {"message": "The capacity is 900; at most 500 are allowed.", "fix": "Ask for less."}
Asked = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def app() -> Iterator[tuple[str, Asked]]:
    asked: Asked = []

    class App(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((self.path, body))
            refused = body["capacity"] == 900
            answer = json.dumps({"error": PROBLEM} if refused else RUN).encode()
            self.send_response(400 if refused else 202)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize(
    ("options", "sku", "capacity"),
    [
        (("--sku", "Standard", "--capacity", "8"), "Standard", 8),
        (("--capacity", "8"), None, 8),
        ((), None, None),
    ],
)
def test_only_what_is_named_is_asked_for(
    app: tuple[str, Asked], options: tuple[str, ...], sku: str | None, capacity: int | None
) -> None:
    address, asked = app
    words = ["deploy", "m-12345678", *options, "--who", "Ada", "--why", "quota", "--app", address]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0
    assert done.output == "m-12345678 is trained; deploy is under way\n"
    body = {"who": "Ada", "why": "quota", "sku": sku, "capacity": capacity}
    assert asked == [("/api/runs/m-12345678/deploy", body)]


def test_what_the_app_refuses_is_told_with_its_fix(app: tuple[str, Asked]) -> None:
    done = CliRunner().invoke(cli, ["deploy", "m-1", "--capacity", "900", "--app", app[0]])
    assert done.exit_code == 2
    assert f"{PROBLEM['message']} {PROBLEM['fix']}" in done.output
