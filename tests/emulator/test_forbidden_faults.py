"""403 in its several meanings, each in the body in which it was reported."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from .harness import account_path
from .in_process import Inside, inside

FILES = "/openai/v1/files"
CHAT = "/openai/v1/chat/completions"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path) as running:
        yield running


def refused(client: TestClient, path: str = FILES) -> tuple[str, str]:
    answer = client.get(path) if path != CHAT else client.post(path, json={})
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error.keys() == {"code", "message"}
    return error["code"], error["message"]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("firewall", "403", "Access denied due to Virtual Network/Firewall rules."),
        ("virtual-network", "403", "A Virtual Network is configured for this resource."),
        ("public-access-disabled", "403", "Public access is disabled."),
        ("resource-blocked", "Forbidden", "Your resource has been temporarily blocked"),
    ],
)
def test_what_no_role_cures(emulator: Inside, fault: str, code: str, words: str) -> None:
    emulator.fault(fault, count=2)
    assert emulator.arm.get(account_path("/deployments")).status_code == 200  # another plane
    for path in (CHAT, FILES):
        given = refused(emulator.data, path)
        assert given[0] == code and given[1].startswith(words)
    assert emulator.data.get(FILES).status_code == 200


def test_network_faults_cannot_be_aimed_at_the_control_plane(emulator: Inside) -> None:
    wanted = {"fault": "firewall", "operation": "deployments.*"}
    assert emulator.control.post("/_emulator/faults", json=wanted).status_code == 400


def test_an_account_without_keys_takes_tokens_only(emulator: Inside) -> None:
    emulator.settings(disable_local_auth=True)
    assert refused(emulator.data)[0] == "AuthenticationTypeDisabled"
    assert emulator.with_token().get(FILES).status_code == 200
    wrong = emulator.control.get(FILES, headers={"api-key": "wrong"})
    assert wrong.status_code == 401  # no key at all, and so no disabled one


def test_an_account_without_keys_tells_none(emulator: Inside) -> None:
    def shown() -> bool:
        return bool(emulator.arm.get(account_path()).json()["properties"]["disableLocalAuth"])

    assert not shown()
    emulator.settings(disable_local_auth=True)
    answer = emulator.arm.post(account_path("/listKeys"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert "disableLocalAuth" in answer.json()["error"]["message"]
    assert shown()


def test_an_account_without_a_subdomain_takes_keys_only(emulator: Inside) -> None:
    """Its address is the region's, which knows no tenant."""

    def shown() -> object:
        return emulator.arm.get(account_path()).json()["properties"].get("customSubDomainName")

    assert shown() == "account"
    emulator.settings(custom_subdomain=False)
    answer = emulator.with_token().get(FILES)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "BadRequest",
        "message": "Please provide a custom subdomain for token authentication, otherwise API key"
        " is required.",
    }
    assert emulator.data.get(FILES).status_code == 200
    assert emulator.arm.get(account_path("/deployments")).status_code == 200
    assert shown() is None


def test_a_policy_forbids_in_the_control_plane(emulator: Inside) -> None:
    emulator.fault("disallowed-by-policy")
    answer = emulator.put("mine")
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error["code"] == "RequestDisallowedByPolicy"
    assert error["message"].startswith("Resource 'mine' was disallowed by policy. Reasons: ")
    assert emulator.put("mine").status_code == 201


def test_a_missing_role_is_something_else_in_each_plane(emulator: Inside) -> None:
    remove = {"remove": ["deployments.read", "files.read"]}
    emulator.control.post("/_emulator/rights", json=remove)
    answer = emulator.arm.get(account_path("/deployments"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    answer = emulator.with_token().get(FILES)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "PermissionDenied")
