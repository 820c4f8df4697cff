"""Whatever stands in the list of keys or in a header: somebody who is known, or nobody."""

import base64
import hashlib
import json
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.chat.auth import Auth
from shared.chat.setting_keys import EMPTY_DIGESTS, parse_keys
from shared.errors import AccessDenied, SettingError
from shared.printable import printable
from tests.support.at_once import at_once
from tests.support.fuzz import fuzz

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
DIGEST = st.sampled_from([hashlib.sha256(key).hexdigest() for key in (b"", b"a", b"b", b"\n")])
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["web", "bot"]) | JSON,
        "sha256": DIGEST | DIGEST.map(str.upper) | JSON,
        "models": st.lists(st.text(max_size=5), max_size=2) | JSON,
        "requests_per_minute": st.integers() | JSON,
        "tokens_per_minute": JSON,
        "x": JSON,
    },
)
SHORT = st.lists(st.tuples(st.text(max_size=5), DIGEST | st.text(max_size=64)), max_size=4).map(
    lambda entries: ",".join(":".join(entry) for entry in entries)
)


@fuzz
@given(st.text() | SHORT | (st.lists(ENTRY, max_size=4) | JSON).map(json.dumps))
@example("[\ud800")
@example('[{"name": "web", "sha256": "' + "0" * 64 + '", "tokens_per_minute": 1e400}]')
@example("\x1b:" + "0" * 64)
def test_fuzz_of_a_list_of_keys(setting: str) -> None:
    """Each caller has a name and a key of its own, and nobody is admitted without a key."""
    try:
        holders = parse_keys(setting)
    except SettingError as refused:
        assert refused.message.startswith("TUNEDROP_APP_KEYS")
        assert len(str(refused)) < 800
        assert printable(str(refused)) == str(refused)
        return
    assert len({holder.name for holder in holders}) == len(holders)
    digests = {holder.sha256.lower() for holder in holders}
    assert len(digests) == len(holders)
    assert not digests & EMPTY_DIGESTS
    assert all(holder.name.strip() == printable(holder.name) != "" for holder in holders)
    auth = Auth(setting, "")
    for headers in ({}, {"api-key": ""}, {"authorization": "Bearer "}):
        assert not admitted(auth, headers)


def admitted(auth: Auth, headers: dict[str, str]) -> str:
    try:
        return at_once(auth.admit(headers)).name
    except AccessDenied:
        return ""


CLAIM = st.fixed_dictionaries(
    {},
    optional={
        "typ": st.sampled_from(["tid", "name"]) | JSON,
        "val": st.sampled_from(["ours", "others"]) | JSON,
    },
)
PRINCIPAL = st.fixed_dictionaries({"claims": st.lists(CLAIM | JSON, max_size=4) | JSON}) | JSON


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


@fuzz
@given(
    st.text()
    | st.binary().map(lambda raw: base64.b64encode(raw).decode())
    | PRINCIPAL.map(encoded),
    st.just("ada") | st.text(),
)
@example(base64.b64encode(b"[" * 40_000).decode(), "ada")
@example(encoded({"claims": [{"typ": "tid", "val": "ours"}, {"typ": "tid", "val": "others"}]}), "a")
@example("\ud800", "ada")
def test_fuzz_of_a_sign_in_header(header: str, person: str) -> None:
    headers = {"x-ms-client-principal": header, "x-ms-client-principal-id": person}
    assert not admitted(Auth("", ""), headers)
    if admitted(Auth("", "ours"), headers):
        claims = json.loads(base64.b64decode(header))["claims"]
        assert {str(c["val"]) for c in claims if c["typ"] == "tid"} == {"ours"}
        assert person.isprintable()
        assert person


@fuzz
@given(st.text(), st.sampled_from(["authorization", "api-key"]))
@example("Bearer " + "\ud800", "authorization")
def test_fuzz_of_a_key(key: str, name: str) -> None:
    assume(key.removeprefix("Bearer").strip() != "right")
    auth = Auth(f"web:{hashlib.sha256(b'right').hexdigest()}", "")
    assert not admitted(auth, {name: key})
