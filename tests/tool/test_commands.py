"""What holds for every command: it is listed with an example that runs, prints one JSON object if
that is asked for, and ends with the exit codes of docs/command-line.md."""

import ast
import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from docs.generate.command_line import EXAMPLE, JSON, LIKE, leaves, page
from shared.errors import DropError, Refused, TunedropError
from tests.dataset.builders import ANSWER, USER, good, talk
from tests.support.house import ROOT
from tests.support.over_http import Served, served
from tests.support.served import Versions
from tunedrop.__main__ import cli
from tunedrop.errors import exit_on_error
from tunedrop.group import SECTIONS

# Their examples are of a run in another stage, or need an account of storage, a model that answers,
# a stack or a person's profiles. Other tests call them.
NOT_HERE = {"start", "pause", "resume", "cancel", "retry", "deploy", "verdict", "push", "retrain"}
NOT_HERE |= {"trace", "doctor", "export", "chat", "login", "logout", "events", "keys limit"}
NOT_HERE |= {"keys revoke", "probe"}
# Here no app is asked at first.
NOT_ASKED = {"push", "profiles", "open"}
DEAD = "http://127.0.0.1:1"


def commands() -> dict[str, Any]:
    root = get_command(cli)
    assert isinstance(root, TyperGroup)
    return {
        name: leaf for top, command in root.commands.items() for name, leaf in leaves(top, command)
    }


COMMANDS = commands()


def options(command: Any) -> set[str]:
    return {name for param in command.params for name in param.opts}


ASKING = [name for name, command in COMMANDS.items() if "--app" in options(command)]


def example(name: str) -> list[str]:
    """Its words after `tunedrop`."""
    return shlex.split(COMMANDS[name].epilog.removeprefix(f"{EXAMPLE}tunedrop "))


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), prog_name="tunedrop")


@pytest.fixture
def folder(machine: Path) -> Path:
    """Where the files of the examples are."""
    work = machine / "work"
    (work / "examples").symlink_to(ROOT / "examples")
    (work / "answers.jsonl").write_bytes(good(20))
    (work / "answers.csv").write_text("question,answer\nWho?,Me.\nWhere?,Here.\n")
    (work / "rated.jsonl").write_bytes(talk(USER, ANSWER))
    return work


# ---- each is told of


