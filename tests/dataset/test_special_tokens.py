"""Special tokens of tokenizers in texts, as exports of chat templates leave them."""

import json

import pytest

from shared.dataset.reading.prefilter import Prefilter
from tests.dataset.builders import ANSWER, CALL, GOOD, TOOL, USER, good, line, scan, talk
from tests.dataset.corpus import dpo, with_call

MARKED = {**ANSWER, "content": "Ho.<|im_end|>"}
INDENTED = b'{"messages" : [{"role":"user","content":"<|endoftext|>"},%s]}\n' % line(ANSWER).strip()


@pytest.mark.parametrize(
    "content",
    [
        talk(USER, MARKED),
        talk({**USER, "content": "<|fim_suffix|>"}, ANSWER),
        talk(USER, MARKED).replace(b"<", b"\\u003c"),
        talk(USER, MARKED).replace(b"|", b"\\u007C"),
        talk({**USER, "content": [{"type": "text", "text": "<|im_start|>user"}]}, ANSWER),
        with_call(arguments=json.dumps({"at": "<|endoftext|>"})),
        with_call(arguments=json.dumps({"at": "<|endoftext|>"}).replace("<", "\\u003c")),
        dpo([ANSWER], [MARKED]),
        INDENTED,
    ],
)
def test_a_special_token_is_told_however_it_stands_in_the_line(content: bytes) -> None:
    found = [one for one in scan(good(60) + content).findings if one.id == "special-token"]
    assert [one.line for one in found] == [61]


def test_its_place_is_named() -> None:
    found = next(one for one in scan(talk(USER, MARKED)).findings if one.id == "special-token")
    assert found.message == "Character 4 begins <|im_end|>."
    assert (found.message_index, found.path) == (1, "messages[1].content")


@pytest.mark.parametrize("text", ["| a | b |", "f <| g |> h", "<| x |>", "a < b | c > d", "<||>"])
def test_what_only_resembles_one_is_none(text: str) -> None:
    assert "special-token" not in scan(talk(USER, {**ANSWER, "content": text})).counts


def test_lines_without_its_marks_are_not_searched() -> None:
    lines = [line(GOOD), talk(USER, MARKED), line({**GOOD, "tools": [TOOL, CALL]})]
    lines = [one.strip() for one in lines]
    assert Prefilter(lines).special_tokens().tolist() == [0, 1, 0]
    assert Prefilter(lines[:1]).special_tokens().tolist() == [0]
