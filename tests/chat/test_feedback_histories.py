"""Histories as SDKs make them come out as lines that the dataset check takes, or are counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage

from shared.chat.examples import Method, Reason
from tests.chat.remembered import (
    CALL,
    CORRECTED,
    GOOD,
    QUESTION,
    TOOL,
    WEATHER,
    Example,
    Remembered,
    check,
    whole,
)
from tests.support.fuzz import fuzz

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12)
SAID = TEXTS.filter(str.strip)


def dumped(**fields: Any) -> Example:
    """A message as the SDK gives it and its users send it back."""
    message = {"role": "assistant", "content": None, **fields}
    return ChatCompletionMessage.model_validate(message).model_dump()


@st.composite
def exchanges(draw: st.DrawFn) -> list[Example]:
    number = draw(st.integers(0, 9))
    text = {"type": "text", "text": draw(SAID), "annotations": []}
    picture = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": None},
    }
    asked = draw(st.sampled_from(["text", [text], [{"type": "text", "text": ""}, text, picture]]))
    call = CALL | {"id": f"call_{number}"}
    plain = dumped(content=draw(SAID), annotations=[], reasoning_content=draw(TEXTS), audio=None)
    calling = [
        dumped(tool_calls=[call], content=draw(st.sampled_from([None, ""]))),
        {"role": "tool", "tool_call_id": call["id"], "content": draw(SAID), "name": "weather"},
    ]
    refused = dumped(refusal=draw(SAID))
    answer = draw(st.sampled_from([[plain], [*calling, plain], [refused]]))
    return [{"role": "user", "content": asked, "name": None}, *answer]


@st.composite
def histories(draw: st.DrawFn) -> Example:
    system = {
        "role": draw(st.sampled_from(["system", "developer"])),
        "content": draw(st.just("") | SAID),
    }
    before = [message for turn in draw(st.lists(exchanges(), max_size=3)) for message in turn]
    question = {"role": "user", "content": draw(SAID)}
    return {
        "messages": [*draw(st.sampled_from([[], [system]])), *before, question],
        "tools": [TOOL | {"function": TOOL["function"] | {"strict": None, "description": None}}],  # type: ignore[operator]
        "parallel_tool_calls": draw(st.sampled_from([None, True])),
    }


ENDS = [whole(), whole(None, "tool_calls", tool_calls=[CALL]), whole(None, refusal="No.")]


@fuzz
@given(histories(), st.sampled_from(ENDS), st.sampled_from(list(Method)))
async def test_what_sdks_send_comes_out_as_what_the_own_check_takes(
    body: Example, answer: bytes, method: Method
) -> None:
    remembered = Remembered()
    await remembered.said(answer, GOOD if method is Method.SUPERVISED else CORRECTED, **body)
    examples = await remembered.examples(method)
    assert len(examples) == 1, remembered.left_out
    check(examples, method)
    assert "null" not in json.dumps(examples)


@pytest.mark.parametrize("method", list(Method))
async def test_an_example_has_the_keys_of_the_format_alone(method: Method) -> None:
    more: dict[str, Any] = {
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x"}}],
        "audio": {"id": "audio_1"},
        "reasoning_content": "Hm.",
    }
    said = {"role": "assistant", "content": "Aye.", **more}
    remembered = Remembered()
    await remembered.said(whole(**more), CORRECTED, messages=[*QUESTION, said, *QUESTION])
    (example,) = await remembered.examples(method)
    assert not any(key in json.dumps(example) for key in more)


@pytest.mark.parametrize(
    "history",
    [
        [{"role": "function", "name": "weather", "content": "12"}],
        [{"role": "assistant", "content": None, "function_call": WEATHER}],
        [{"role": "tool", "tool_call_id": "nobody's", "content": "12"}],
        [{"role": "assistant", "content": "x", "tool_calls": [CALL]}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": "x", "name": "Jane R."}],
        [{"role": "critic", "content": "x"}],
        [{"role": "assistant", "audio": {"id": "audio_1"}}],
    ],
)
async def test_what_the_check_would_reject_is_left_out_and_counted(history: list[Example]) -> None:
    remembered = Remembered()
    await remembered.said(whole(), CORRECTED, messages=[*QUESTION, *history, *QUESTION])
    for method in Method:
        assert await remembered.examples(method) == []
        assert remembered.left_out == {Reason.REJECTED: 1}
