"""The hooks of azd, run against a stand-in for the Azure CLI that answers as a new app does."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from . import bicep
from .conftest import INFRA

HOOKS = INFRA / "hooks"
SH = [sh] if (sh := shutil.which("sh")) and os.name == "posix" else []
PWSH = [pwsh, "-NoProfile", "-File"] if (pwsh := shutil.which("pwsh")) else []
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-demo",
    "TUNEDROP_SITE": "tunedrop-x",
    "TUNEDROP_TOPIC": "tunedrop-x",
    "TUNEDROP_STORAGE": "datax",
    "TUNEDROP_DATASETS": "datasets",
    "TUNEDROP_APP": "https://tunedrop-x.azurewebsites.net",
    "TUNEDROP_PAUSE_SECONDS": "0",
}
# Writes what it was asked into a log and answers by the plan: lists of answers by first words.
AZ = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked.jsonl").open("a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
plan = json.loads((here / "plan.json").read_text())
for start, answers in plan.items():
    if " ".join(sys.argv[1:]).startswith(start):
        code, text = answers.pop(0) if len(answers) > 1 else answers[0]
        (here / "plan.json").write_text(json.dumps(plan))
        print(text, file=sys.stderr if code else sys.stdout)
        raise SystemExit(code)
raise SystemExit(f"no answer planned for {sys.argv[1:]}")
"""


class Az:
    """A folder for the PATH with `az` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "az.py").write_text(AZ, encoding="utf-8")
        (folder / "az").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder}/az.py" "$@"\n')
        (folder / "az").chmod(0o755)
        (folder / "az.cmd").write_text(f'@"{sys.executable}" "{folder}\\az.py" %*\n')

    def run(self, hook: str, plan: dict[str, Any], **more: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        path = os.pathsep.join([str(self.folder), os.environ["PATH"]])
        shell = SH if hook.endswith(".sh") else PWSH
        return subprocess.run(
            [*shell, str(HOOKS / hook)],
            env={**os.environ, **ENVIRONMENT, "PATH": path, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def asked(self) -> list[list[str]]:
        log = self.folder / "asked.jsonl"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def az(tmp_path: Path) -> Az:
    return Az(tmp_path)


needs_sh = pytest.mark.skipif(not SH, reason="not a POSIX system: azd runs the other hook")
needs_pwsh = pytest.mark.skipif(not PWSH, reason="PowerShell (pwsh) is not on this machine")
KEYS, DEPLOY = "functionapp keys list", "deployment group create"


@needs_sh
def test_it_waits_for_the_key_and_for_the_handshake(az: Az) -> None:
    plan = {
        KEYS: [[1, "Operation returned an invalid status 'Bad Request'"], [0, ""], [0, "the-key"]],
        DEPLOY: [[1, "Webhook validation handshake failed"], [0, "Succeeded"]],
    }
    done = az.run("subscribe.sh", plan)
    assert done.returncode == 0, done.stderr
    assert [" ".join(call[:3]) for call in az.asked()] == [KEYS] * 3 + [DEPLOY] * 2
    assert "https://tunedrop-x.azurewebsites.net/api/v1" in done.stdout
    assert "the-key" not in done.stdout + done.stderr


@needs_sh
def test_the_subscription_is_made_from_the_template_for_this_app(az: Az) -> None:
    az.run("subscribe.sh", {KEYS: [[0, "the-key"]], DEPLOY: [[0, "Succeeded"]]})
    call = az.asked()[-1]
    template = Path(call[call.index("--template-file") + 1])
    assert template.resolve() == (INFRA / "subscription.bicep").resolve()
    for given in ("app=tunedrop-x", "topic=tunedrop-x", "storageAccount=datax"):
        assert given in call
    assert "datasets=datasets" in call
    assert call[call.index("--resource-group") + 1] == "rg-demo"


@needs_sh
def test_a_host_that_never_starts_ends_the_deployment_with_what_az_said(az: Az) -> None:
    done = az.run("subscribe.sh", {KEYS: [[1, "host is not running"]]}, TUNEDROP_ATTEMPTS="3")
    assert done.returncode == 1
    assert "Given up after 3 attempts" in done.stderr
    assert "host is not running" in done.stderr
    assert len(az.asked()) == 3


@needs_sh
def test_a_warning_is_not_taken_for_a_key(az: Az) -> None:
    (az.folder / "az").write_text("#!/bin/sh\necho 'WARNING: a newer az' >&2\n", encoding="utf-8")
    done = az.run("subscribe.sh", {}, TUNEDROP_ATTEMPTS="2")
    assert done.returncode == 1


@needs_sh
def test_whoever_is_not_signed_in_is_told_before_anything_is_made(az: Az) -> None:
    done = az.run("check.sh", {"account show": [[1, "Please run 'az login'"]]})
    assert done.returncode == 1
    assert "az login" in done.stderr
    assert len(az.asked()) == 1


@needs_sh
def test_providers_that_a_new_subscription_lacks_are_registered(az: Az) -> None:
    done = az.run("check.sh", {"account show": [[0, "x"]], "provider register": [[0, ""]]})
    assert done.returncode == 0, done.stderr
    registered = {call[call.index("--namespace") + 1] for call in az.asked()[1:]}
    used = {
        line.split("'")[1].partition("/")[0]
        for file in INFRA.glob("*.bicep")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("resource ")
    }
    always_there = {"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources"}
    assert used - always_there <= registered


@needs_pwsh
def test_powershell_does_the_same(az: Az) -> None:
    done = az.run("subscribe.ps1", {KEYS: [[0, "the-key"]], DEPLOY: [[0, "Succeeded"]]})
    assert done.returncode == 0, done.stderr
    assert [" ".join(call[:3]) for call in az.asked()] == [KEYS, DEPLOY]
    assert "the-key" not in done.stdout + done.stderr


@needs_sh
@pytest.mark.parametrize("code", [0, 1])
def test_the_role_on_the_subscription_is_taken_back_and_never_in_the_way(az: Az, code: int) -> None:
    more = {"TUNEDROP_IDENTITY": "the-identity"}
    done = az.run("forget.sh", {"role assignment delete": [[code, "x"]]}, **more)
    assert done.returncode == 0
    (call,) = az.asked()
    assert call[-1] == f"/subscriptions/{ENVIRONMENT['AZURE_SUBSCRIPTION_ID']}"
    assert call[call.index("--assignee") + 1] == "the-identity"
    assert ("could not be taken back" in done.stderr) == bool(code)


def test_the_hooks_use_only_what_the_template_puts_out() -> None:
    known = set(bicep.read(INFRA / "main.bicep").outputs) | {
        "AZURE_SUBSCRIPTION_ID",
        "TUNEDROP_ATTEMPTS",
    }
    known |= {"TUNEDROP_PAUSE_SECONDS"}
    for script in (INFRA / "hooks").iterdir():
        text = script.read_text(encoding="utf-8")
        used = set(re.findall(r"\$\{?(?:env:)?((?:AZURE|TUNEDROP)_\w+)", text))
        assert used <= known, script.name
        if script.stem == "subscribe":
            required = [
                n for n, d in bicep.read(INFRA / "subscription.bicep").params.items() if not d
            ]
            assert re.findall(r"\b(\w+)=\"?\$", text.partition("--parameters")[2]) == required
