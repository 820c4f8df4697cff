"""What is learned from rated answers is what was said: from requests and answers as they come over
the wire to examples and preferences."""

import json

import pytest

from shared.chat.examples import Method, Reason
from shared.chat.transcripts import read_answer
from shared.cloud import memory_container
from tests.chat.remembered import (
    CALL,
    CORRECTED,
    GOOD,
    QUESTION,
    TOOL,
    Example,
    Remembered,
    check,
    chunk,
    stream,
    whole,
)

# ---- which answer


def turns(*choices: tuple[int, str]) -> bytes:
    said = [chunk({"content": text}, index=index) for index, text in choices]
    return stream(*said, *(chunk({}, "stop", index) for index in (1, 0)))


async def test_of_several_choices_the_first_is_learned() -> None:
    remembered = Remembered()
    interleaved = turns((1, "A "), (0, "The "), (0, "ship "), (1, "boat "), (1, "waits."))
    await remembered.said(interleaved, GOOD, n=2)
    (example,) = await remembered.examples()
    assert example["messages"][-1] == {"role": "assistant", "content": "The ship "}


def test_a_first_choice_is_first_by_its_index() -> None:
    said = [{"index": i, "message": {"content": f"{i}"}, "finish_reason": "stop"} for i in (1, 0)]
    answer = read_answer(json.dumps({"id": "c", "choices": said}).encode())
    assert answer
    assert answer.message["content"] == "0"
    others = read_answer(json.dumps({"id": "c", "choices": said[:1]}).encode())
    assert others is None


def test_calls_of_different_choices_are_not_mixed() -> None:
    def called(index: int, arguments: str) -> Example:
        function = {"name": "go" if arguments == "{" else "", "arguments": arguments}
        return chunk(
            {"tool_calls": [{"index": 0, "id": f"c{index}", "function": function}]}, None, index
        )

    body = stream(called(0, "{"), called(1, "{"), called(1, '"a":1}'), called(0, "}"))
    said = read_answer(body)
    assert said
    (call,) = said.message["tool_calls"]
    assert call == {"id": "c0", "type": "function", "function": {"name": "go", "arguments": "{}"}}


