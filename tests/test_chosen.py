"""The settings of a laptop's app: what somebody has chosen, but for what makes the stack."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from local.chosen import NAMES, OF_THE_STACK, Chosen, chosen
from local.errors import StackError
from local.known import Stack
from local.processes import Pid
from local.provision import app_settings, usual_settings
from local.up import how_to_use
from shared.chat.setting_keys import parse_keys
from shared.settings import Settings

STACK = ("UseDevelopmentStorage=true", "http://127.0.0.1:1", "the laptop's key")


def made(environ: dict[str, str], file: Path | None = None, telemetry: str = "") -> dict[str, str]:
    return chosen(environ, file).settings(*STACK, telemetry)


def env_file(folder: Path, text: str) -> Path:
    file = folder / ".env"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_setting_that_does_not_make_the_stack_can_be_chosen() -> None:
    free = sorted(NAMES - OF_THE_STACK)
    assert set(usual_settings("", "")) <= set(free)
    assert set(chosen(dict.fromkeys(free, "x")).values) == set(free)


@pytest.mark.parametrize("name", sorted(usual_settings("", "")))
def test_what_suits_a_laptop_gives_way(name: str, tmp_path: Path) -> None:
    """Those that the stack had fixed before anybody was asked."""
    other = {"TUNEDROP_TICK": "*/5 * * * * *", "TUNEDROP_APP_KEYS": f"me:{'a' * 64}"}.get(name, "7")
    for given in (made({name: other}), made({}, env_file(tmp_path, f"{name}={other}"))):
        assert given[name] != app_settings(*STACK, "")[name]
        assert other.removeprefix("me:") in given[name]


def test_an_empty_one_is_a_choice_too() -> None:
    assert (
        Settings.load(made({"TUNEDROP_REMEMBER": ""})).remember
        == Settings.load(made({"TUNEDROP_REMEMBER": " "})).remember
    )
    assert made({"TUNEDROP_REMEMBER": ""})["TUNEDROP_REMEMBER"] == ""


def test_a_shell_that_knows_a_resource_in_azure_changes_nothing_of_the_stack() -> None:
    """As after `eval "$(azd env get-values)"`: its key would be shown to the emulator."""
    shell = {name: f"https://{name.lower()}.example" for name in OF_THE_STACK}
    given = made(shell)
    assert {name: given[name] for name in OF_THE_STACK} == {
        name: app_settings(*STACK, "")[name] for name in OF_THE_STACK
    }
    settings = Settings.load({**shell, **given})
    assert (settings.openai_key, settings.client_id, settings.location) == ("", "", "")
    assert settings.openai_endpoint == STACK[1]
    assert settings.datasets_container == "datasets"


def test_what_was_set_in_vain_is_told_without_its_value() -> None:
    (remark,) = chosen({"AZURE_OPENAI_API_KEY": "secret", "TUNEDROP_BUDGET": "1"}).remarks
    assert "AZURE_OPENAI_API_KEY" in remark
    assert "secret" not in remark
    assert "BUDGET" not in remark
    assert chosen({"AZURE_OPENAI_API_KEY": "", "PATH": "/bin"}).remarks == ()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    file = env_file(tmp_path, "TUNEDROP_BUDGET=1\nTUNEDROP_DAILY_RUNS=3\n")
    given = made({"TUNEDROP_BUDGET": "2"}, file)
    assert (given["TUNEDROP_BUDGET"], given["TUNEDROP_DAILY_RUNS"]) == ("2", "3")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("TUNEDROP_BUDGET=2", "2"),
        ("  export  TUNEDROP_BUDGET = 2  ", "2"),
        ("TUNEDROP_BUDGET='2'", "2"),
        ('TUNEDROP_BUDGET="2"  # USD', "2"),
        ("TUNEDROP_BUDGET=2 # USD", "2"),
        ("TUNEDROP_BUDGET=#2", "#2"),  # a comment begins after a blank
        ("TUNEDROP_BUDGET='a # b'", "a # b"),
        ("TUNEDROP_BUDGET='", "'"),
        ("TUNEDROP_BUDGET=a=b", "a=b"),
        ("TUNEDROP_BUDGET=", ""),
        ("TUNEDROP_BUDGET= # none", ""),
        ("\ufeffTUNEDROP_BUDGET=2\r", "2"),
        ("# one\n\nTUNEDROP_BUDGET=1\nTUNEDROP_BUDGET=2", "2"),
    ],
)
def test_a_line_of_the_file_is_read_as_people_write_it(
    line: str, value: str, tmp_path: Path
) -> None:
    assert chosen({}, env_file(tmp_path, line)).values["TUNEDROP_BUDGET"] == value


def test_no_file_is_no_choice(tmp_path: Path) -> None:
    assert chosen({}, tmp_path / ".env") == Chosen({})


@pytest.mark.parametrize("text", ["TUNEDROP_BUDGET=1\nsk-secret\n", "A=1\n: secret = 2\n"])
def test_a_line_that_is_no_setting_is_named_and_not_repeated(text: str, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="line 2") as refused:
        chosen({}, env_file(tmp_path, text))
    assert "secret" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(StackError, match="UTF-8"):
        chosen({}, tmp_path / ".env")
    with pytest.raises(StackError, match="cannot be used"):
        chosen({}, tmp_path / ".env" / "below")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TUNEDROP_BUDGTE=1", "is TUNEDROP_BUDGET meant?"),
        ("tunedrop_budget=1", "is TUNEDROP_BUDGET meant?"),
        ("TUNEDROP_COFFEE=1", "docs/settings.md"),
    ],
)
def test_a_name_that_nobody_knows_is_told(line: str, said: str, tmp_path: Path) -> None:
    (remark,) = chosen({}, env_file(tmp_path, f"{line}\nOTHER_PROGRAM=1")).remarks
    assert line.partition("=")[0] in remark
    assert said in remark


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TUNEDROP_BUDGET", "much"),
        ("TUNEDROP_APP_KEYS", "my-key"),
        ("TUNEDROP_REMEMBER", "captain:2"),
        ("TUNEDROP_ALLOWED_ORIGINS", "contoso"),
        ("TUNEDROP_WEBHOOK_SECRET", "secret"),
        ("TUNEDROP_TICK", "often"),
    ],
)
def test_what_the_app_would_refuse_is_told_before_anything_is_started(
    name: str, value: str
) -> None:
    with pytest.raises(StackError, match=name):
        made({name: value})


@pytest.mark.parametrize(
    "keys",
    [f"me:{'a' * 64}", json.dumps([{"name": "me", "sha256": "a" * 64, "models": ["captain"]}])],
)
def test_keys_of_ones_own_stand_beside_the_laptops(keys: str) -> None:
    """Which the demo, the links and the command line use."""
    mine, ours = parse_keys(made({"TUNEDROP_APP_KEYS": keys})["TUNEDROP_APP_KEYS"])
    assert (mine.name, mine.sha256, mine.role) == ("me", "a" * 64, "chat")
    assert mine.models == (frozenset({"captain"}) if "captain" in keys else None)
    assert (ours.name, ours.role) == ("laptop", "operator")
    assert ours.sha256 == hashlib.sha256(STACK[2].encode()).hexdigest()


def test_telemetry_goes_where_the_option_says() -> None:
    environ = {"TUNEDROP_TELEMETRY_FOLDER": "/mine"}
    assert made(environ)["TUNEDROP_TELEMETRY_FOLDER"] == "/mine"
    assert made(environ, telemetry="/state/logs")["TUNEDROP_TELEMETRY_FOLDER"] == "/state/logs"


def test_what_up_prints_has_every_page_as_a_link_and_says_what_storage_does_not_promise() -> None:
    parts: dict[str, Any] = {"base_deployment": "base", "owner": Pid(1, 1.0), "storage": "s"}
    stack = Stack("http://a:1", "http://a:1/chat", "", "http://o:2", app_key="td-key", **parts)
    said = how_to_use(stack)
    assert "http://a:1/api/console#/?key=td-key\n" in said
    assert "http://a:1/api/console#/playground?key=td-key\n" in said
    assert "http://o:2/_emulator\n" in said
    assert "curl http://a:1/chat \\\n" in said
    assert "Azurite" in said
    assert "may be gone" in said
