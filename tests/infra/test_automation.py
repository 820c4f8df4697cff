"""The container image and the workflows, as far as files tell."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import package
from .conftest import ROOT

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


def test_the_image_is_microsofts_with_the_python_of_the_template() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "ARG PYTHON=3.13" in lines
    assert "FROM mcr.microsoft.com/azure-functions/python:4-python${PYTHON}" in lines
    assert any("--require-hashes" in line for line in lines)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_asks_for_little_and_names_its_actions_versions(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["permissions"]["contents"] == "read"
    assert all("timeout-minutes" in job for job in content["jobs"].values())
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w/-]+@(v\d+|[0-9a-f]{40})", name) for name in used)
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


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
    assert content["permissions"]["id-token"] == "write"
    text = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    assert "--federated-credential-provider github" in text
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"TUNEDROP_APP_KEYS"}


def test_what_a_workflow_sets_is_what_the_parameters_ask_for() -> None:
    asked = (ROOT / "infra/main.parameters.json").read_text(encoding="utf-8")
    known = set(re.findall(r"\$\{(\w+)", asked))
    known |= {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
    assert set(workflow("deploy")["jobs"]["deploy"]["env"]) <= known
