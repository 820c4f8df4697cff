"""The Responses API through the SDK, in both URL families: answers, streams, what is stored."""

import itertools
import json
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from .harness import Running, deploy, wait_until

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TEXT_EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


class Ship(BaseModel):
    name: str
    guns: int


@pytest.fixture(params=["v1", "dated"])
def client(emulator: Running, request: pytest.FixtureRequest) -> OpenAI:
    made: OpenAI = getattr(emulator, request.param)()
    return made


def ask(client: OpenAI, base: str, **options: Any) -> Any:
    wanted: dict[str, Any] = {"input": "Who be ye?", "max_output_tokens": 16, **options}
    return client.responses.create(model=base, **wanted)


def as_json(kind: str) -> Any:
    return {"format": {"type": kind}}


def test_an_answer(client: OpenAI, base: str) -> None:
    answer = ask(client, base, instructions="Speak like a captain.", metadata={"a": "b"})
    assert answer.output_text
    assert answer.output[0].role == "assistant"
    assert answer.status == "incomplete", "a model of random weights goes on to its limit"
    assert answer.incomplete_details.reason == "max_output_tokens"
    usage = answer.usage
    assert usage.output_tokens == 16
    assert usage.total_tokens == usage.input_tokens + 16
    assert answer.instructions == "Speak like a captain."
    assert answer.metadata == {"a": "b"}
    assert answer.model == "gpt-4.1-nano-2025-04-14"
    assert answer.system_fingerprint == "emulator-tiny"


def test_the_body_and_every_event_are_what_the_sdk_promises(emulator: Running, base: str) -> None:
    body = {"model": base, "input": "Who be ye?", "max_output_tokens": 16}
    with emulator.http() as http:
        whole = http.post("/openai/v1/responses", json=body).json()
        Response.model_validate(whole)
        events = streamed(http, body)
    for event in events:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [kind for kind, _ in itertools.groupby(event["type"] for event in events)]
    assert kinds == [*TEXT_EVENTS[:-1], "response.incomplete"]
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    response = events[-1]["response"]
    assert "".join(deltas) == response["output"][0]["content"][0]["text"]
    assert response["content_filters"][0]["source_type"] == "prompt"
    assert response.keys() == whole.keys()


