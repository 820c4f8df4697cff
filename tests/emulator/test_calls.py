"""Calls as text and in pieces, and what callers want of functions; no model is needed for it."""

import json
from typing import Any

import pytest

from local.emulator.core.errors import InferenceError
from local.emulator.data_plane.chat_request import parse
from local.emulator.data_plane.completion import Completion, Delta
from local.emulator.data_plane.inference import too_long
from local.emulator.data_plane.response_items import items_of, messages_of
from local.emulator.data_plane.tools import Tools, of_chat, of_response
from local.emulator.language.call_format import call_text
from local.emulator.language.calls import ALWAYS, LEARNED, LIKELY, NEVER, Function, told
from local.emulator.language.dataset import Message
from local.emulator.language.generation import GenerationRequest, Piece, SamplingOptions

ADD = Function("add", "Adds.", '{"type": "object"}')
SUB = Function("sub", "", '{"type": "object"}')
USER, RESULT = Message("user", "Hi"), Message("tool", "3")
WHOLE = '{"name": "add", "arguments": {"a": {"b": "}"}}}'


def read(pieces: list[str], most: int = 100) -> tuple[Completion, list[Delta]]:
    completion = Completion((), most)
    found = [completion.add(Piece(piece, call=True)) for piece in pieces]
    return completion, [delta for delta in [*found, completion.end()] if delta]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_call_is_read_from_whatever_pieces_it_comes_in(size: int) -> None:
    pieces = [WHOLE[start : start + size] for start in range(0, len(WHOLE), size)]
    completion, deltas = read(pieces)
    assert (completion.name, completion.arguments) == ("add", '{"a": {"b": "}"}}')
    assert "".join(delta.arguments for delta in deltas) == completion.arguments
    assert [delta.name for delta in deltas if delta.name] == ["add"]
    assert completion.finish_reason == "stop"
    assert completion.text == "", "nothing of a call is text"


def test_a_call_that_ends_with_its_last_token_is_whole() -> None:
    completion, _ = read([WHOLE], most=1)
    assert completion.finish_reason == "stop"


@pytest.mark.parametrize(("cut", "arguments"), [(-1, '{"a": {"b": "}"}}'), (-4, '{"a": {"b": "}')])
def test_a_call_that_is_cut_has_all_that_came(cut: int, arguments: str) -> None:
    completion, _ = read([WHOLE[:cut]], most=1)
    assert completion.finish_reason == "length"
    assert completion.arguments == arguments


def test_a_call_that_ends_before_its_name_is_none() -> None:
    completion, deltas = read(['{"name": "ad'], most=1)
    assert (completion.name, completion.finish_reason) == (None, "length")
    assert not deltas


def test_a_call_in_a_conversation_is_what_an_answer_is() -> None:
    """So that a model goes on as it has learned."""
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    chat = {
        "messages": [{"role": "assistant", "tool_calls": [call]}, {"role": "user", "content": ""}]
    }
    text = '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>'
    assert parse(chat).messages[0].content == text == call_text("add", '{"a": 1}')
    items: list[Any] = [{"type": "function_call", "name": "add", "arguments": '{"a": 1}'}]
    assert messages_of(items_of(items, lambda id: None))[0].content == text
    assert (
        call_text("add", "not JSON")
        == '<tool_call>{"name": "add", "arguments": "not JSON"}</tool_call>'
    )


def test_the_model_is_told_in_the_system_message() -> None:
    said = told([Message("system", "Be brief."), USER], [ADD])
    assert said[0].content.startswith("Be brief.\n\nYou have access")
    assert '"name": "add"' in said[0].content
    assert said[1:] == [USER]
    assert [message.role for message in told([USER], [ADD])] == ["system", "user"]
    assert told([USER], []) == [USER]


