"""`tunedrop export`: what it writes is all that the app has sent, or nothing."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shared.chat.examples import TOLD, Reason
from shared.run.folder import DropRole, parse
from tunedrop.__main__ import cli
from tunedrop.export import drop_name, place_for

LINE = b'{"messages": []}\n'


class Answers(BaseHTTPRequestHandler):
    """Answers with `planned`, by the query: status, headers and body."""

    planned: dict[str, tuple[int, dict[str, str], bytes]]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, headers, body = self.planned[self.path.partition("?")[2]]
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    class Handler(Answers):
        planned = {}  # noqa: RUF012

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def export(*options: str, **planned: tuple[int, dict[str, str], bytes]) -> Result:
        queries = {"plain": "method=supervised", "dpo": "method=dpo"}
        queries["sources"] = "method=supervised&provenance=1"
        Handler.planned = {queries[name]: answer for name, answer in planned.items()}
        url = f"http://127.0.0.1:{server.server_address[1]}"
        out = str(tmp_path / "training_set.jsonl")
        return CliRunner().invoke(cli, ["export", "captain", "--app", url, "--out", out, *options])

    yield export
    server.shutdown()
    server.server_close()


def counted(number: int, **more: str) -> dict[str, str]:
    headers = {f"x-tunedrop-{name.replace('_', '-')}": value for name, value in more.items()}
    return {"x-tunedrop-examples": str(number), **headers}


def test_all_that_came_is_written_and_what_was_left_out_is_told(run: Run, tmp_path: Path) -> None:
    headers = counted(2, left_out="length=1, of-tomorrow=3")
    done = run("--method", "supervised", plain=(200, headers, LINE * 2))
    assert done.exit_code == 0, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["training_set.jsonl"]
    assert (tmp_path / "training_set.jsonl").read_bytes() == LINE * 2
    assert "2 examples" in done.stdout
    assert "captain/training_set.jsonl" in done.stdout
    assert "left out: 1 cut off at a limit of tokens, 3 of-tomorrow" in done.stderr


SHORT = (200, {"content-length": "999"}, LINE)
CHUNKED = (
    200,
    {"transfer-encoding": "chunked", "content-length": ""},
    b"%x\r\n%b\r\n" % (len(LINE), LINE),
)
LESS = (200, counted(2), LINE)  # as if a proxy had ended the answer properly


@pytest.mark.parametrize("answer", [SHORT, CHUNKED, LESS], ids=["length", "chunks", "lines"])
def test_an_answer_that_is_cut_leaves_everything_as_it_was(
    run: Run, tmp_path: Path, answer: tuple[int, dict[str, str], bytes]
) -> None:
    before = tmp_path / "training_set.jsonl"
    before.write_bytes(b"yesterday's\n")
    done = run(plain=answer)
    assert done.exit_code == 3, done.output
    assert "again" in done.stderr.lower()
    assert done.stderr.startswith("tunedrop: ")
    assert [path.name for path in tmp_path.iterdir()] == [before.name]
    assert before.read_bytes() == b"yesterday's\n"


def test_sources_that_do_not_fit_the_examples_are_not_written(run: Run, tmp_path: Path) -> None:
    origins = tmp_path / "sources.jsonl"
    one, two = (200, counted(1), LINE), (200, counted(2), LINE * 2)
    done = run("--provenance", str(origins), plain=one, sources=two)
    assert (done.exit_code, list(tmp_path.iterdir())) == (3, [])
    done = run("--provenance", str(origins), plain=one, sources=one)
    assert done.exit_code == 0
    assert origins.read_bytes() == LINE


def test_the_apps_own_words_are_told(run: Run, tmp_path: Path) -> None:
    body = b'{"error": {"message": "No such model.", "fix": "Look them up."}}'
    done = run(plain=(404, {}, body))
    assert (done.exit_code, done.stderr) == (2, "tunedrop: No such model. Look them up.\n")
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_learn_from_says_why(run: Run, tmp_path: Path) -> None:
    done = run(plain=(200, counted(0), b""))
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "TUNEDROP_REMEMBER" in done.stderr
    done = run(plain=(200, counted(0, left_out="content-filter=4"), b""))
    assert "4 cut off by the content filter" in done.stderr


def test_pairs_are_asked_for_and_an_app_that_knows_none_is_named(run: Run, tmp_path: Path) -> None:
    done = run("--method", "dpo", dpo=(200, counted(1), LINE))
    assert done.exit_code == 0
    assert "method: dpo" in done.stdout
    done = run("--method", "dpo", dpo=(200, {}, LINE))
    assert "update it" in done.stderr
    assert run("--method", "rft").exit_code == 2


@pytest.mark.parametrize(
    "name", ["training_set.jsonl", "train-2.jsonl", "good.jsonl", "x", "run.yaml"]
)
def test_the_proposed_name_is_one_that_the_app_takes(name: str) -> None:
    assert parse(drop_name("captain", Path("somewhere", name))) == ("captain", DropRole.TRAINING)


def test_the_file_keeps_its_name_where_the_app_takes_it() -> None:
    assert drop_name("captain", Path("train-2.jsonl")) == "captain/train-2.jsonl"


def test_every_reason_has_its_words() -> None:
    assert set(TOLD) == set(Reason)


def test_it_says_how_to_train_on_both_and_not_on_the_new_answers_alone(run: Run) -> None:
    done = run(plain=(200, counted(2), LINE * 2))
    assert "tunedrop merge BASE" in done.stdout


def test_without_a_name_the_file_is_a_new_one_that_the_app_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(drop_name("captain", place_for(None)))[1] is DropRole.TRAINING
    (tmp_path / "training_set.jsonl").write_bytes(LINE * 48)
    done = CliRunner().invoke(cli, ["export", "captain", "--app", "http://127.0.0.1:9"])
    assert done.exit_code == 2
    assert "training_set.jsonl is there already" in done.stderr
    assert (tmp_path / "training_set.jsonl").read_bytes() == LINE * 48
    assert place_for(Path("training_set.jsonl")) == Path("training_set.jsonl")


def test_rated_answers_are_for_whoever_has_fetched_them(run: Run, tmp_path: Path) -> None:
    run(plain=(200, counted(2), LINE * 2))
    assert (tmp_path / "training_set.jsonl").stat().st_mode & 0o777 == 0o600
