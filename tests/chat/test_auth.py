"""Who may chat, how much, and how the others are refused."""

import base64
import hashlib
import json

import pytest

from shared.chat.auth import Auth
from shared.chat.protocol import RateLimitExceeded
from shared.errors import AccessDenied, SettingError


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


KEYS = f"web:{digest('secret-1')}, bot:{digest('secret-2')}"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def limited(**limits: object) -> tuple[Auth, Clock]:
    clock = Clock()
    keys = json.dumps([{"name": "web", "sha256": digest("k"), **limits}])
    return Auth(keys, "", clock), clock


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"authorization": "Bearer secret-1"}, "web"),
        ({"authorization": "bearer secret-2"}, "bot"),
        ({"api-key": "secret-2"}, "bot"),
    ],
)
def test_a_known_key_is_admitted_by_name(headers: dict[str, str], name: str) -> None:
    assert Auth(KEYS, "").admit(headers).name == name


@pytest.mark.parametrize(
    "headers",
    [{}, {"api-key": ""}, {"api-key": "secret-3"}, {"authorization": "Basic secret-1"}],
)
@pytest.mark.parametrize("keys", [KEYS, ""])
def test_anybody_else_is_refused(headers: dict[str, str], keys: str) -> None:
    with pytest.raises(AccessDenied):
        Auth(keys, "").admit(headers)


@pytest.mark.parametrize("keys", ["web:secret-1", '[{"name": "web", "sha256": "secret-1"}]', "[1"])
def test_keys_that_cannot_be_read_are_refused_without_repeating_them(keys: str) -> None:
    with pytest.raises(SettingError) as refused:
        Auth(keys, "")
    assert "secret-1" not in str(refused.value)


def test_a_key_may_be_for_some_models_and_all_their_versions() -> None:
    auth, _ = limited(models=["captain"])
    caller = auth.admit({"api-key": "k"})
    assert caller.may_use("captain")
    assert caller.may_use("captain@3")
    assert not caller.may_use("tickets")


def test_requests_are_limited_per_minute_and_come_back_with_time() -> None:
    auth, clock = limited(requests_per_minute=2)
    for _ in range(2):
        auth.admit({"api-key": "k"})
    with pytest.raises(RateLimitExceeded) as reached:
        auth.admit({"api-key": "k"})
    assert reached.value.retry_after == pytest.approx(30)
    clock.now += reached.value.retry_after + 0.001
    auth.admit({"api-key": "k"})


def test_tokens_are_charged_after_the_answer_and_a_debt_must_be_waited_out() -> None:
    auth, clock = limited(tokens_per_minute=60)
    caller = auth.admit({"api-key": "k"})
    auth.reserve(caller, 1).settle(120)
    with pytest.raises(RateLimitExceeded):
        auth.admit({"api-key": "k"})
    clock.now += 62
    auth.admit({"api-key": "k"})


def principal(tenant: str) -> dict[str, str]:
    claims = {"claims": [{"typ": "tid", "val": tenant}, {"typ": "name", "val": "Ada"}]}
    return {
        "x-ms-client-principal": base64.b64encode(json.dumps(claims).encode()).decode(),
        "x-ms-client-principal-id": "ada",
    }


def test_the_platforms_sign_in_counts_for_the_configured_tenant_only() -> None:
    assert Auth("", "our-tenant").admit(principal("our-tenant")).name == "ada"
    for auth, headers in [
        (Auth("", "our-tenant"), principal("another")),
        (Auth("", ""), principal("our-tenant")),
        (Auth("", ""), principal("")),
        (Auth("", "our-tenant"), {"x-ms-client-principal": "?", "x-ms-client-principal-id": "a"}),
    ]:
        with pytest.raises(AccessDenied):
            auth.admit(headers)
