"""A response from its pieces, without a model: its events, what is kept and when, how it fails."""

import json
from typing import Any

import pytest

from local.emulator.core.errors import InferenceError
from local.emulator.data_plane.response_answer import ResponseAnswer
from local.emulator.language.answer_queue import AnswerQueue
from local.emulator.language.generation import GenerationFailed, Piece, SamplingOptions

CALL = '{"name": "add", "arguments": {"a": 1}}'


def answering(*pieces: Piece | None, most: int = 99) -> tuple[ResponseAnswer, list[Any]]:
    """None is the end; without it the answer fails after these pieces."""
    queue, kept = AnswerQueue(1), list[Any]()
    for piece in pieces:
        queue.put(0, piece)
    if None not in pieces:
        queue.fail(GenerationFailed("The emulator failed; see its output."))
    head = {"id": "resp_1", "object": "response"}
    return ResponseAnswer(head, SamplingOptions(most), 7, queue, kept.append), kept


def read(event: str) -> Any:
    name, data = event.strip().split("\n")
    body = json.loads(data.removeprefix("data: "))
    assert name == f"event: {body['type']}"
    return body


async def events(answer: ResponseAnswer) -> list[Any]:
    found = [read(event) async for event in answer.stream()]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


async def test_a_stream_and_a_whole_response_are_the_same() -> None:
    pieces = (Piece("a "), Piece("b"), None)
    (streamed, kept), (whole, also_kept) = answering(*pieces), answering(*pieces)
    found, body = await events(streamed), await whole.whole()
    last = found[-1]["response"]
    for response in (last, body):
        assert response["status"] == "completed"
        assert response["output"][0]["content"][0]["text"] == "a b"
        assert response["usage"]["total_tokens"] == 9
    assert last.keys() == body.keys()
    assert kept == [last]
    assert also_kept == [body]


async def test_a_response_is_kept_before_its_end_is_told() -> None:
    """A client goes on at once from the id that it was told (dotnet/extensions#7704)."""
    answer, kept = answering(Piece("a"), None)
    async for event in answer.stream():
        told = read(event)["type"] == "response.completed"
        assert bool(kept) >= told
    assert kept


async def test_a_call_comes_as_one() -> None:
    answer, _ = answering(*(Piece(sign, call=True) for sign in CALL), None)
    found = await events(answer)
    arguments = "response.function_call_arguments"
    deltas = [event["delta"] for event in found if event["type"] == f"{arguments}.delta"]
    (item,) = found[-1]["response"]["output"]
    assert "".join(deltas) == item["arguments"] == '{"a": 1}'
    assert all(deltas)
    assert not any("output_text" in event["type"] for event in found)


async def test_nothing_at_all_is_an_empty_message() -> None:
    found = await events(answering(None)[0])
    assert [event["type"].removeprefix("response.") for event in found] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == ""


async def test_a_response_that_fails_says_so_and_is_not_kept() -> None:
    """In the shapes in which Azure does (bifrost#6302, openai-node#2021)."""
    answer, kept = answering(Piece("a"))
    *_, error, failed = await events(answer)
    assert (error["type"], error["error"]["code"]) == ("error", "internalFailure")
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"]["code"] == "server_error"
    assert failed["response"]["status"] == "failed"
    with pytest.raises(InferenceError, match="The emulator failed"):
        await answering(Piece("a"))[0].whole()
    assert not kept


async def test_one_that_ran_out_of_tokens_is_incomplete() -> None:
    found = await events(answering(Piece("a"), None, most=1)[0])
    assert found[-1]["type"] == "response.incomplete"
    response = found[-1]["response"]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
