"""Who may chat, how much, and how the others are refused."""

import hashlib
import json

import pytest
from starlette.datastructures import Headers

from shared.chat.auth import Auth
from shared.chat.protocol import RateLimitExceeded
from shared.errors import AccessDenied, SettingError
from tests.support.at_once import at_once


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
        # A gateway's token, or the word that a program has for nothing, beside the key.
        ({"authorization": "Bearer eyJhbGciOiJub25lIn0.e30.x", "api-key": "secret-1"}, "web"),
        ({"authorization": "Bearer null", "api-key": "secret-1"}, "web"),
        ({"authorization": "Basic dTpw", "api-key": "secret-1"}, "web"),
        ({"authorization": f"Bearer {'x' * 70_000}", "api-key": "secret-1"}, "web"),
        ({"authorization": "Bearer secret-2", "api-key": "null"}, "bot"),
        ({"authorization": "Bearer secret-1", "api-key": "secret-1"}, "web"),
        ({"authorization": "Bearer secret-1", "api-key": "secret-2"}, "web"),
        # Without the scheme, or with a second one that was entered as a part of the key.
        ({"authorization": "secret-1"}, "web"),
        ({"authorization": "Bearer Bearer secret-1"}, "web"),
        ({"authorization": " bearer  secret-1 "}, "web"),
        ({"api-key": "Bearer secret-2"}, "bot"),
    ],
)
def test_a_known_key_is_admitted_by_name(headers: dict[str, str], name: str) -> None:
    assert at_once(Auth(KEYS, "").admit(headers)).name == name


def test_a_gateways_line_of_the_same_header_does_no_harm() -> None:
    lines = [("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30.x"), ("Authorization", "secret-2")]
    headers = Headers(raw=[(name.lower().encode(), said.encode()) for name, said in lines])
    assert at_once(Auth(KEYS, "").admit(headers)).name == "bot"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"api-key": ""},
        {"authorization": "Bearer "},
        {"api-key": "secret-3"},
        {"authorization": "Basic secret-1"},
        {"authorization": "secret-1 secret-1"},
        {"authorization": "Bearer " * 3 + "secret-1"},
    ],
)
@pytest.mark.parametrize("keys", [KEYS, ""])
def test_anybody_else_is_refused(headers: dict[str, str], keys: str) -> None:
    with pytest.raises(AccessDenied):
        at_once(Auth(keys, "").admit(headers))


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "No key was sent."),
        ({"authorization": "Basic secret-1"}, "No key was sent."),
        ({"api-key": "resource-key"}, "The key in api-key is none"),
        ({"authorization": "Bearer x", "api-key": "y"}, "The key in authorization and api-key"),
    ],
)
def test_whoever_is_refused_reads_where_the_key_was_looked_for(
    headers: dict[str, str], says: str
) -> None:
    with pytest.raises(AccessDenied) as refused:
        at_once(Auth(KEYS, "").admit(headers))
    assert refused.value.message.startswith(says)
    assert "resource-key" not in str(refused.value)
    assert "keys of Azure OpenAI" in refused.value.fix