def test_what_azure_sends_between_the_words_is_no_part_of_them() -> None:
    first = {"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    last = {"choices": [], "usage": {"total_tokens": 5}}
    body = stream(first, chunk({"content": "Green "}), chunk(None), chunk({"content": "light."}),
                  chunk({}, "stop"), chunk(None), last)  # fmt: skip
    assert read_answer(body) == (
        "chatcmpl-1",
        {"role": "assistant", "content": "Green light."},
        "stop",
    )


# ---- whole answers


CUT = [
    (whole(finish="length"), Reason.LENGTH),
    (whole(finish="content_filter"), Reason.CONTENT_FILTER),
    (whole(finish=None), Reason.UNFINISHED),
    (whole(finish="of tomorrow"), Reason.UNFINISHED),
    (stream(chunk({"content": "To s"}, "length")), Reason.LENGTH),
    (stream(chunk({"content": "To s"}), chunk({}, "content_filter")), Reason.CONTENT_FILTER),
    (stream(chunk({"content": "To s"})), Reason.UNFINISHED),
    (stream(chunk({"content": "To s"}), chunk({}, "stop", 1)), Reason.UNFINISHED),
]


@pytest.mark.parametrize(("answer", "reason"), CUT)
async def test_an_answer_that_was_cut_is_left_out_and_counted(answer: bytes, reason: str) -> None:
    remembered = Remembered()
    await remembered.said(answer, GOOD)
    assert await remembered.examples() == []
    assert remembered.left_out == {reason: 1}


async def test_the_correction_of_a_cut_answer_is_learned_and_compared_with_nothing() -> None:
    remembered = Remembered()
    await remembered.said(whole(finish="length"), CORRECTED)
    (example,) = await remembered.examples()
    assert example["messages"][-1]["content"] == "To the harbour."
    assert remembered.left_out == {}
    assert await remembered.examples(Method.DPO) == []
    assert remembered.left_out == {Reason.LENGTH: 1}


@pytest.mark.parametrize("rating", [{"rating": "bad"}, {"rating": "bad", "comment": "no"}])
async def test_what_is_not_to_be_learned_is_not_counted_either(rating: dict[str, str]) -> None:
    remembered = Remembered()
    await remembered.said(whole(finish="length"), rating)
    for method in Method:
        assert await remembered.examples(method) == []
        assert remembered.left_out == {}


async def test_what_was_remembered_before_ends_were_noted_is_whole() -> None:
    remembered = Remembered()
    line: Example = {"id": "old", "at": "x", "served_by": "captain@1", "messages": QUESTION}
    sent_back: Example = {
        "role": "assistant",
        "content": "Aye.",
        "refusal": None,
        "annotations": [],
    }
    line |= {"messages": [*QUESTION, sent_back, *QUESTION], "answer": sent_back}
    container = remembered.store.container
    await container.append("conversations/captain/2026-11-02/12.jsonl", json.dumps(line))
    rating = {"id": "old", "rating": "good", "at": "x", "by": "web"}
    await container.append("ratings/captain/2026-11-02.jsonl", json.dumps(rating))
    examples = await remembered.examples()
    check(examples)
    assert examples[0]["messages"][1] == {"role": "assistant", "content": "Aye.", "weight": 0}


# ---- preferences


async def test_a_bad_answer_and_its_correction_are_a_pair_that_passes_the_check() -> None:
    remembered = Remembered()
    history = [*QUESTION, {"role": "assistant", "content": "Aye.", "audio": None}, *QUESTION]
    await remembered.said(whole(), CORRECTED, messages=history, tools=[TOOL])
    pairs = await remembered.examples(Method.DPO)
    check(pairs, Method.DPO)
    assert pairs == [
        {
            "input": {
                "messages": [*QUESTION, {"role": "assistant", "content": "Aye."}, *QUESTION],
                "tools": [TOOL],
            },
            "preferred_output": [{"role": "assistant", "content": "To the harbour."}],
            "non_preferred_output": [{"role": "assistant", "content": "To sea."}],
        }
    ]


async def test_only_a_bad_answer_with_another_correction_is_a_pair() -> None:
    remembered = Remembered()
    same = {"rating": "bad", "correction": "To sea."}
    for rating, left_out in (
        (GOOD, {}),
        ({**CORRECTED, "rating": "good"}, {}),
        (same, {"same": 1}),
    ):
        await remembered.said(whole(), rating)
        assert await remembered.examples(Method.DPO) == []
        assert remembered.left_out == left_out
        remembered = Remembered()


async def test_a_call_may_be_the_worse_answer_but_not_one_of_an_unknown_tool() -> None:
    for tools, pairs in (([TOOL], 1), (None, 0)):
        remembered = Remembered()
        await remembered.said(whole(None, "tool_calls", tool_calls=[CALL]), CORRECTED, tools=tools)
        assert len(await remembered.examples(Method.DPO)) == pairs
        assert remembered.left_out == ({} if pairs else {Reason.REJECTED: 1})


async def test_the_last_rating_counts_whatever_part_of_the_log_it_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second part of a log comes before the first in a listing."""
    monkeypatch.setattr(memory_container, "MAX_BLOCKS", 1)
    remembered = Remembered()
    await remembered.said(whole())
    for second, rating in enumerate([{"rating": "bad"}, {"rating": "good"}]):
        line = {"id": "chatcmpl-1", **rating, "at": f"2026-11-02T12:00:0{second}", "by": "web"}
        await remembered.store.container.append(
            "ratings/captain/2026-11-02.jsonl", json.dumps(line)
        )
    assert len(await remembered.examples()) == 1
