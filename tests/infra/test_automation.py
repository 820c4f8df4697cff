"""The container image and the workflows, as far as files tell."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import package
from .conftest import ROOT

# What a job may write besides reading the code.
MORE = {"deploy": {"id-token"}, "code": {"security-events"}}
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    path = ROOT / f".github/workflows/{name}.yml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def docker_ignores(name: str) -> bool:
    """Docker's own rule: the last pattern wins that matches the file or a folder above it."""
    parts = name.split("/")
    places = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        regex = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(regex, place) for place in places) and not line.startswith("#"):
            ignored = not line.startswith("!")
    return ignored


def test_the_image_holds_what_a_deployment_ships() -> None:
    around = [
        path for folder in ("shared", "console", "infra") for path in (ROOT / folder).rglob("*")
    ]
    names = {path.relative_to(ROOT).as_posix() for path in [*around, *ROOT.iterdir()]}
    inside = {n for n in names if (ROOT / n).is_file() and not docker_ignores(n)}
    assert inside == set(package.files(ROOT))
    assert not [
        name for name in (*package.STRAYS, *package.BY_GIT_ONLY) if not docker_ignores(name)
    ]


def test_the_image_is_microsofts_with_the_python_of_the_template() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "ARG PYTHON=3.13" in lines
    assert "FROM mcr.microsoft.com/azure-functions/python:4-python${PYTHON}" in lines
    assert any("--require-hashes" in line for line in lines)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_asks_for_little(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        assert "timeout-minutes" in job
        assert {k for k, v in job.get("permissions", {}).items() if v == "write"} <= MORE.get(
            name, set()
        )
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_code_of_others_cannot_change_under_a_workflow(path: Path) -> None:
    """A tag can be moved, a commit cannot; the comment is for people, and for Dependabot."""
    text = path.read_text(encoding="utf-8")
    used = [line.partition("uses:")[2].strip() for line in text.splitlines() if "uses:" in line]
    used = [name for name in used if name != "./"]  # this checkout's own action
    assert used
    for name in used:
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+(; .+)?", name), name
    commits = {name.partition("@")[0].partition("/")[2]: name.partition("@")[2] for name in used}
    assert len({*used}) == len(commits), "one action, one commit"
    for line in text.splitlines():
        if "pipx run" in line:
            assert re.search(r"pipx run [\w-]+==[\d.]+ ", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_strangers_pull_request_meets_no_secret(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    triggers = set(content[True])  # YAML 1.1 reads `on` as a boolean
    assert not triggers & {"pull_request_target", "workflow_run", "issue_comment"}
    if "secrets." in path.read_text(encoding="utf-8"):
        assert triggers == {"workflow_dispatch"}


def test_what_is_pinned_is_moved_by_somebody() -> None:
    content = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
    kinds = {update["package-ecosystem"] for update in content["updates"]}
    assert kinds == {"pip", "npm", "github-actions", "docker"}


def test_the_tests_run_on_every_python_and_system_that_is_promised() -> None:
    matrix = workflow("tests")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={matrix['python'][0]},<3.15"
    said = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line]
    assert said == matrix["python"]


def test_a_deployment_signs_in_without_a_password() -> None:
    content = workflow("deploy")
    assert content["jobs"]["deploy"]["permissions"]["id-token"] == "write"
    text = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    assert "--federated-credential-provider github" in text
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"TUNEDROP_APP_KEYS"}


def test_what_a_workflow_sets_is_what_the_parameters_ask_for() -> None:
    asked = (ROOT / "infra/main.parameters.json").read_text(encoding="utf-8")
    known = set(re.findall(r"\$\{(\w+)", asked))
    known |= {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    assert set(workflow("deploy")["jobs"]["deploy"]["env"]) <= known
