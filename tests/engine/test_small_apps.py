"""What Microsoft's engine makes of small apps: what it refuses, and what a failure looks like."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import bare
from tests.engine.hosts import SUCCEEDED, Call, Engine, closing
from tests.processes import ROOT
from tests.support.stack import wait_for

APP = ROOT / "tests/host/apps/streaming"
HEAD = """
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response
app = func.FunctionApp()
"""
GOOD = "@app.route('hello')\nasync def hello(req: Request) -> Response: ...\n"
REFUSED = {
    "a parameter of no binding": "@app.route('a')\ndef a(req: Request, id: str) -> Response: ...",
    "another library's request": "@app.route('a')\ndef a(req: func.HttpRequest) -> Response: ...",
    "one of two answers": "@app.route('a')\ndef a(req: Request) -> Response | None: ...",
    "a module that is not there": "import not_there",
    "two apps": "other = func.FunctionApp()",
}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small") / "journal.jsonl"


@pytest.fixture(scope="module")
def small(engine_environment: Path, journal: Path) -> Iterator[Engine]:
    """The app of the local host's own tests."""
    environ = {**bare(), "JOURNAL": str(journal), "DataStorage": "unused"}
    engine = Engine(engine_environment, APP, environ, journal.with_name("engine.log"))
    with closing(engine):
        yield engine


@pytest.mark.contract("function-fails")
def test_a_function_that_raises(small: Engine) -> None:
    """500 without its message for the caller; the host is told what it was."""
    answer, told = small.asked("fails", Call("GET", "fails", {}))
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert told == "ValueError: on purpose"


@pytest.mark.contract("route-parameters")
def test_a_function_reads_its_route_and_its_context(small: Engine) -> None:
    answer = small.ask("thing", Call("GET", "things/one%20two", {}))
    assert answer.json() == {"id": "one two", "function": "thing"}
    assert small.ask("store", Call("PUT", "files/a/b.txt", {})).text == "a/b.txt"


@pytest.mark.contract("streams")
def test_a_piece_is_there_before_the_next_is_made(small: Engine) -> None:
    """The second is made only once somebody who has the first one asks for it."""
    invocation, answer = small.stream("stream", Call("GET", "stream", {}))
    pieces = answer.iter_raw()
    assert next(pieces) == b"data: one\n\n"
    assert small.status(invocation) == SUCCEEDED  # the host is told so when the answer begins
    small.ask("let_it_go_on", Call("POST", "stream/go-on", {}))
    assert next(pieces) == b"data: two\n\n"
    answer.close()


@pytest.mark.contract("client-leaves")
def test_a_stream_ends_when_its_client_is_gone(small: Engine, journal: Path) -> None:
    before = closed(journal)
    _, answer = small.stream("stream", Call("GET", "stream", {}))
    assert next(answer.iter_raw())
    answer.close()
    wait_for(lambda: closed(journal) > before)


def closed(journal: Path) -> int:
    """How many streams have ended by now."""
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    return sum("stream" in json.loads(line) for line in lines)


def write_app(folder: Path, code: str) -> Path:
    (folder / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    (folder / "function_app.py").write_text(HEAD + GOOD + code, encoding="utf-8")
    return folder


@pytest.mark.contract("app-refused")
@pytest.mark.parametrize("mistake", REFUSED)
def test_an_app_with_one_mistake_shows_no_function(
    mistake: str, tmp_path: Path, engine_environment: Path
) -> None:
    """Under both hosts: what Azure would refuse is refused on a laptop."""
    app = write_app(tmp_path, REFUSED[mistake])
    engine = Engine(engine_environment, app, bare(), tmp_path / "engine.log")
    with closing(engine):
        assert engine.indexed["error"]
        assert engine.functions() == {}
    check = [sys.executable, "-m", "local.host", "--app", str(app), "--check"]
    environ = {**bare(), "PYTHON_ENABLE_INIT_INDEXING": "1"}
    done = subprocess.run(check, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("error: ")
