"""What stands beside an answer as of Azure's content filter, in the shapes that break clients."""

import asyncio
import json
from typing import Any

import pytest

from local.emulator.data_plane.chat_answer import ChatAnswer
from local.emulator.data_plane.chat_request import parse
from local.emulator.language.answer_queue import AnswerQueue
from local.emulator.language.generation import Piece

QUESTION = "Who be ye?"
HEAD = {"id": "chatcmpl-1", "created": 5, "model": "gpt-4.1-2025-04-14"}
CATEGORIES = {"hate", "self_harm", "sexual", "violence"}


async def _answer(texts: list[list[str]], asynchronous: bool, **more: Any) -> ChatAnswer:
    messages = [{"role": "user", "content": QUESTION}]
    chat = parse({"messages": messages, "n": len(texts), **more})
    queue = AnswerQueue(len(texts))
    for choice, pieces in enumerate(texts):
        for piece in pieces:
            queue.put(choice, Piece(piece))
        queue.put(choice, None)
    return ChatAnswer(HEAD, chat, 3, queue, asynchronous)


def streamed(texts: list[list[str]], asynchronous: bool = False, **more: Any) -> list[Any]:
    async def read() -> list[str]:
        answer = await _answer(texts, asynchronous, stream=True, **more)
        return [event async for event in answer.stream()]

    events = asyncio.run(read())
    assert events.pop() == "data: [DONE]\n\n"
    return [json.loads(event.removeprefix("data: ")) for event in events]


def whole(texts: list[list[str]]) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        return await (await _answer(texts, asynchronous=True)).whole()

    return asyncio.run(read())


def is_safe(results: dict[str, Any]) -> bool:
    fine = {"filtered": False, "severity": "safe"}
    return results == dict.fromkeys(CATEGORIES, fine)


def test_the_first_chunk_has_no_choices_and_no_name() -> None:
    first = streamed([["Arr."]])[0]
    [found] = first.pop("prompt_filter_results")
    assert first == {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    assert found["prompt_index"] == 0
    assert found["content_filter_results"].keys() == {*CATEGORIES, "jailbreak"}
    assert found["content_filter_results"]["jailbreak"] == {"filtered": False, "detected": False}


def test_each_chunk_with_text_has_its_results() -> None:
    _, role, arr, ye, end = (c["choices"] for c in streamed([["Arr", " ye"]]))
    assert role[0]["content_filter_results"] == end[0]["content_filter_results"] == {}
    assert [one[0]["delta"]["content"] for one in (arr, ye)] == ["Arr", " ye"]
    assert is_safe(arr[0]["content_filter_results"]) and is_safe(ye[0]["content_filter_results"])


def test_a_whole_answer_has_them_for_the_messages_and_each_choice() -> None:
    """Also under the asynchronous filter, which concerns streams only."""
    answer = whole([["Arr"], ["Ye"]])
    assert answer["prompt_filter_results"][0]["prompt_index"] == 0
    assert all(is_safe(choice["content_filter_results"]) for choice in answer["choices"])


def test_the_asynchronous_filter_tells_in_chunks_without_a_delta() -> None:
    chunks = streamed([["Arr", " ye"]], asynchronous=True)
    first, *spoken, last = chunks
    assert first["choices"] == [] and first["prompt_filter_results"]
    assert all("content_filter_results" not in chunk["choices"][0] for chunk in spoken)
    assert spoken[-1]["choices"][0]["finish_reason"] == "stop"
    [choice] = last.pop("choices")
    assert last == {"id": "", "object": "", "created": 0, "model": ""}
    assert "delta" not in choice and choice["finish_reason"] is None
    assert is_safe(choice["content_filter_results"])
    begin = len(QUESTION)
    assert choice["content_filter_offsets"] == {
        "check_offset": begin,
        "start_offset": begin,
        "end_offset": begin + len("Arr ye"),
    }


def test_a_long_answer_is_looked_at_in_parts_that_leave_nothing_out() -> None:
    chunks = streamed([["word " * 100] * 5], asynchronous=True)
    found = [c["choices"][0] for c in chunks if c["choices"] and "delta" not in c["choices"][0]]
    offsets = [one["content_filter_offsets"] for one in found]
    begin = len(QUESTION)
    assert [one["start_offset"] - begin for one in offsets] == [0, 1000, 2000]
    assert [one["end_offset"] - begin for one in offsets] == [1000, 2000, 2500]


def test_each_choice_is_looked_at_by_itself() -> None:
    chunks = streamed([["One"], ["Three"]], asynchronous=True)
    found = [c["choices"][0] for c in chunks if c["choices"] and "delta" not in c["choices"][0]]
    ends = {one["index"]: one["content_filter_offsets"]["end_offset"] for one in found}
    assert ends == {0: len(QUESTION) + 3, 1: len(QUESTION) + 5}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_usage_is_null_until_it_is_known(asynchronous: bool) -> None:
    chunks = streamed([["Arr"]], asynchronous, stream_options={"include_usage": True})
    *before, last = chunks
    assert all(chunk["usage"] is None for chunk in before)
    assert last["choices"] == [] and last["usage"]["completion_tokens"] == 1
    assert "prompt_filter_results" not in last
    assert not any("usage" in chunk for chunk in streamed([["Arr"]], asynchronous))