def streamed(http: httpx.Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a stream; each names its type twice, as servers do."""
    answer = http.post("/openai/v1/responses", json={**body, "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = []
    for block in answer.text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def test_a_stream_through_the_helper_of_the_sdk(client: OpenAI, base: str) -> None:
    with client.responses.stream(
        model=base, input="A ship as JSON, please.", text_format=Ship, max_output_tokens=100
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert isinstance(final.output_parsed, Ship)
    assert kinds[-1] == "response.completed"


def test_json_by_schema_and_any_json(v1: OpenAI, base: str) -> None:
    wanted: Any = {"model": base, "input": "A ship as JSON.", "max_output_tokens": 200}
    parsed = v1.responses.parse(**wanted, text_format=Ship)
    assert isinstance(parsed.output_parsed, Ship)
    answer = v1.responses.create(**wanted, text={"format": {"type": "json_object"}})
    assert isinstance(json.loads(answer.output_text), dict)


def test_the_same_words_are_the_same_prompt_as_in_chat(v1: OpenAI, base: str) -> None:
    """So that a tuned model answers alike by either API."""
    said: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who be ye?"},
        {"role": "assistant", "content": "A captain."},
        {"role": "user", "content": "Of what?"},
    ]
    options: Any = {"messages": said, "max_tokens": 16, "temperature": 0}
    chat: Any = v1.chat.completions.create(model=base, **options)
    answer = ask(v1, base, input=said, temperature=0)
    assert answer.output_text == chat.choices[0].message.content
    assert answer.usage.input_tokens == chat.usage.prompt_tokens
    moved = ask(v1, base, instructions="Be brief.", input=said[1:], temperature=0)
    assert moved.output_text == answer.output_text


def test_a_conversation_goes_on_from_a_stored_response(client: OpenAI, base: str) -> None:
    first = ask(client, base, instructions="Be brief.")
    second = ask(client, base, input="And then?", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert second.previous_response_id == first.id
    spoken: Any = [{"role": "user", "content": "Who be ye?"}, *first.output]
    again = ask(client, base, input=[*spoken, {"role": "user", "content": "And then?"}])
    assert again.usage.input_tokens == second.usage.input_tokens  # instructions do not go along
    items: Any = client.responses.input_items.list(second.id, order="asc").data
    assert [item.content[0].text for item in items][::2] == ["Who be ye?", "And then?"]


def test_items_are_found_by_their_ids(v1: OpenAI, base: str) -> None:
    """As the Vercel AI SDK sends a conversation whose parts are stored."""
    first = ask(v1, base)
    said = {"type": "item_reference", "id": first.output[0].id}
    question = {"role": "user", "content": "And then?"}
    second = ask(v1, base, input=[{"role": "user", "content": "Who be ye?"}, said, question])
    after = ask(v1, base, input="And then?", previous_response_id=first.id)
    assert second.usage.input_tokens == after.usage.input_tokens


def test_what_is_stored_can_be_read_and_deleted(client: OpenAI, base: str) -> None:
    answer = ask(client, base)
    assert client.responses.retrieve(answer.id).output == answer.output
    client.responses.delete(answer.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        client.responses.retrieve(answer.id)


def test_what_is_not_to_be_stored_is_not(v1: OpenAI, base: str) -> None:
    answer = ask(v1, base, store=False)
    assert answer.store is False
    with pytest.raises(openai.NotFoundError):
        v1.responses.retrieve(answer.id)
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(v1, base, previous_response_id=answer.id)
    assert refusal.value.code == "previous_response_not_found"
    assert refusal.value.param == "previous_response_id"


def test_thirty_days_later_it_is_forgotten(emulator: Running, v1: OpenAI, base: str) -> None:
    answer = ask(v1, base)
    emulator.advance(30 * 24 * 3600 - 60)
    assert v1.responses.retrieve(answer.id).id == answer.id
    emulator.advance(60)
    with pytest.raises(openai.NotFoundError):
        v1.responses.retrieve(answer.id)


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": 3}, "invalid_value", "input"),
        ({"input": [{"type": "computer_call"}]}, "invalid_value", "input[0].type"),
        ({"input": [{"type": "item_reference", "id": "msg_x"}]}, "invalid_value", "input"),
        ({"messages": []}, "unknown_parameter", "messages"),
        ({"max_output_tokens": 1}, "integer_below_min_value", "max_output_tokens"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"reasoning": {"effort": "low"}}, "unsupported_parameter", "reasoning"),
        ({"text": as_json("json_schema")}, "missing_required_parameter", "text.format.name"),
        ({"text": as_json("json_object")}, "invalid_value", "input"),
        ({"store": "yes"}, "invalid_value", "store"),
        ({"metadata": {"a": 1}}, "invalid_value", "metadata"),
    ],
)  # fmt: skip
def test_what_is_refused(emulator: Running, base: str, wrong: Any, code: str, param: str) -> None:
    body = {"model": base, "input": "Who be ye?", **wrong}
    with emulator.http() as http:
        answer = http.post("/openai/v1/responses", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["type"] == "invalid_request_error"


def test_what_means_no_is_not_refused(v1: OpenAI, base: str) -> None:
    """Clients send every parameter that they know."""
    nothing = {"effort": None, "summary": None}
    answer = ask(v1, base, reasoning=nothing, background=False, conversation=None, prompt=None)
    assert answer.output_text


def test_too_long_an_input(v1: OpenAI, base: str) -> None:
    with pytest.raises(openai.BadRequestError, match="exceeds the context window") as refusal:
        ask(v1, base, input="word " * 3000)
    assert refusal.value.code == "context_length_exceeded"


def test_a_tuned_model_answers(emulator: Running, v1: OpenAI, tuned: Any) -> None:
    with emulator.arm() as arm:
        deploy(arm, "tuned-responses", tuned.finished.fine_tuned_model)
    wait_until(lambda: not _unknown(v1, "tuned-responses"))
    assert ask(v1, "tuned-responses").model == tuned.finished.fine_tuned_model


def _unknown(client: OpenAI, deployment: str) -> bool:
    try:
        ask(client, deployment)
    except openai.NotFoundError:
        return True
    return False
