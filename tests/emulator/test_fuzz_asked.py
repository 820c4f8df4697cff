"""Whatever stands in a request to a model: it is understood or refused, and neither fails."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local.emulator.core.errors import InferenceError
from local.emulator.data_plane import (
    chat_request,
    completion_request,
    embeddings,
    response_request,
)
from local.emulator.data_plane.response_items import items_of, messages_of
from local.emulator.data_plane.tools import of_chat, of_response
from local.emulator.language.calls import told
from tests.support.fuzz import fuzz

from .strategies import ANY

KINDS = ("message", "function_call", "function_call_output", "reasoning", "item_reference")
PART = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["input_text", "refusal"]) | ANY, "text": ANY}
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(KINDS) | ANY,
        "role": st.sampled_from(["user", "assistant"]) | ANY,
        "content": st.text() | st.lists(PART, max_size=2) | ANY,
        "id": st.text() | ANY,
        "name": st.text() | ANY,
        "arguments": st.text() | ANY,
        "call_id": st.text() | ANY,
        "output": st.text() | ANY,
    },
)
SCHEMA = st.fixed_dictionaries(
    {},
    optional={"type": st.sampled_from(["object", "array"]) | ANY, "properties": ANY, "$ref": ANY},
)
FUNCTION = st.fixed_dictionaries(
    {"name": st.sampled_from(["f", "g"]) | ANY},
    optional={"parameters": SCHEMA | ANY, "strict": ANY, "description": ANY},
)
TOOL = st.fixed_dictionaries(
    {"type": st.just("function") | ANY},
    optional={"function": FUNCTION | ANY, "name": st.sampled_from(["f", "g"]) | ANY},
)
CHOICE = st.sampled_from(["auto", "none", "required"]) | st.fixed_dictionaries(
    {"type": st.sampled_from(["function", "allowed_tools"]) | ANY},
    optional={"name": ANY, "function": FUNCTION | ANY, "mode": ANY, "tools": st.lists(TOOL) | ANY},
)
PARSERS: dict[str, tuple[Callable[[dict[str, Any]], Any], set[str], dict[str, Any]]] = {
    "chat": (
        chat_request.parse,
        chat_request.SUPPORTED | chat_request.UNSUPPORTED,
        {"messages": [{"role": "user", "content": "a"}]},
    ),
    "responses": (
        response_request.parse,
        response_request.SUPPORTED | response_request.UNSUPPORTED,
        {"input": "a"},
    ),
    "completions": (
        completion_request.parse,
        completion_request.SUPPORTED | completion_request.UNSUPPORTED,
        {"prompt": "a"},
    ),
    "embeddings": (embeddings.parse, embeddings.SUPPORTED, {"input": "a"}),
}


def understood(read: Callable[[], Any]) -> Any:
    """What was read; None where it was refused in a sentence."""
    try:
        return read()
    except InferenceError as error:
        assert error.status == 400
        assert error.param
        assert 0 < len(error.message) < 1100
        return None


@pytest.mark.parametrize("name", PARSERS)
@fuzz
@given(data=st.data())
def test_any_value_of_any_parameter(name: str, data: st.DataObject) -> None:
    parse, names, sound = PARSERS[name]
    some = data.draw(st.dictionaries(st.sampled_from(sorted(names)), ANY, max_size=3))
    understood(lambda: parse({**sound, **some}))


@fuzz
@given(given_items=st.lists(ITEM, max_size=4) | ANY)
@example(given_items=[{"type": "function_call", "name": "f", "arguments": "[" * 100_000}])
@example(given_items=[{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}])
@example(given_items=[{"role": "user"}])
@example(given_items=[{"type": "reasoning"}])
def test_any_items_are_messages_or_refused(given_items: Any) -> None:
    stored = {"type": "message", "role": "assistant", "content": "b", "id": "msg_1"}
    items = understood(lambda: items_of(given_items, lambda id: stored if id == "msg_1" else None))
    if items is not None:
        assert all(isinstance(item["id"], str) for item in items)
        understood(lambda: messages_of(items))


@fuzz
@given(tools=st.lists(TOOL, max_size=3) | ANY, choice=CHOICE | ANY)
@example(tools=[{"type": "function", "name": "f", "parameters": {"$ref": "#"}}], choice=None)
@example(tools=[{"type": "function", "name": "f", "parameters": {"x-guidance": 1}}], choice=None)
@example(tools=[], choice={"type": "function", "name": "f"})
def test_any_tools_are_functions_or_refused(tools: Any, choice: Any) -> None:
    body = {"tools": tools, "tool_choice": choice}
    older = {"functions": tools, "function_call": choice}
    for read, given_body in ((of_chat, body), (of_response, body), (of_chat, older)):
        found = understood(partial(read, given_body))
        if found is not None:
            json.dumps([message.content for message in told([], found.told)])
