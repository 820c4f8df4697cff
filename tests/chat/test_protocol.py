"""Whatever bytes come: a chat, or one clear refusal."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.chat.protocol import BadRequest, ChatRequest, parse_chat, tokens_used

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
def test_any_bytes_are_refused_with_a_cure(body: bytes) -> None:
    refused = outcome(body)
    assert isinstance(refused, BadRequest)
    assert refused.message
    assert refused.fix


@given(NEARLY)
def test_what_is_taken_is_forwarded_as_it_came_but_for_the_model(chat: dict[str, object]) -> None:
    taken = outcome(json.dumps(chat).encode())
    if isinstance(taken, ChatRequest):
        assert json.loads(taken.body_for("deployment")) == {**chat, "model": "deployment"}
        assert taken.model == chat["model"]
        assert taken.streams is bool(chat.get("stream"))


def test_the_cost_is_what_the_answer_says_or_about_one_token_an_event() -> None:
    assert tokens_used(b'..."usage": {"prompt_tokens": 3, "total_tokens": 17}}', 5) == 17
    assert tokens_used(b"data: {}\n\n", 5) == 5
