"""Whatever bytes come: a chat, or one clear refusal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chat.parsing import MAX_VALUES, BadRequest, has_more_values
from shared.chat.protocol import (
    ChatRequest,
    error_event,
    error_response,
    parse_chat,
)
from shared.chat.unanswered import ModelNotReady
from shared.errors import Denied, Refused, SettingError, Throttled, TunedropError, Unavailable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("m") | JSON,
        "messages": st.lists(st.fixed_dictionaries({"role": JSON}), max_size=3) | JSON,
        "stream": JSON,
        "other": JSON,
    },
)


def outcome(body: bytes) -> ChatRequest | BadRequest:
    try:
        return parse_chat(body)
    except BadRequest as refused:
        return refused


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_with_a_fix(body: bytes) -> None:
    refused = outcome(body)
    assert isinstance(refused, BadRequest)
    assert refused.message
    assert refused.fix


@given(NEARLY)
def test_what_is_taken_is_forwarded_as_it_came_but_for_the_model(chat: dict[str, object]) -> None:
    parsed = outcome(json.dumps(chat).encode())
    if isinstance(parsed, ChatRequest):
        forwarded = json.loads(parsed.body_for("deployment", usage=False))
        assert forwarded == {**chat, "model": "deployment"}
        assert parsed.model == chat["model"]
        assert parsed.streams is bool(chat.get("stream"))


@given(JSON, st.integers(0, 20))
def test_values_are_counted_without_parsing(value: object, limit: int) -> None:
    """Each list, object and member counts; an empty list and one with a value count the same."""

    def values(inner: object) -> int:
        if isinstance(inner, dict):
            return max(1, len(inner)) + sum(map(values, inner.values()))
        if isinstance(inner, list):
            return max(1, len(inner)) + sum(map(values, inner))
        return 0

    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert has_more_values(text, limit) is (values(value) > limit)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("value", ["[]", "1", '""', '"\\\\"', '"\\"["', '{"a":1}'])
def test_a_large_body_with_too_many_values_is_refused(value: str, encoding: str) -> None:
    """Only there: a parser would hold the interpreter for longer than a second."""

    def body(count: int) -> bytes:
        content = f"[{','.join([value] * count)}]"
        text = f'{{"model": "m", "messages": [{{"role": "user", "content": {content}}}]}}'
        return f"{text}{' ' * 70_000}".encode(encoding)

    refused = outcome(body(MAX_VALUES + 1))
    assert isinstance(refused, BadRequest)
    assert "values" in refused.message
    assert isinstance(outcome(body(MAX_VALUES // 4)), ChatRequest)


def test_text_full_of_brackets_is_text() -> None:
    content = '{"a": [1, 2, 3]}, ' * 100_000
    messages = [{"role": "user", "content": content}]
    parsed = outcome(json.dumps({"model": "m", "messages": messages}).encode())
    assert isinstance(parsed, ChatRequest)
    assert parsed.body["messages"] == messages


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Throttled("m", retry_after=7), 429, "upstream_throttled"),
        (Denied("m"), 502, "upstream_refused"),
        (Refused("m"), 502, "upstream_refused"),
        (SettingError("m"), 503, "settings_unreadable"),
        (ModelNotReady("m"), 503, "model_not_ready"),
        (Unavailable("m"), 503, "upstream_unavailable"),
        (Unavailable("m", code="429"), 503, "upstream_unavailable"),
        (Unavailable("m", code="ServerBusy"), 503, "upstream_unavailable"),
    ],
)
def test_errors_are_told_apart_by_their_type(error: TunedropError, status: int, code: str) -> None:
    """A service's own code is no code of ours."""
    response = error_response(error, "r")
    assert response.status_code == status
    assert json.loads(bytes(response.body))["error"]["code"] == code
    assert json.loads(error_event(error).removeprefix(b"data: "))["error"]["code"] == code
    assert response.headers.get("retry-after") == ("7" if status == 429 else None)
