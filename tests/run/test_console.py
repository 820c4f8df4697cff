"""The console in a real browser: what strangers have named is shown as text."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.api import CONSOLE
from tests.support.browser import seen

EVIL = "<img src=x onerror=\"document.title='owned'\">"
DROP = {"name": EVIL, "message": f"not taken: {EVIL}", "fix": f"rename {EVIL}", "waits": False}
ODD = {
    **{"message": "e" + "\u0301" * 9, "fix": "f", "waits": True, "at": "2026-11-01T00:00:00Z"},
    "name": "שלום/עולם.txt\u200b",
}
RUNS: dict[str, Any] = {
    "runs": [],
    "next": None,
    "problems": [],
    "refused": {"drops": [{**DROP, "at": "2026-11-01T00:00:00Z"}, ODD], "count": 1_501},
}
PAGES = {
    "/api/console": ("text/html", (CONSOLE / "index.html").read_bytes()),
    "/api/console/console.js": ("text/javascript", (CONSOLE / "console.js").read_bytes()),
    "/api/runs": ("application/json", json.dumps(RUNS).encode()),
    "/api/models": ("application/json", b'{"models": [], "problems": []}'),
}


class App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, body = PAGES.get(self.path, ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_run_whose_version_serves_no_more_says_who_does(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [listed(1, "retired"), listed(2, "champion")]
    page = json.dumps({**RUNS, "runs": runs}).encode()
    monkeypatch.setitem(PAGES, "/api/runs", ("application/json", page))
    shown = seen(f"{address}/api/console", tmp_path / "profile", "--virtual-time-budget=1000")
    assert "<td>captain@1, retired; captain@2 serves</td>" in shown
    assert "<td>captain@2</td>" in shown
    assert shown.count('class="stage serving"') == 1
    assert shown.count('class="stage retired"') == 1


def listed(number: int, state: str) -> dict[str, Any]:
    return {
        "id": f"captain-{number:032x}",
        "model": "captain",
        "stage": "serving",
        "version": number,
        "standing": {"state": state, "champion": 2},
        "progress": {"step": None, "total_steps": None, "train_loss": None},
        "failure": None,
        "waiting_for": "",
        "epochs": [],
        "timeline": [{"at": "2026-11-01T00:00:00Z"}],
    }


def test_drops_that_were_not_taken_are_shown_as_text(address: str, tmp_path: Path) -> None:
    shown = seen(f"{address}/api/console", tmp_path / "profile", "--virtual-time-budget=1000")
    assert "<title>Tunedrop</title>" in shown
    assert "Not taken" in shown
    assert shown.count("&lt;img src=x onerror=") == 3
    assert "<img" not in shown
    assert "and 1,499 more" in shown
    assert "No runs yet" in shown
    assert '<bdi dir="ltr">שלום</bdi>/<bdi dir="ltr">עולם.txt\\u200b</bdi>' in shown
    assert shown.count("\u0301") == 3
    assert shown.count("\\u0301") == 6