def test_every_offered_key_is_compared_with_every_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However early one fits: time would tell how far a guess has come."""
    compared: list[tuple[str, str]] = []

    def compare(known: str, offered: str) -> bool:
        compared.append((known, offered))
        return known == offered

    monkeypatch.setattr("hmac.compare_digest", compare)
    at_once(Auth(KEYS, "").admit({"authorization": "Bearer secret-1", "api-key": "secret-2"}))
    known = [digest("secret-1"), digest("secret-2")]
    assert sorted(compared) == sorted((k, o) for k in known for o in known)


@pytest.mark.parametrize("keys", ["web:secret-1", '[{"name": "web", "sha256": "secret-1"}]', "[1"])
def test_keys_that_cannot_be_read_are_refused_without_repeating_them(keys: str) -> None:
    with pytest.raises(SettingError) as refused:
        Auth(keys, "")
    assert "secret-1" not in str(refused.value)


def test_a_key_may_be_for_some_models_and_all_their_versions() -> None:
    auth, _ = limited(models=["captain"])
    caller = at_once(auth.admit({"api-key": "k"}))
    assert caller.may_use("captain")
    assert caller.may_use("captain@3")
    for another in ("tickets", "tickets@1", "captain2", "captain2@3", "@captain", ""):
        assert not caller.may_use(another)


@pytest.mark.parametrize("same", [4, 16, 32, 63])
def test_a_key_is_all_of_its_digest(same: int) -> None:
    """Whoever finds a key with the same first digits, or the same last ones, has found none."""
    key = digest("k")
    other = "".join("1" if figure == "0" else "0" for figure in key)
    for known in (key[:same] + other[same:], other[:-same] + key[-same:]):
        with pytest.raises(AccessDenied):
            at_once(Auth(f"web:{known}", "").admit({"api-key": "k"}))


def test_requests_and_tokens_are_limited_each_for_itself() -> None:
    auth, _ = limited(requests_per_minute=1, tokens_per_minute=60)
    auth.reserve(at_once(auth.admit({"api-key": "k"})), 60).settle(10)
    with pytest.raises(RateLimitExceeded, match="1 requests per minute"):
        at_once(auth.admit({"api-key": "k"}))


def test_a_debt_is_waited_out_to_its_end() -> None:
    auth, clock = limited(tokens_per_minute=60)
    auth.reserve(at_once(auth.admit({"api-key": "k"})), 1).settle(
        180
    )  # two minutes' worth too many
    for _ in range(119):
        clock.now += 1
        with pytest.raises(RateLimitExceeded):
            at_once(auth.admit({"api-key": "k"}))
    clock.now += 2
    at_once(auth.admit({"api-key": "k"}))


def test_requests_are_limited_per_minute_and_come_back_with_time() -> None:
    auth, clock = limited(requests_per_minute=2)
    for _ in range(2):
        at_once(auth.admit({"api-key": "k"}))
    with pytest.raises(RateLimitExceeded) as reached:
        at_once(auth.admit({"api-key": "k"}))
    assert reached.value.retry_after == pytest.approx(30)
    clock.now += reached.value.retry_after + 0.001
    at_once(auth.admit({"api-key": "k"}))


def test_tokens_are_charged_after_the_answer_and_a_debt_must_be_waited_out() -> None:
    auth, clock = limited(tokens_per_minute=60)
    caller = at_once(auth.admit({"api-key": "k"}))
    auth.reserve(caller, 1).settle(120)
    with pytest.raises(RateLimitExceeded):
        at_once(auth.admit({"api-key": "k"}))
    clock.now += 62
    at_once(auth.admit({"api-key": "k"}))


# ---- keys that are none, and lists of keys that are not what they seem


@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n", "\t"])
def test_the_digest_of_an_empty_text_is_no_key(text: str) -> None:
    """`printf %s "$KEY" | sha256sum` makes it where KEY is not set: everybody would be admitted."""
    for digest_of in (digest(text), digest(text).upper()):
        with pytest.raises(SettingError) as refused:
            Auth(f"web:{digest_of}", "")
        assert 'printf %s "$KEY"' in refused.value.message
        assert "Set KEY" in refused.value.fix


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"api-key": ""},
        {"api-key": "  "},
        {"authorization": "Bearer"},
        {"authorization": "Bearer  "},
        {"authorization": ""},
    ],
)
def test_no_key_is_refused_before_it_is_hashed(
    headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = Auth(KEYS, "")
    empty = auth.callers[0].model_copy(update={"sha256": digest("")})
    monkeypatch.setattr(auth, "callers", [empty])
    with pytest.raises(AccessDenied):
        at_once(auth.admit(headers))


@pytest.mark.parametrize("key", ["\xff\xfe", "\ud800", "k" * 70_000, "\x00", "\x1b[2J"])
@pytest.mark.parametrize("name", ["api-key", "authorization"])
def test_any_key_that_is_none_is_refused(name: str, key: str) -> None:
    with pytest.raises(AccessDenied):
        at_once(Auth(KEYS, "").admit({name: f"Bearer {key}" if name == "authorization" else key}))


def entry(name: str = "web", key: str = "k", **more: object) -> dict[str, object]:
    return {"name": name, "sha256": digest(key), **more}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (f"web:{digest('a')},web:{digest('b')}", "one name: 'web'"),
        (f"web:{digest('a')},bot:{digest('a')}", "one digest: 'bot', 'web'"),
        (f"web:{digest('a')},bot:{digest('a').upper()}", "one digest"),
        (json.dumps([entry(), entry("b", "b"), entry(key="c")]), "one name"),
        (f":{digest('a')}", "name"),
        (json.dumps([entry("")]), "0.name"),
        (json.dumps([entry(" web")]), "0.name"),
        (json.dumps([entry("w\neb")]), "0.name"),
        (json.dumps([entry("w\x1b[2Jeb")]), "0.name"),
        (json.dumps([entry("w" * 65)]), "0.name"),
        (json.dumps([entry(models=None)]), "0.models"),
        (json.dumps([entry(models="captain")]), "0.models"),
        (json.dumps([entry(role="reader", models=["captain"])]), "has the role reader and models"),
        (json.dumps([entry(role="operator", models=[])]), "narrows keys of the role chat"),
        (json.dumps([entry(model=["captain"])]), "0.model"),
        (json.dumps([entry(requests_per_minute=None)]), "0.requests_per_minute"),
        (json.dumps([entry(tokens_per_minute=None)]), "0.tokens_per_minute"),
        (json.dumps([entry(tokens_per_minute=0)]), "0.tokens_per_minute"),
        (json.dumps([entry(tokens_per_minute=10**400)]), "0.tokens_per_minute"),
        ("[" * 100_000, "cannot be read"),
        ("[\ud800", "cannot be read"),
    ],
)
def test_a_list_of_keys_that_would_let_too_many_in_is_refused(keys: str, says: str) -> None:
    with pytest.raises(SettingError) as refused:
        Auth(keys, "")
    assert says in str(refused.value)
    assert len(str(refused.value)) < 600
    assert refused.value.fix


def test_a_key_for_no_models_is_for_none() -> None:
    """An empty list is not the same as no list."""
    auth, _ = limited(models=[])
    assert not at_once(auth.admit({"api-key": "k"})).may_use("captain")
