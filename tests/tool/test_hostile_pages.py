"""Whatever an app says of a model, a log or a key, the tool prints it and does not let it act."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.tool.hostile import ACTS, HOSTILE
from tunedrop.__main__ import cli

AT = "2026-11-01T00:00:00+00:00"
VERSION = {
    "version": 1, "state": HOSTILE, "base_model": HOSTILE, "deployment": HOSTILE,
    "run_id": HOSTILE, "dropped_at": AT, "checkpoint": HOSTILE,
}  # fmt: skip
CHANGE = {"at": AT, "before": 1, "version": 2, "cause": HOSTILE, "who": HOSTILE, "why": HOSTILE}
ENDING = {"level": HOSTILE, "sentence": HOSTILE, "cure": HOSTILE, "known_on": HOSTILE}
MODEL = {
    "name": HOSTILE, "champion": 1, "versions": [VERSION], "history": [CHANGE], "rollback": 2,
    "lifecycle": {"endings": [ENDING]}, "order": {"who": HOSTILE, "version": 1, "waits": HOSTILE},
}  # fmt: skip
KEY = {
    "name": HOSTILE, "role": HOSTILE, "models": [HOSTILE], "last_used": HOSTILE, "key": HOSTILE,
    "revoked": {"at": AT, "by": HOSTILE}, "requests": 1, "tokens": 2,
}  # fmt: skip
TOTAL = {"usd": 1, "projected_usd": 2, "usd_per_hour": 3}
EVENT = {"at": AT, "kind": HOSTILE, "message": HOSTILE, "who": HOSTILE, "why": HOSTILE}
ANSWERS: dict[str, Any] = {
    "/api/models/m": MODEL,
    "/api/cost": {"month": HOSTILE, "total": TOTAL},
    "/api/keys": {"keys": [KEY], "problems": [{"message": HOSTILE, "fix": HOSTILE}]},
    "/api/manage/me": {"name": HOSTILE, "role": HOSTILE},
    "/api/feedback": {"id": HOSTILE, "model": HOSTILE},
}


class HostileApp(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.rfile.read(int(self.headers.get("content-length") or 0))
        answer: Any
        if path.endswith("/verdict.json"):
            answer = {"overall": HOSTILE, "sentence": HOSTILE}
        elif path == "/api/runs/r/events.jsonl":
            lines = [json.dumps(EVENT), HOSTILE.replace("\n", ""), "7", '{"at": 7}']
            self._answer(200, "\n".join(lines).encode())
            return
        else:
            answer = ANSWERS.get(path) or {"error": {"message": HOSTILE, "fix": HOSTILE}}
        self._answer(404 if "error" in answer else 200, json.dumps(answer).encode())

    def do_POST(self) -> None:
        self.do_GET() if self.path == "/api/feedback" else self._key()

    def _key(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(200, json.dumps(KEY).encode())

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), HostileApp) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "words",
    [
        ("model", "m"),
        ("events", "r"),
        ("events", HOSTILE),
        ("report", HOSTILE),
        ("feedback", HOSTILE),
        ("feedback", "m", "id", "good"),
        ("chat", HOSTILE, "Hi"),
        ("keys",),
        ("keys", "create", HOSTILE),
        ("keys", "limit", HOSTILE, "--requests", "3"),
        ("keys", "limit", "web", "--requests", HOSTILE),
        ("keys", "revoke", HOSTILE, "--yes"),
        ("keys", "revoke", HOSTILE),
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_what_an_app_says_is_printed_as_it_is(
    machine: Path, address: str, words: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(cli, [*words, "--app", address])
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    assert not ACTS.search(done.output)
    assert "[bold red]me[/]" in done.output or words[0] == "feedback"


def test_a_login_shows_who_it_is_as_text(machine: Path, address: str, ring: object) -> None:
    done = CliRunner().invoke(cli, ["login", address], input="a-key\n")
    assert done.exit_code == 0
    assert "[bold red]me[/] \\u001b[2J" in done.output
    assert not ACTS.search(done.output)


@pytest.mark.parametrize("words", [("--profile", HOSTILE), ("--app", HOSTILE)])
def test_what_is_typed_is_printed_as_it_is(machine: Path, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, ["runs", *words])
    assert done.exit_code == 2
    assert "\\u001b[2J" in done.output
    assert not ACTS.search(done.output)
