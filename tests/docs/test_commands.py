"""What the pages tell people to type is understood by what they type it to: commands, routes,
settings, blocks in a language. What can be run is run in test_transcripts."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import dev
from docs import markdown
from docs.markdown import ROOT, Fence, fences, named, pages
from local import set_up
from shared.run.spec import RunYaml, effective
from tests.support import typed
from tests.support.settings import SETTINGS
from tests.support.typed import Typed
from tunedrop.__main__ import cli

ROUTES = json.loads((ROOT / "console/openapi.json").read_text(encoding="utf-8"))["paths"]
EVERY = [fence for page in pages() for fence in fences(page)]
PLACEHOLDER = re.compile(r"[A-Z][A-Z-]*|…")


def written(language: str) -> list[Fence]:
    return [fence for fence in EVERY if fence.language == language]


# ---- commands are understood


def misunderstood(words: tuple[str, ...]) -> str:
    """Why `tunedrop` would refuse these words before it does anything; empty if it would not."""
    command, rest = ROOT_COMMAND, list(words)
    while hasattr(command, "commands"):
        if not rest or rest[0].startswith("-") or PLACEHOLDER.fullmatch(rest[0]):
            return ""
        if rest[0] not in command.commands:
            return f"there is no {rest[0]}"
        command = command.commands[rest.pop(0)]
    context = command.make_context("tunedrop", [], resilient_parsing=True)
    context.resilient_parsing = False
    try:
        _, left, _ = command.make_parser(context).parse_args(rest)
    except Exception as error:  # the parser's own, which has no public name  # noqa: BLE001
        return str(error)
    return f"too much: {left}" if left else ""


TOOL = typed.of_pages("tunedrop")
ROOT_COMMAND: Any = get_command(cli)


def test_the_tool_understands_every_command() -> None:
    told = [(str(call), misunderstood(call.words[1:])) for call in TOOL]
    assert [each for each in told if each[1]] == []


@pytest.mark.parametrize(
    "line", ["chekc a", "check a --htlm b", "keys make web", "check --epochs", "login a b"]
)
def test_what_the_tool_does_not_understand_is_seen(line: str) -> None:
    assert misunderstood(tuple(line.split())) != ""


def dev_calls() -> list[Typed]:
    return [call for call in typed.of_pages("python3", "py") if call.words[1:2] == ("dev.py",)]


class Understood(Exception):
    """Raised where set-up would begin: the words were read by then."""


def is_understood(name: str, *rest: str) -> bool:
    """By dev.py; to be asked where set_up() raises Understood."""
    try:
        dev.COMMANDS[name](list(rest))
    except (Understood, SystemExit) as ended:
        return isinstance(ended, Understood) or "--help" in rest
    return False


def test_dev_py_understands_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(**options: object) -> None:
        raise Understood

    monkeypatch.setattr(set_up, "set_up", stop)
    calls = [call for call in dev_calls() if call.words[2] != "COMMAND"]
    assert [str(call) for call in calls if not is_understood(*call.words[2:])] == []
    assert not is_understood("docs", "--sight")


def route_of(words: tuple[str, ...]) -> tuple[str, str] | None:
    """Method and path below /api of a curl call to the app; None of any other."""
    address = next((re.search(r"/api(/[^?\s]*)", w) for w in words if "/api/" in w), None)
    base = next((w.partition("BASE")[2] for w in words if w.startswith("$TUNEDROP_BASE/")), None)
    path = f"/v1{base}" if base else address[1] if address else None
    if path is None:
        return None
    method = words[words.index("-X") + 1] if "-X" in words else ""
    return method or ("POST" if "-d" in words else "GET"), path


def is_described(method: str, path: str) -> bool:
    templates = [p for p, methods in ROUTES.items() if method.lower() in methods and p != "/{path}"]
    return any(re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(p)), path) for p in templates)


CURL = [(call, route) for call in typed.of_pages("curl") if (route := route_of(call.words))]


def test_the_app_has_the_routes_that_curl_calls() -> None:
    assert [str(call) for call, route in CURL if not is_described(*route)] == []


def test_a_route_that_is_not_there_is_seen() -> None:
    assert not is_described("GET", "/run")
    assert not is_described("POST", "/runs/{id}")
    assert is_described("POST", "/runs/$RUN/cancel")


def test_the_commands_are_found() -> None:
    assert len(TOOL) > 100
    assert len(dev_calls()) > 30
    assert len(CURL) > 8


def test_every_setting_that_is_named_is_known() -> None:
    """Somewhere in the code: a setting, a parameter of azd, or what a test takes."""
    code = [*ROOT.glob("*.py"), *ROOT.glob("azure.yaml")]
    for folder in ("shared", "tunedrop", "local", "infra", "tests", "bench", "docs"):
        code += [path for path in (ROOT / folder).rglob("*.*") if path.suffix in CODE]
    names = re.compile(r"\bTUNEDROP_[A-Z_]*[A-Z]\b")
    known = {name for path in code for name in names.findall(path.read_text(encoding="utf-8"))}
    told = {(named(page), n) for page in pages() for n in names.findall(page.read_text("utf-8"))}
    assert {each for each in told if each[1] not in known | READERS_OWN} == set()


CODE = {".py", ".bicep", ".json", ".yaml", ".sh", ".ps1"}
READERS_OWN = {"TUNEDROP_BASE"}  # variables of the pages' own examples


def test_every_module_that_is_started_is_there() -> None:
    calls = [call for call in typed.of_pages("python", "python3") if "-m" in call.words]
    named_modules = {call.words[call.words.index("-m") + 1] for call in calls}
    assert len(named_modules) >= 2
    assert [name for name in named_modules if importlib.util.find_spec(name) is None] == []


def test_every_file_that_is_named_is_there() -> None:
    """In backticks, from the top of the checkout or of tests/; what is made later is in .local."""
    tops = {path.name for path in ROOT.iterdir()} - {".local"}
    told = {(named(page), words) for page in pages() for words in markdown.quoted(page)}
    paths = {each for each in told if re.fullmatch(r"[\w.-]+/[\w./-]+", each[1])}
    ours = {each for each in paths if each[1].partition("/")[0] in tops}
    assert len(ours) > 100
    places = (ROOT, ROOT / "tests")
    assert {each for each in ours if not any((p / each[1]).exists() for p in places)} == set()


# ---- blocks in a language


def test_json_is_json() -> None:
    """But for what is left out of a list: `[...]`."""
    assert all(json.loads(f.content.replace("[...]", "[]")) for f in written("json"))


def test_yaml_is_yaml_and_a_run_yaml_is_taken() -> None:
    asked = [
        f for f in written("yaml") if set(yaml.safe_load(f.content)) <= RunYaml.model_fields.keys()
    ]
    assert len([effective(fence.content.encode(), SETTINGS) for fence in asked]) >= 4


def test_python_is_python() -> None:
    assert all(compile(fence.content, str(fence), "exec") for fence in written("python"))


def test_javascript_is_javascript(tmp_path: Path) -> None:
    for number, fence in enumerate(written("js")):
        script = tmp_path / f"snippet{number}.mjs"
        script.write_text(fence.content, encoding="utf-8")
        done = subprocess.run([set_up.find_node()[0], "--check", str(script)], capture_output=True)
        assert done.returncode == 0, f"{fence}: {done.stderr.decode()}"


def test_every_language_is_looked_at() -> None:
    looked_at = {*typed.SHELL, "json", "yaml", "python", "js"}
    others = {"diff", "kusto", "mermaid", "powershell", "text"}
    assert {fence.language for fence in EVERY} <= looked_at | others


def test_the_gate_gives_the_action_what_it_takes() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (gate,) = (f for f in written("yaml") if named(f.page) == "docs/how-to/ci-gate.md")
    *_, step = yaml.safe_load(gate.content)["jobs"]["check"]["steps"]
    needed = {name for name, about in action["inputs"].items() if about.get("required")}
    assert needed <= step["with"].keys() <= action["inputs"].keys()
