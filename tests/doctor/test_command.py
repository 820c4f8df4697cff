"""The command and the route: what people and pipelines see, and who may ask."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.catalog import lookup
from shared.cloud.rest import ARM_API_VERSION
from shared.doctor.roles import ROLES
from tests.doctor.ids import UNREACHABLE
from tests.host.conftest import Process, eventually
from tests.support.stack import StackHarness


def doctor(folder: Path, root: Path, *options: str, **settings: str) -> tuple[int, str]:
    """Exit code and all that was printed, with nothing but these settings in the environment."""
    kept = {k: os.environ[k] for k in ("PATH", "HOME", "SYSTEMROOT") if k in os.environ}
    environ = {**kept, "PYTHONPATH": str(root), "COLUMNS": "80", **settings}
    command = [sys.executable, "-m", "tunedrop", "doctor", *options]
    ran = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def at_home(stack: StackHarness, tmp_path: Path) -> Path:
    """A folder from which `dev.py up` seems to have been started."""
    (tmp_path / ".local").mkdir()
    stack.addresses.write(tmp_path / ".local")
    return tmp_path


def test_the_running_stack_is_healthy(at_home: Path, root: Path) -> None:
    code, output = doctor(at_home, root, "--local")
    assert code == 0, output
    assert re.search(r"^ok +host +The host runs", output, re.MULTILINE)
    assert re.search(r"^ok +delivery", output, re.MULTILINE)
    code, output = doctor(at_home, root, "--local", "--json")
    checks = json.loads(output)["checks"]
    assert code == 0
    assert {check["state"] for check in checks} <= {"ok", "warning"}
    assert {key for check in checks for key in check} == {"id", "state", "message", "fix"}


def test_an_app_with_a_problem_exits_with_1_and_prints_the_fix(tmp_path: Path, root: Path) -> None:
    values = {
        "AZURE_OPENAI_API_KEY": "SECRET",
        "AZURE_OPENAI_ENDPOINT": UNREACHABLE,
    }
    (tmp_path / "local.settings.json").write_text(
        json.dumps({"IsEncrypted": False, "Values": values}), encoding="utf-8"
    )
    code, output = doctor(tmp_path, root, "--wait", "0", IDENTITY_ENDPOINT=f"{UNREACHABLE}/token",
                        IDENTITY_HEADER="SECRET")  # fmt: skip
    assert code == 1
    assert "SECRET" not in output
    assert re.search(r"^problem +setting:AZURE_OPENAI_ACCOUNT ", output, re.MULTILINE)
    # A command is one line, however narrow the terminal: it is there to be copied.
    (line,) = [line for line in output.splitlines() if "--settings AZURE_OPENAI_ACCOUNT" in line]
    assert "az functionapp config appsettings set --name APP" in line


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ((), None, "no settings here"),
        (("--local",), None, "dev.py up"),
        (("--app", "my-app"), None, "https://NAME"),
        (("--app", UNREACHABLE, "--local"), None, "exclude each other"),
        ((), "{", "cannot be read as JSON"),
        ((), '{"IsEncrypted": true}', "func settings decrypt"),
    ],
)
def test_what_cannot_be_checked_exits_with_2(
    tmp_path: Path, root: Path, options: tuple[str, ...], settings: str | None, message: str
) -> None:
    if settings:
        (tmp_path / "local.settings.json").write_text(settings, encoding="utf-8")
    code, output = doctor(tmp_path, root, *options)
    assert code == 2
    assert message in " ".join(output.split())


def test_an_app_that_is_not_reached_exits_with_3(tmp_path: Path, root: Path) -> None:
    code, output = doctor(tmp_path, root, "--app", UNREACHABLE)
    assert (code, "Does the app run?" in output) == (3, True)


# ---- the route ---------------------------------------------------------------------------------


def get(url: str, **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_deep_health_is_the_doctors(stack: StackHarness) -> None:
    status, answer = stack.open("health?deep=1")
    body = json.loads(answer)
    assert status == 200
    assert body["healthy"] is True
    assert {"delivery", "chat", "quota"} <= {check["id"] for check in body["checks"]}


@pytest.fixture
def guarded(stack: StackHarness, root: Path, tmp_path: Path) -> Iterator[str]:
    """The app under a host that asks for keys, as in Azure; its service is not there."""
    settings = {
        "AzureWebJobsStorage": stack.addresses.storage,
        "AzureFunctionsWebHost__hostid": "guarded",
        "FUNCTIONS_MASTER_KEY": "the-masters-key",
        "FUNCTIONS_HOST_KEY": "the-key",
        "PYTHON_ENABLE_INIT_INDEXING": "1",
        "TunedropStorage": stack.addresses.storage,
    }
    options = ("--app", str(root), "--port", "0")
    host = Process(tmp_path / "host.log", "local.host", *options, environment=settings)
    try:
        found = eventually(lambda: re.search(r"Host started: (\S+)", host.text), "the host starts")
        yield found[1]
    finally:
        host.stop()


def test_only_who_has_a_key_gets_the_results(guarded: str, tmp_path: Path, root: Path) -> None:
    for path in ("doctor", "health?deep=1"):
        assert get(f"{guarded}/api/{path}")[0] == 401
    status, body = get(f"{guarded}/api/health")
    assert status == 503
    assert b"AZURE_OPENAI_ENDPOINT is missing" in body
    code, output = doctor(tmp_path, root, "--app", guarded)
    assert code == 3
    assert "wants a key" in output
    # An app whose settings are incomplete can still say so.
    code, output = doctor(tmp_path, root, "--app", guarded, TUNEDROP_FUNCTION_KEY="the-key")
    assert code == 1
    assert "setting:AZURE_OPENAI_ENDPOINT" in output
    assert "the-key" not in output


# ---- what is written down ----------------------------------------------------------------------


def test_the_roles_are_those_that_are_given(root: Path) -> None:
    given = json.loads((root / "infra/roles.json").read_text(encoding="utf-8"))["given"]
    ours = {key: (role.name, role.id, role.scope) for key, role in ROLES.items()}
    theirs = {key: (given[key]["name"], given[key]["id"], given[key]["scope"]) for key in ROLES}
    assert ours == theirs
    assert {given[key]["to"] for key in ROLES} == {"app"}


def test_what_is_deployed_and_what_is_checked_agree(root: Path) -> None:
    infra = root / "infra"
    versions = json.loads((infra / "versions.json").read_text(encoding="utf-8"))
    assert versions["Microsoft.CognitiveServices/accounts"] == ARM_API_VERSION
    regions = json.loads((infra / "regions.json").read_text(encoding="utf-8"))["training"]
    for model in lookup.MODELS:
        there = regions["standard"].get(model.name, regions["standard"]["regions"])
        assert set(lookup.standard_regions(model.name)) == set(there)


def test_the_app_starts_without_importing_the_doctor(root: Path) -> None:
    code = "import sys, function_app; print([m for m in sys.modules if 'doctor' in m])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
