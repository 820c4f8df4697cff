"""The dev container and Codespaces, as far as files and a laptop tell."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import dev
from local import ports, set_up
from local.host.origin import Hosts
from local.stack import HOST_PORT

ROOT = Path(__file__).resolve().parents[1]
SPACE = {
    "CODESPACE_NAME": "odd-owl-r4x",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}


@pytest.fixture(scope="module")
def container() -> dict[str, Any]:
    """JSON with comments, which begin a line."""
    lines = (ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.strip().startswith("//"))
    return dict(json.loads(text))


def test_it_has_what_the_set_up_needs(container: dict[str, Any]) -> None:
    version = re.search(r"python:1-3\.(\d+)-", container["image"])
    assert version
    assert 11 <= int(version[1]) <= 14
    (node,) = (about for name, about in container["features"].items() if "/node:" in name)
    assert int(node["version"]) >= set_up.OLDEST_NODE


def test_its_set_up_is_a_command_that_exists_and_whose_failure_shows(
    container: dict[str, Any],
) -> None:
    words = container["updateContentCommand"].split()
    assert words[:2] == ["python3", "dev.py"]
    assert words[2] in dev.COMMANDS
    assert len(words) == 3


def test_the_apps_port_is_forwarded(container: dict[str, Any]) -> None:
    assert container["forwardPorts"] == [HOST_PORT]
    assert set(container["portsAttributes"]) == {str(HOST_PORT)}


def test_a_codespace_calls_the_app_by_a_name_of_its_own() -> None:
    """Else every page of the console would be refused as another site's."""
    options = ports.forwarded(7071, SPACE)
    assert options == ["--allow-host", "odd-owl-r4x-7071.app.github.dev"]
    hosts = Hosts.of("127.0.0.1", options[1:])
    assert hosts.allow("odd-owl-r4x-7071.app.github.dev")
    assert not hosts.allow("other-owl-7071.app.github.dev")
    assert not hosts.allow("odd-owl-r4x-7072.app.github.dev")


@pytest.mark.parametrize("missing", SPACE)
def test_elsewhere_no_other_name_is_allowed(missing: str) -> None:
    assert (
        ports.forwarded(7071, {name: text for name, text in SPACE.items() if name != missing}) == []
    )