@pytest.mark.parametrize(
    ("tools", "messages", "offered", "least"),
    [
        (Tools((ADD,)), [USER], "likely", LIKELY),
        (Tools((ADD,)), [USER], "always", ALWAYS),
        (Tools((ADD,)), [USER], "never", NEVER),
        (Tools((ADD,)), [USER, RESULT], "always", NEVER),
        (Tools((ADD,), "required"), [USER, RESULT], "never", ALWAYS),
        (Tools((ADD,), "none"), [USER], "always", None),
        (Tools(), [USER], "always", None),
    ],
)
def test_when_a_call_is_made(
    tools: Tools, messages: list[Message], offered: str, least: float | None
) -> None:
    calls = tools.calls(messages, offered)
    assert (calls.least if calls else None) == least


@pytest.mark.parametrize(
    ("offered", "messages", "least"),
    [("likely", [USER], LEARNED), ("always", [USER], ALWAYS), ("likely", [USER, RESULT], NEVER)],
)
def test_a_model_that_has_learned_when_to_call_calls_where_it_would_itself(
    offered: str, messages: list[Message], least: float
) -> None:
    calls = Tools((ADD,)).calls(messages, offered, learned=True)
    assert calls and calls.least == least
    assert LIKELY < LEARNED < 0


def named(*names: str) -> list[Any]:
    return [{"type": "function", "name": name} for name in names]


def allowed(mode: str, *names: str) -> Any:
    return {"type": "allowed_tools", "mode": mode, "tools": named(*names)}


@pytest.mark.parametrize(
    ("choice", "names", "wanted", "by_name"),
    [
        (None, ["add", "sub"], "auto", False),
        ("required", ["add", "sub"], "required", False),
        ({"type": "function", "name": "sub"}, ["sub"], "required", True),
        (allowed("auto", "sub"), ["sub"], "auto", False),
        (allowed("required", "add", "sub"), ["add", "sub"], "required", False),
    ],
)  # fmt: skip
def test_what_a_choice_means(choice: Any, names: list[str], wanted: str, by_name: bool) -> None:
    found = of_response({"tools": named("add", "sub"), "tool_choice": choice})
    assert [function.name for function in found.functions] == names
    assert (found.choice, found.named) == (wanted, by_name)


def test_no_choice_without_functions_means_no_call() -> None:
    """Clients send an empty list with "auto"."""
    assert of_chat({"tools": [], "tool_choice": "auto"}).told == ()
    with pytest.raises(InferenceError, match="must be specified with 'tools'"):
        of_chat({"tools": [], "tool_choice": "required"})


def test_functions_have_parameters_also_where_none_are_given() -> None:
    (function,) = of_response({"tools": named("now")}).functions
    assert json.loads(function.parameters)["type"] == "object"


def test_a_call_has_room_for_its_opening() -> None:
    calls = Tools((ADD,)).calls([USER], "always")
    plain, calling = SamplingOptions(8), SamplingOptions(8, calls=calls)
    sizes = [GenerationRequest(None, [1], one).size for one in (plain, calling)]
    assert sizes[0] < sizes[1]


def test_an_answer_in_words_does_not_begin_like_a_call() -> None:
    """A small model may go on as the call before its result did."""
    import torch  # seconds, which others that collect need not pay

    from local.emulator.language.sampling import Sampler

    sampler = Sampler(4, SamplingOptions(8, temperature=0), None)
    sampler.forbid_first(2)
    logits = torch.tensor([0.0, 1.0, 9.0, 3.0])
    token, _ = sampler.draw(logits)
    assert token == 3
    sampler.accept(token, "so")
    assert sampler.draw(logits)[0] == 2, "only its beginning is forbidden"


def test_an_overflow_is_told_in_words_that_clients_know() -> None:
    """azure-sdk-for-python#40986, gpt-researcher#680."""
    limit = "This model's maximum context length is 2048 tokens. However, "
    assert too_long(2048, 3000, 0).message == (
        f"{limit}your messages resulted in 3000 tokens. Please reduce the length of the messages."
    )
    assert too_long(2048, 1000, 1100).message == (
        f"{limit}you requested 2100 tokens (1000 in the messages, 1100 in the completion). Please"
        " reduce the length of the messages or completion."
    )
