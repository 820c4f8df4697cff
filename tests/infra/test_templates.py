"""What GitHub and pre-commit read of this repository has the form that they take."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import dev

from .conftest import ROOT

FORMS = [
    path
    for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    if path.stem != "config"
]
# https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/
# syntax-for-githubs-form-schema, read 2026-11
NEEDED = {"markdown": {"value"}, "textarea": {"label"}, "input": {"label"}, "dropdown": {"label"}}


def content(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_shows(path: Path) -> None:
    """It leaves out a form with a mistake, without a word to who opens an issue."""
    form = content(path)
    assert form["name"]
    assert form["description"]
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert asked
    for part in form["body"]:
        assert NEEDED[part["type"]] <= set(part["attributes"])
    ids = [part["id"] for part in asked]
    labels = [part["attributes"]["label"] for part in asked]
    assert len(set(ids)) == len(ids)
    assert len(set(labels)) == len(labels)
    for part in asked:
        options = part["attributes"].get("options", [None])
        assert len(options) == len(set(options)) > 0


def test_a_vulnerability_is_led_elsewhere_and_every_other_issue_has_a_form() -> None:
    config = content(ROOT / ".github/ISSUE_TEMPLATE/config.yml")
    assert config["blank_issues_enabled"] is False
    assert all(link["url"].startswith("https://") for link in config["contact_links"])
    assert len({content(path)["name"] for path in FORMS}) == len(FORMS) >= 3


def test_before_a_push_the_check_runs_as_anybody_runs_it() -> None:
    config = content(ROOT / ".pre-commit-config.yaml")
    ((hook,),) = (repo["hooks"] for repo in config["repos"])
    python, program, *command = hook["entry"].split()
    assert (python, program, hook["language"]) == ("python3", "dev.py", "system")
    assert command == ["check"]
    assert command[0] in dev.COMMANDS
    assert hook["pass_filenames"] is False  # it checks everything, and takes no names
    assert config["default_install_hook_types"] == ["pre-push"]
    assert "pre-push" in hook["stages"]
