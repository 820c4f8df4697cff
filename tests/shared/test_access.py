"""Who may chat, and what the others are told."""

import hashlib

import pytest

from shared.chat.access import admit
from shared.errors import AccessDenied, SettingError


def entry(name: str, key: str) -> str:
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"


KEYS = (entry("web", "secret-1"), entry("bot", "secret-2"))


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"authorization": "Bearer secret-1"}, "web"),
        ({"authorization": "bearer secret-2"}, "bot"),
        ({"api-key": "secret-2"}, "bot"),
    ],
)
def test_a_known_key_is_admitted_by_name(headers: dict[str, str], name: str) -> None:
    assert admit(headers, KEYS) == name


@pytest.mark.parametrize(
    "headers",
    [{}, {"api-key": ""}, {"api-key": "secret-3"}, {"authorization": "Basic secret-1"}],
)
def test_anybody_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(AccessDenied):
        admit(headers, KEYS)


def test_without_keys_nobody_is_admitted() -> None:
    with pytest.raises(AccessDenied):
        admit({"api-key": ""}, ())


def test_a_key_in_clear_text_in_the_settings_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingError) as refused:
        admit({"api-key": "x"}, ("web:secret-1",))
    assert "secret-1" not in str(refused.value)
