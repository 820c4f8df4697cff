"""`tunedrop probe` as it is called: what it prints, writes and refuses, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.probe.probed import KEY, Probed
from tunedrop.__main__ import cli
from tunedrop.probe.things import lines, upload


def probe(*words: str) -> Any:
    return CliRunner().invoke(cli, ["probe", *words])


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no settings of anybody."""
    monkeypatch.chdir(folder)
    for name in ("ENDPOINT", "API_KEY", "ACCOUNT"):
        monkeypatch.delenv(f"AZURE_OPENAI_{name}", raising=False)
    return folder


@pytest.fixture
def as_azure(here: Path, probed: Probed, monkeypatch: pytest.MonkeyPatch) -> Probed:
    """The emulator in the place of a real account, by the app's settings."""
    values = {
        "AZURE_OPENAI_ENDPOINT": probed.url,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": probed.url,
        "AZURE_SUBSCRIPTION_ID": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
        "AZURE_RESOURCE_GROUP": "rg-fabrikam",
        "AZURE_OPENAI_ACCOUNT": "fabrikam",
    }
    (here / "local.settings.json").write_text(json.dumps({"Values": values}))
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{probed.url}/_emulator/identity")
    monkeypatch.setenv("IDENTITY_HEADER", "local")
    return probed


def test_it_says_where_the_report_is_and_forgets_what_it_remembered(
    probed: Probed, here: Path
) -> None:
    done = probe("--emulator", probed.url, "--only", "address")
    assert done.exit_code == 0, done.output
    assert "15 as the table says, 0 differs" in done.output
    assert sorted(path.name for path in here.iterdir()) == [
        "tunedrop-probe.json",
        "tunedrop-probe.md",
    ]
    told = json.loads((here / "tunedrop-probe.json").read_text())
    assert told["probed"] == "emulator"
    assert KEY not in (here / "tunedrop-probe.json").read_text()


def test_what_differs_is_named_and_the_exit_code_is_1(probed: Probed, here: Path) -> None:
    probed.emulator.context.settings.change({"custom_subdomain": False})
    done = probe("--emulator", probed.url, "--only", "address")
    assert done.exit_code == 1
    assert "differs  address.foundry-token: 400 BadRequest" in done.output


def test_json_is_the_report(probed: Probed, here: Path) -> None:
    done = probe("--emulator", probed.url, "--only", "address", "--json")
    assert json.loads(done.stdout) == json.loads((here / "tunedrop-probe.json").read_text())


def test_a_real_account_is_asked_with_the_apps_settings_and_its_price_told(
    as_azure: Probed, here: Path
) -> None:
    done = probe("--live", "--only", "address", "--only", "control", "--yes")
    assert done.exit_code == 0, done.output
    assert "address      free" in done.stderr
    assert "in all at most $0.00; --max-usd allows $0.00" in done.stderr
    told = (here / "tunedrop-probe.json").read_text()
    assert json.loads(told)["probed"] == "Azure"
    assert "fabrikam" not in told


def test_a_real_account_is_asked_only_after_a_yes(as_azure: Probed, here: Path) -> None:
    as_azure.emulator.context.settings.change({"file_seconds": 0})
    done = probe("--live", "--only", "files")
    assert done.exit_code == 2
    assert "at most" in done.stderr
    assert "Give --yes to confirm it." in done.stderr
    assert as_azure.made("file") == 0


def test_clean_removes_what_is_left_and_makes_nothing(as_azure: Probed, here: Path) -> None:
    session = as_azure.session(here)
    upload(session, "one", lines())
    done = probe("--live", "--clean")
    assert (done.exit_code, done.stdout) == (0, "removed: 1 × file\n")
    done = probe("--live", "--clean")
    assert (done.exit_code, done.stdout) == (0, "removed: nothing was there\n")
    assert as_azure.made("file") == 1
    done = probe("--live", "--clean", "--json")
    assert json.loads(done.stdout) == {"removed": {}, "left": []}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--live", "--emulator", "http://127.0.0.1:1"], "exclude each other"),
        (["--emulator", "https://127.0.0.1:8080"], "real account is probed with --live"),
        (["--emulator", "http://fabrikam.example:80"], "has an address of this machine"),
        (["--emulator", "http://127.0.0.1@fabrikam.example:80"], "has an address of this machine"),
        (["--live"], "AZURE_OPENAI_ENDPOINT"),
        ([], "no stack runs in this folder"),
        (["--max-usd", "-1"], "--max-usd"),
    ],
)
def test_a_wrong_call_is_refused(here: Path, words: list[str], told: str) -> None:
    done = probe(*words)
    assert done.exit_code == 2
    assert told in done.output


def test_an_unknown_area_is_refused_with_those_that_there_are(probed: Probed, here: Path) -> None:
    done = probe("--emulator", probed.url, "--only", "everything")
    assert done.exit_code == 2
    assert "'everything' is no area. Give one of address, files, jobs" in done.stderr


def test_where_nobody_answers_the_same_command_can_be_given_again(here: Path) -> None:
    done = probe("--emulator", "http://127.0.0.1:1")
    assert done.exit_code == 3
    assert "no emulator of Azure OpenAI answers there" in done.stderr
