"""`tunedrop verdict`: how a version compares, as a table and as JSON."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.model.evaluation import Answer, Role
from shared.model.verdict import verdict_of
from tests.support.compared import FAILED, comparison, example, only_asked, wrong_at
from tunedrop.__main__ import cli

EXAMPLES = [example(line) for line in range(1, 41)]
WORSE = {**wrong_at(range(1, 12)), 12: FAILED, 13: Answer(), 14: Answer(text="\x1b[31mred")}
LOST = verdict_of(comparison(EXAMPLES, WORSE, {}, wrong_at(range(5, 41)))).as_json()
WON = verdict_of(comparison(EXAMPLES, {}, wrong_at(range(1, 20)), None)).as_json()
LESS = comparison(EXAMPLES, {}, wrong_at(range(1, 20)), None)
PART = verdict_of(only_asked(LESS, Role.CANDIDATE, range(11, 41))).as_json()
PROBLEM = {"message": "m-1 has no 'verdict.json'.", "fix": "A run may have: report.json."}
BODIES = {
    "m-00000001": (200, LOST),
    "m-00000002": (200, WON),
    "m-00000003": (404, json.dumps({"error": PROBLEM}).encode()),
    "m-00000005": (200, PART),
    "m-00000006": (200, PART.replace(b"not_asked", b"unknown")),
    "m-00000004": (200, b'{"overall": "win", "sides": 3}'),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    class App(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, api, runs, run, document = self.path.split("/")
            assert (api, runs, document) == ("api", "runs", "verdict.json")
            status, body = BODIES[run]
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def verdict(address: str, *words: str) -> Any:
    """The result of Typer's runner: output and exit code."""
    return CliRunner().invoke(cli, ["verdict", *words, "--app", address])


def test_a_loss_is_a_table_with_what_became_worse_and_exit_code_1(address: str) -> None:
    shown = verdict(address, "m-00000001", "--limit", "2")
    assert shown.exit_code == 1
    lines = shown.output.splitlines()
    assert lines[0].startswith(
        "loss: captain@2 is worse than captain@1 (champion): 65.0 beside 100"
    )
    assert "  candidate  captain@2  40 asked, 1 failed, 1 empty  (0 tokens, 0.5 s each)" in lines
    assert "             1 × 429: too many requests" in lines
    at = lines.index("captain@2 against captain@1 (champion): loss")
    assert lines[at + 1].split() == [
        *("score", "examples", "captain@2", "captain@1", "difference", "97.5", "%", "interval"),
    ]
    primary = lines[at + 2].split()
    assert primary[:6] == ["primary", "score", "40", "65.0", "100.0", "-35.0"]
    assert primary[-1] == "loss"
    assert any(line.startswith("  exact_match *") for line in lines)
    assert "captain@2 against gpt-4.1-nano (base): win" in lines
    assert "a true loss of 5 points is seen in" in shown.output


def test_regressions_are_shown_with_both_answers(address: str) -> None:
    output = verdict(address, "m-00000001", "--limit", "2").output
    assert (
        "  line 1: 0.0 instead of 100.0\n"
        "    expected   It is line 1.\n"
        "    captain@2  certainly something else altogether\n"
        "    captain@1  It is line 1.\n"
    ) in output
    assert "  line 2: " in output and "  line 3: " not in output
    assert "  … and 12 more\n" in output
    everything = verdict(address, "m-00000001", "--limit", "99").output
    assert "(failed: 429: too many requests)" in everything and "(empty)" in everything
    assert "more" not in everything.split("against gpt")[0].split("line 14")[1]
    assert "\x1b" not in everything


def test_what_was_not_asked_is_shown(address: str) -> None:
    shown = verdict(address, "m-00000005").output
    assert "captain@2  30 asked, 10 not asked  (" in shown
    assert "10 examples more count for nothing" in shown
    older = verdict(address, "m-00000006").output
    assert "captain@2  30 asked  (" in older


def test_a_win_is_exit_code_0(address: str) -> None:
    shown = verdict(address, "m-00000002")
    assert shown.exit_code == 0
    assert shown.output.startswith("win: captain@2 is better than captain@1 (champion): ")


def test_json_is_the_document_as_it_is(address: str) -> None:
    shown = verdict(address, "m-00000001", "--json")
    assert shown.exit_code == 1
    assert json.loads(shown.output) == json.loads(LOST)


def test_a_run_without_a_verdict_says_so(address: str) -> None:
    shown = verdict(address, "m-00000003")
    assert shown.exit_code == 2
    assert "tunedrop: m-1 has no 'verdict.json'. A run may have" in shown.output


def test_a_verdict_of_another_shape_is_no_traceback(address: str) -> None:
    shown = verdict(address, "m-00000004")
    assert shown.exit_code == 3
    assert "--json prints it as it is" in shown.output
    assert verdict(address, "m-00000004", "--json").exit_code == 0
