"""What each key has of its own: its limits, its name in the metrics, its length."""

import base64
import hashlib
import json

import pytest

from shared.chat.auth import MAX_KEY_LENGTH, Auth
from shared.chat.callers import Caller
from shared.chat.protocol import RateLimitExceeded
from shared.chat.sign_in import MAX_PRINCIPAL_BYTES
from shared.errors import AccessDenied, SettingError
from tests.support.at_once import at_once


def admitting(*names: str, key: str = "", **limits: int) -> Auth:
    """The key of each name is the name, unless it is given."""
    listed = [
        {"name": name, "sha256": hashlib.sha256((key or name).encode()).hexdigest(), **limits}
        for name in names
    ]
    return Auth(json.dumps(listed), "", lambda: 0.0)


def test_two_keys_share_no_limit_and_a_refusal_names_key_and_limit() -> None:
    auth = admitting("web", "bot", requests_per_minute=1)
    assert at_once(auth.admit({"api-key": "web"})).name == "web"
    assert at_once(auth.admit({"api-key": "bot"})).name == "bot"
    with pytest.raises(RateLimitExceeded) as refused:
        at_once(auth.admit({"api-key": "bot"}))
    assert refused.value.message.startswith("bot may use 1 requests per minute")
    assert refused.value.caller == "bot"


def test_to_be_admitted_costs_no_token() -> None:
    auth = admitting("web", tokens_per_minute=1)
    for _ in range(3):
        caller = at_once(auth.admit({"api-key": "web"}))
    auth.reserve(caller, 1)
    with pytest.raises(RateLimitExceeded, match="1 tokens per minute"):
        at_once(auth.admit({"api-key": "web"}))


def test_the_metrics_tell_keys_apart_and_no_person() -> None:
    auth = admitting("web")
    assert auth.name_of(at_once(auth.admit({"api-key": "web"}))) == "web"
    assert auth.name_of(Caller(name="ada")) == "a person"
    assert auth.name_of(None) == ""


def test_the_longest_key_is_a_key_and_a_longer_one_is_none() -> None:
    longest = "k" * MAX_KEY_LENGTH
    assert at_once(admitting("web", key=longest).admit({"api-key": longest})).name == "web"
    with pytest.raises(AccessDenied):
        at_once(admitting("web", key=f"{longest}k").admit({"api-key": f"{longest}k"}))


def test_only_base64_is_a_sign_in_however_long_it_may_be() -> None:
    auth = Auth("", "our-tenant")
    claims = {"claims": [{"typ": "tid", "val": "our-tenant"}], "x": ""}
    empty = len(json.dumps(claims))
    claims["x"] = "y" * (MAX_PRINCIPAL_BYTES // 4 * 3 - empty)
    longest = base64.b64encode(json.dumps(claims).encode()).decode()
    assert len(longest) == MAX_PRINCIPAL_BYTES
    person = {"x-ms-client-principal-id": "ada"}
    assert at_once(auth.admit({**person, "x-ms-client-principal": longest})).name == "ada"
    for wrong in (f"{longest}====", f"{longest[:40]}!{longest[40:]}"):
        with pytest.raises(AccessDenied):
            at_once(auth.admit({**person, "x-ms-client-principal": wrong}))
    short = base64.b64encode(json.dumps({**claims, "x": ""}).encode()).decode()
    assert at_once(auth.admit({**person, "x-ms-client-principal": short}))
    with pytest.raises(AccessDenied):
        at_once(auth.admit({**person, "x-ms-client-principal": f"!{short}"}))


def test_blanks_around_a_key_are_no_part_of_it_and_blanks_within_are() -> None:
    for header in ("Bearer  web", "bearer web ", "BEARER \tweb"):
        assert at_once(admitting("web").admit({"authorization": header})).name == "web"
    spaced = admitting("web", key="two words")
    assert at_once(spaced.admit({"authorization": "Bearer two words"})).name == "web"
    with pytest.raises(AccessDenied):
        at_once(spaced.admit({"authorization": "Bearer words"}))


def test_a_list_of_callers_may_begin_with_blanks_and_one_of_pairs_may_end_with_a_comma() -> None:
    digest = hashlib.sha256(b"k").hexdigest()
    for keys in (f'\n [{{"name": "web", "sha256": "{digest}"}}]\n', f" web:{digest}, ,\n"):
        assert at_once(Auth(keys, "").admit({"api-key": "k"})).name == "web"


def test_a_name_ends_at_the_first_colon() -> None:
    """Or a part of what was pasted as a key would be told as a name."""
    with pytest.raises(SettingError, match="sha256"):
        Auth(f"web:pasted:{hashlib.sha256(b'k').hexdigest()}", "")


def test_every_place_of_a_setting_that_cannot_be_read_is_told_as_far_as_there_is_room() -> None:
    few = json.dumps([{"name": "", "sha256": "?"}])
    with pytest.raises(SettingError) as refused:
        Auth(few, "")
    assert refused.value.message == "TUNEDROP_APP_KEYS cannot be read: 0.name, 0.sha256."
    many = json.dumps([{"name": "", "sha256": "?"}] * 100)
    with pytest.raises(SettingError) as refused:
        Auth(many, "")
    places = refused.value.message.removeprefix("TUNEDROP_APP_KEYS cannot be read: ")
    assert len(places) == len("….") + 200
