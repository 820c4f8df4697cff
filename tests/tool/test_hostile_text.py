"""Whatever an app, storage or a dataset says, the tool prints it and does not let it act."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from shared.errors import DropError
from tests.dataset.builders import good
from tests.support.house import modules
from tests.tool.hostile import ACTS, ESC, HOSTILE
from tunedrop.__main__ import cli
from tunedrop.echo import say_json
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.screen import Screen

Tool = Callable[..., Any]


def a_run(stage: str = "failed") -> dict[str, Any]:
    at = "2026-11-01T00:00:00+00:00"
    return {
        "id": f"m-1{HOSTILE}",
        "model": HOSTILE,
        "stage": stage,
        "version": HOSTILE,
        "training": {"examples": HOSTILE, "etag": "x"},
        "validation": None,
        "timeline": [{"stage": name, "at": at} for name in (HOSTILE, "deploying", stage)],
        "deployment": HOSTILE,
        "fine_tuned_model": HOSTILE,
        "epochs": [],
        "notices": [HOSTILE],
        "progress": {
            "step": None, "total_steps": None, "train_loss": None, "estimated_finish": None,
        },
        "waiting_for": HOSTILE,
        "failure": {"message": HOSTILE, "fix": HOSTILE, "blame": HOSTILE},
        "command": {"action": "start", "who": HOSTILE, "why": HOSTILE},
    }  # fmt: skip


CHECKS = [
    {"id": HOSTILE, "state": "problem", "message": HOSTILE, "fix": HOSTILE},
    {"id": HOSTILE, "state": "unknown", "message": HOSTILE, "fix": ""},
]


REFUSED = {
    "name": HOSTILE, "model": HOSTILE, "message": HOSTILE, "fix": HOSTILE, "waits": False,
    "at": "2026-11-01T00:00:00+00:00", "explanation": HOSTILE,
}  # fmt: skip
PLACE = {
    "id": HOSTILE, "severity": HOSTILE, "line": 3, "message_index": 1, "message": HOSTILE,
    "fix": HOSTILE,
}  # fmt: skip
FOUND = {
    "groups": [{"id": HOSTILE, "severity": HOSTILE, "title": HOSTILE, "count": 9}],
    "findings": [PLACE],
}
REPORT = {**FOUND, "files": [{"name": HOSTILE, "examples": 2, **FOUND}]}


class HostileApp(BaseHTTPRequestHandler):
    """Answers as the app does, in words that mean ill."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        answers: dict[str, Any] = {
            "/api/runs": {
                "runs": [a_run(), a_run("serving"), a_run("training")],
                "refused": {"drops": [REFUSED], "count": 7},
            },
            "/api/runs/rejected": a_run("rejected"),
            "/api/runs/rejected/report.json": REPORT,
            "/api/runs/failed": a_run(),
            "/api/runs/serving": a_run("serving"),
            "/api/runs/ready": a_run("ready"),
            "/api/doctor": {"checks": CHECKS},
            "/admin/host/status": {"state": HOSTILE, "errors": [HOSTILE], "version": HOSTILE},
        }
        refused = {"error": {"message": HOSTILE, "fix": HOSTILE}}
        self._answer(200 if path in answers else 404, answers.get(path, refused))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(202, a_run("training"))

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), HostileApp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def tool(*words: object) -> str:
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    return done.output


@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("watch", "failed"),
        ("watch", "serving"),
        ("watch", "rejected"),
        ("watch", "nobody"),
        ("start", "m-1"),
        ("cancel", "m-1", "--why", HOSTILE, "--who", HOSTILE),
        ("deploy", "m-1", "--sku", HOSTILE, "--why", HOSTILE),
        ("export", HOSTILE),
        ("doctor",),
        ("doctor", "--json"),
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_what_an_app_says_is_printed_as_it_is(address: str, words: tuple[str, ...]) -> None:
    output = tool(*words, "--app", address)
    assert output.strip()
    assert not ACTS.search(output)
    if words[0] != "export":
        assert "[bold red]me[/]" in output
        assert "\\u001b[2J" in output or "\\u009b31m" in output


