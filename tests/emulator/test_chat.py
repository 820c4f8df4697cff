"""How an answer ends, and what chat refuses; no model is needed for either."""

from typing import Any

import pytest

from local.emulator.core.errors import InferenceError
from local.emulator.data_plane.chat_request import parse
from local.emulator.data_plane.completion import Completion
from local.emulator.language.generation import Piece

QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "Who be ye?"}]}


@pytest.mark.parametrize(
    ("pieces", "text", "finish_reason"),
    [
        (["one ", "two"], "one two", "stop"),
        (["one EN", "D two"], "one ", "stop"),
        (["one E", "NTER"], "one ENTER", "stop"),
        (["a", "b", "c", "d"], "abcd", "length"),
    ],
)
def test_stop_sequences_are_never_shown(pieces: list[str], text: str, finish_reason: str) -> None:
    answer = Completion(stops=("END",), max_tokens=4)
    shown = [answer.add(Piece(piece)) for piece in pieces]
    if not answer.finish_reason:
        shown.append(answer.end())
    assert "".join(delta.text for delta in shown if delta) == text == answer.text
    assert answer.finish_reason == finish_reason


@pytest.mark.parametrize(
    "unsupported",
    [
        {"logit_bias": {"1": 2}},
        {"audio": {"voice": "alloy"}},
    ],
)
def test_what_the_model_cannot_do_is_refused_by_name(unsupported: dict[str, Any]) -> None:
    with pytest.raises(InferenceError) as refusal:
        parse({**QUESTION, **unsupported})
    assert refusal.value.code == "unsupported_parameter"
    assert refusal.value.param in unsupported


@pytest.mark.parametrize(
    ("said", "limited"),
    [
        ({}, False),
        ({"max_tokens": 5}, True),
        ({"max_tokens": None, "max_completion_tokens": 5}, True),
        ({"max_tokens": None}, False),
    ],
)
def test_a_limit_is_one_under_either_name(said: dict[str, Any], limited: bool) -> None:
    found = parse({**QUESTION, **said})
    assert (found.limited, found.sampling.max_tokens) == (limited, 5 if limited else 512)


@pytest.mark.parametrize("wrong", [{"temperature": 3}, {"max_tokens": 0}, {"messages": []}])
def test_values_out_of_range_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(InferenceError) as refusal:
        parse({**QUESTION, **wrong})
    assert refusal.value.param in wrong