def test_every_command_has_its_section_and_no_section_a_command_that_is_not() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted({name.partition(" ")[0] for name in COMMANDS})
    assert (
        list(SECTIONS)
        == [
            line[:-1]
            for line in call().stdout.splitlines()
            if line.endswith(":") and line[0] != " "
        ][1:]
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_it_has_an_example_that_can_be_read(name: str) -> None:
    assert COMMANDS[name].epilog.startswith(f"{EXAMPLE}tunedrop {name}")
    words = example(name)[len(name.split()) :]
    COMMANDS[name].make_context(name, words)  # raises for words that it does not take


@pytest.mark.parametrize("name", COMMANDS)
def test_it_takes_json_and_the_docs_say_what_that_has(name: str) -> None:
    assert "--json" in options(COMMANDS[name])
    assert LIKE.get(name, name) in JSON


def test_a_flag_is_no_value() -> None:
    for text in (page(), call("watch", "--help").stdout, call("--help").stdout):
        assert "<bool>" not in text


# ---- what they print


def one_object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


async def asked(app: Served, name: str, run: str, *more: str) -> Result:
    """The example, where its version and its run are."""
    here = {"captain@1": "captain@2", "captain-1a2b3c4d": run}
    words = [here.get(word, word) for word in example(name)] + list(more)
    return await app.with_key("operator", *words) if name in ASKING else await app.tool(*words)


async def test_the_examples_run_and_print_one_object_where_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        app.runs.model = "captain"
        made = Versions(app.runs)  # captain@1 has never been trained: there is no file of it
        first, second = await made.train(), await made.train()
        for name in sorted(COMMANDS.keys() - NOT_HERE, key=lambda name: name == "delete"):
            if name == "keys create":  # once only
                pass
            elif name == "delete":
                await app.with_key("operator", "promote", f"captain@{second.version}")
            else:
                shown = await asked(app, name, first.id)
                assert shown.exit_code in (0, 1), (name, shown.output)
            done = await asked(app, name, first.id, "--json")
            assert done.exit_code in (0, 1), (name, done.output)
            assert one_object(done.stdout), name
            for line in done.stderr.splitlines():
                assert one_object(line).keys() == {"note"}, name


# ---- how they end


class Odd(BaseHTTPRequestHandler):
    """Answers everything with an object that no app of this kind would send."""

    body = b'{"x": {"y": [1]}}'

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", [name for name in ASKING if name not in NOT_ASKED])
def test_an_answer_of_another_shape_is_a_sentence_and_no_traceback(
    name: str, odd: str, folder: Path
) -> None:
    """As of an app that is older or newer, or of a page of a network that wants a password."""
    done = call(*unprompted(name), "--app", odd, "--key", "k")
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    assert done.exit_code == 3, done.output
    assert done.stderr.startswith("tunedrop: ")


@pytest.mark.parametrize("name", [name for name in ASKING if name not in NOT_ASKED])
def test_an_app_that_is_not_reached_is_3_and_one_object_with_the_error(
    name: str, folder: Path
) -> None:
    done = call(*unprompted(name), "--app", DEAD, "--json")
    assert (done.exit_code, done.stdout) == (3, ""), done.output
    error = one_object(done.stderr)["error"]
    assert set(error) == {"message", "fix"} and all(error.values())
    shown = call(*unprompted(name), "--app", DEAD)
    assert shown.exit_code == 3
    assert f"tunedrop: {error['message']} {error['fix']}\n" in shown.stderr


def unprompted(name: str) -> list[str]:
    """The example without a stack, and with all that its command would ask for."""
    words = [word for word in example(name) if word not in ("--offline", "--local")]
    more = {"retrain": ["--yes", "--storage", "https://s"], "keys revoke": ["--yes"]}
    return words + more.get(name, [])


@pytest.mark.parametrize("name", ["check", "runs", "keys create"])
def test_an_option_that_there_is_not_is_2_with_the_next_step(name: str, folder: Path) -> None:
    shown = call(*name.split(), "--nonsense")
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith("tunedrop: no such option: --nonsense")
    assert shown.stderr.endswith(f"`tunedrop {name} --help` lists what it takes.\n")
    done = call(*name.split(), "--nonsense", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert one_object(done.stderr)["error"]["fix"].startswith(f"`tunedrop {name} --help`")


def test_a_command_that_there_is_not_names_the_nearest() -> None:
    done = call("runz")
    assert done.exit_code == 2
    assert "Did you mean 'runs'?" in done.stderr


def test_without_a_command_all_are_listed() -> None:
    done = call()
    assert (done.exit_code, done.stderr) == (0, "")
    assert "  promote   Make a version its model's champion" in done.stdout


async def test_what_the_app_refuses_is_2_and_a_key_that_it_does_not_take_3(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        missing = await app.with_key("operator", "models", "nobody", "--json")
        stranger = await app.with_key("wrong", "models", "--json")
    assert (missing.exit_code, stranger.exit_code) == (2, 3)
    assert one_object(missing.stderr)["error"]["message"].startswith("There is no model")
    assert one_object(stranger.stderr)["error"]["fix"]


def test_what_has_to_be_confirmed_is_not_asked_of_a_program(machine: Path) -> None:
    for words, option in (
        (["delete", "captain"], "--yes captain"),
        (["retrain", "captain"], "--yes"),
    ):
        base = ["--base", "gpt-4.1-2025-04-14"] if words[0] == "retrain" else []
        done = (
            call(*words, *base, "--app", DEAD, "--storage", "https://s")
            if base
            else call(*words, "--app", DEAD)
        )
        asked_as_json = call(*words, *base, "--app", DEAD, "--json")
        assert done.exit_code == 3
        assert asked_as_json.exit_code == 2
        assert one_object(asked_as_json.stderr)["error"]["fix"] == f"Give {option}."


async def test_where_nobody_answers_the_option_that_does_is_named(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        await Versions(app.runs).train()
        done = await app.with_key("operator", "delete", "captain@1")
    assert done.exit_code == 2
    assert "nobody is there: nothing was done. Give --yes captain@1" in done.stderr


def raised() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "tunedrop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "CommandError",
                "NotReached",
            ):
                yield f"{path.name}:{node.lineno}", node


def test_every_error_says_what_to_do_next() -> None:
    """An empty text is written where the message has its cure in it."""
    calls = dict(raised())
    assert len(calls) > 50
    assert [place for place, node in calls.items() if len(node.args) != 2] == []


@pytest.mark.parametrize(
    ("error", "code"), [(Refused("No.", "Ask."), 3), (DropError("No.", "Ask."), 2)]
)
def test_what_is_of_azure_is_no_wrong_call(error: TunedropError, code: int) -> None:
    with pytest.raises(typer.Exit) as end, exit_on_error():
        raise error
    assert end.value.exit_code == code