def hostile_dataset(folder: Path) -> Path:
    path = folder / "train\x1b[2J[bold]\x9b31m\u202e.jsonl"
    example = {"messages": [{"role": HOSTILE, HOSTILE: HOSTILE, "content": HOSTILE}]}
    path.write_text(json.dumps(example, ensure_ascii=False) + "\n{" + ESC + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("how", [(), ("--json",), ("--github",)])
def test_what_a_dataset_says_is_printed_as_it_is(tmp_path: Path, how: tuple[str, ...]) -> None:
    output = tool("check", hostile_dataset(tmp_path), *how)
    assert not ACTS.search(output)
    assert "[bold]" in output
    if how == ("--json",):
        assert ESC[0] in json.dumps(json.loads(output), ensure_ascii=False) or "u001b" in output


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    output = tool("check", tmp_path / f"gone{ESC}.jsonl")
    assert "gone\\u001b[2J" in output
    assert not ACTS.search(output)


def test_what_storage_says_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A `.problem.txt` beside a drop may have been written by anybody who may drop."""
    for error in (CommandError(f"first\nsecond {HOSTILE}"), CommandError(str(DropError(HOSTILE)))):
        with pytest.raises(typer.Exit) as ended, exit_on_error():
            raise error
        assert ended.value.exit_code == 2  # a pipeline has to know
    shown = capsys.readouterr().err
    assert shown.startswith("tunedrop: first\nsecond [bold red]me[/] \\u001b[2J")
    assert not ACTS.search(shown)


def test_json_means_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"text": ESC, "more": ["ü", 1]})
    shown = capsys.readouterr().out
    assert not ACTS.search(shown)
    assert json.loads(shown) == {"text": ESC, "more": ["ü", 1]}


def test_a_text_keeps_its_styles_when_it_is_written_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen = Screen(force_terminal=True, color_system="standard", width=200)
    screen.print(Text.assemble("a", ("b\x1b[2Jc", "bold"), "d\x9b"))
    screen.print("[bold]" + ESC)
    first, second = capsys.readouterr().out.splitlines()
    assert "\x1b[2J" not in first + second
    assert "\x1b[1mb" in first
    assert "\\u001b[2Jc" in re.sub(r"\x1b\[[0-9;]*m", "", first)
    assert second.startswith("[bold]\\u001b[2J")


def test_what_is_not_seen_is_written_out_and_marks_do_not_pile_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    piled, unseen = "e" + "\u0301" * 5, "\u200b\ufeff\U000e0041"
    kept = "e\u0301\u0323, \U0001f469\u200d\U0001f4bb"
    screen = Screen(force_terminal=True, color_system=None, width=200)
    screen.print(Text(f"{piled} {unseen} {kept}"))
    screen.print(f"{piled} {unseen} {kept}")
    said = "e\u0301\u0301\u0301\\u0301\\u0301 \\u200b\\ufeff\\udb40\\udc41 " + kept
    assert capsys.readouterr().out.splitlines() == [said, said]


def test_what_is_written_out_in_json_is_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "e" + "\u0301" * 9 + "\ufeff\U000e0041\x1b"}
    say_json(value)
    assert json.loads(capsys.readouterr().out) == value


def test_nothing_is_printed_past_the_two_modules() -> None:
    past = {
        name
        for name, path in modules().items()
        if name.startswith("tunedrop.") and name not in ("tunedrop.echo", "tunedrop.screen")
        if re.search(r"typer\.echo|\bprint\(|\bConsole\(|secho", _code(path))
    }
    assert past == set()


def _code(path: Path) -> str:
    """Without calls of a screen's own `print`, and of the functions that print."""
    return re.sub(r"screen\.print\(|print_\w+\(", "", path.read_text(encoding="utf-8"))


def test_an_ordinary_dataset_reads_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    path.write_bytes(good(12))
    assert "12 examples" in tool("check", path)
