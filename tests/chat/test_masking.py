"""What is recorded of a conversation is masked in every part of it, or not recorded."""

import json
from typing import Any

import pytest

from shared.chat.examples import Reason, rated_example
from shared.chat.protocol import parse_chat
from shared.chat.transcripts import MAX_CONVERSATION_BYTES, transcript
from tests.chat import upstream as up
from tests.chat.conftest import ChatHarness

MAIL, CARD, IBAN = "jane.roe@bank.com", "4111 1111 1111 1111", "DE89370400440532013000"
NOT_MASKABLE = {"id": "c", "left_out": Reason.NOT_MASKABLE}
KEY = "sk-proj-" + "Zq7Rt2Lm9Xw4" * 4  # put together, so that no scanner takes it for one
PRIVATE = (MAIL, CARD, "4111111111111111", IBAN, KEY)


def recorded(answer: dict[str, Any] | None = None, **body: Any) -> dict[str, Any] | None:
    message = answer or {"role": "assistant", "content": "Aye."}
    given = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]} | body
    sent = {"id": "c", "choices": [{"message": message, "finish_reason": "stop"}]}
    return transcript(parse_chat(json.dumps(given).encode()), json.dumps(sent).encode())


def tool(name: str = "lookup", **more: Any) -> list[Any]:
    return [{"type": "function", "function": {"name": name, **more}}]


def call(arguments: str, name: str = "lookup") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def schema(**inner: Any) -> dict[str, Any]:
    return {"type": "object", **inner}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": f"{MAIL} {CARD} {IBAN} {KEY}"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": MAIL}]}]},
        {"tools": tool(description=f"customer {MAIL} {IBAN}")},
        {"tools": tool(parameters=schema(properties={MAIL: {"type": "string"}}))},
        {"tools": tool(parameters=schema(properties={"a": {"enum": [CARD, MAIL]}}))},
        {"tools": tool(parameters=schema(properties={"a": {"const": MAIL, "default": KEY}}))},
        {"tools": tool(parameters=schema(properties={"a": {"examples": [IBAN]}}))},
        {"tools": tool(parameters=schema(properties={"a": {"pattern": MAIL, "title": MAIL}}))},
        {"tools": tool(parameters=schema(required=[MAIL], **{"x-" + MAIL: 1}))},
        {"tools": tool(parameters=schema(properties={"a": {"enum": [4111111111111111]}}))},
        {"tools": [{"type": "function", MAIL: {"deep": {MAIL: MAIL}}}]},
    ],
)
def test_nothing_private_is_left_in_any_place(body: dict[str, Any]) -> None:
    text = json.dumps(recorded(**body))
    assert "[" in text
    assert not [word for word in PRIVATE if word in text]
    assert text != "null"


def test_an_answer_is_masked_as_a_question_is() -> None:
    found = recorded({"role": "assistant", "content": f"Ask {MAIL}, pay with {CARD}"})
    assert found
    assert found["answer"]["content"] == "Ask [e-mail address], pay with [card number]"


@pytest.mark.parametrize(
    "arguments",
    [
        json.dumps({"who": MAIL, "name": MAIL, "card": 4111111111111111, MAIL: [CARD]}),
        json.dumps({"inner": json.dumps({"arguments": json.dumps({"who": MAIL})})}),
        f"no JSON: {MAIL}",
        json.dumps(MAIL),
        "9" * 5000 + MAIL,
    ],
)
def test_the_arguments_of_a_call_are_masked_and_stay_what_they_are(arguments: str) -> None:
    found = recorded(call(arguments), messages=[{"role": "user", "content": "x"}, call(arguments)])
    assert found
    text = json.dumps(found)
    assert not [word for word in PRIVATE if word in text]
    masked = found["answer"]["tool_calls"][0]["function"]["arguments"]
    assert masked == found["messages"][1]["tool_calls"][0]["function"]["arguments"]
    if arguments.startswith("{"):
        assert set(json.loads(masked)) >= set(json.loads(arguments)) - {MAIL}


def test_arguments_with_nothing_private_are_kept_as_they_were_written() -> None:
    written = '{ "city" :"Zürich", "n": 1.50 }'
    found = recorded(call(written))
    assert found
    assert found["answer"]["tool_calls"][0]["function"]["arguments"] == written


def test_what_belongs_together_stays_together() -> None:
    """A key of a tool's schema, its place in `required`, and the argument of a call."""
    parameters = schema(properties={MAIL: {"type": "string"}}, required=[MAIL])
    found = recorded(call(json.dumps({MAIL: "x"})), tools=tool(parameters=parameters))
    assert found
    kept = found["tools"][0]["function"]["parameters"]
    arguments = json.loads(found["answer"]["tool_calls"][0]["function"]["arguments"])
    assert list(kept["properties"]) == kept["required"] == list(arguments)


@pytest.mark.parametrize(
    "body",
    [
        {"tools": tool(parameters=schema(properties={MAIL: {}, "john@bank.com": {}}))},
        {"tools": tool(name=KEY)},
        {"messages": [{"role": "user", "name": MAIL, "content": "x"}]},
        {"answer": call(json.dumps({MAIL: 1, "john@bank.com": 2}))},
    ],
    ids=["two keys become one", "a function's name", "a person's name", "two arguments become one"],
)
def test_what_masking_breaks_is_not_recorded(body: dict[str, Any]) -> None:
    assert recorded(**body) == NOT_MASKABLE


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png?sig=secret"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,jane.roe@bank.com"}},
        {"type": "image_url", "image_url": {"url": "data:text/plain;base64,AAAA"}},
        {"type": "image_url", "image_url": None},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "AAAA"}},
        {"type": "of tomorrow"},
        "text",
        None,
    ],
)
def test_what_cannot_be_masked_is_not_recorded(part: Any) -> None:
    """No example could be made without it."""
    content = [{"type": "text", "text": "What is this?"}, part]
    assert recorded(messages=[{"role": "user", "content": content}]) == NOT_MASKABLE


@pytest.mark.parametrize("number", ["4111111111111111.0", "4.111111111111111e15"])
def test_a_card_is_masked_whatever_kind_of_number_it_is(number: str) -> None:
    text = json.dumps(recorded(call(f'{{"card": {number}}}')))
    assert "[card number]" in text
    assert number not in text
    assert "4111111111111111" not in text


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "content": '{"mail": "jane.doe\\u0040contoso.com"}'},
        {"role": "tool", "content": '{"tel": "\\u002B14155552671"}'},
        {"role": "tool", "content": '{"in": "{\\"mail\\": \\"jane.doe\\\\u0040contoso.com\\"}"}'},
        call('{"to": "jane.doe\\u0040contoso.com"'),
    ],
)
def test_an_escape_hides_nothing(message: dict[str, Any]) -> None:
    """.NET writes + as \\u002B in the JSON that a tool returns; a call that was cut is no JSON."""
    text = json.dumps(recorded(messages=[{"role": "user", "content": "x"}, message]))
    assert "[" in text.partition('"role": "user"')[2]
    assert "jane.doe" not in text
    assert "14155552671" not in text


@pytest.mark.parametrize(
    "said",
    [
        {"content": [{"type": "text", "text": "x", "image_url": {"url": "data:image/png,i"}}]},
        {"content": "x", "images": ["data:image/png;base64,i"]},
        {"content": "x", "more": {"a": [MAIL]}},
        {"content": "x", "reasoning_content": f"They are {MAIL}", "audio": {"id": "audio_1"}},
    ],
)
def test_what_stands_in_an_unknown_place_is_not_recorded(said: dict[str, Any]) -> None:
    found = recorded(messages=[{"role": "user", **said}])
    assert found
    text = [{"type": "text", "text": "x"}] if isinstance(said["content"], list) else "x"
    assert found["messages"] == [{"role": "user", "content": text}]


def test_an_answer_that_is_sent_back_with_empty_keys_is_recorded() -> None:
    said: dict[str, Any] = {
        "role": "assistant",
        "content": "Aye.",
        "refusal": None,
        "annotations": [],
    }
    found = recorded(messages=[{"role": "user", "content": "x"}, said])
    assert found
    assert found["messages"][1] == {"role": "assistant", "content": "Aye."}


BY_CHANCE = "iVBORw0KGgo/AKIAQWERTYUIOPASDFGH/zz+3125551234567/DE89370400440532013000/AAAA"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_is_kept_byte_by_byte(kind: str) -> None:
    """In megabytes of base64 stands whatever a secret or an account number looks like."""
    image = {"url": f"data:image/{kind};base64,{BY_CHANCE}", "detail": "low"}
    content = [{"type": "text", "text": MAIL}, {"type": "image_url", "image_url": image}]
    found = recorded(messages=[{"role": "user", "content": content}])
    assert found
    assert found["messages"][0]["content"][0]["text"] == "[e-mail address]"
    assert found["messages"][0]["content"][1] == {"type": "image_url", "image_url": image}


@pytest.mark.parametrize(
    "around",
    [
        "Here: ![](URL) of {}",
        '{{"screenshot": "URL", "of": "{}"}}',
        '{{"screenshot": "URL\\n", "of": "{}"}}',
    ],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_a_picture_within_a_text_is_not_masked_and_what_stands_beside_it_is(
    around: str, escaped: bool
) -> None:
    url = f"data:image/png;base64,{BY_CHANCE}=="
    if escaped:  # as PHP writes JSON
        url = url.replace("/", r"\/")
    text = around.replace("URL", url).format(MAIL)
    messages = [{"role": "user", "content": "x"}, {"role": "tool", "content": text}]
    found = recorded(messages=messages)
    assert found
    masked = found["messages"][1]["content"]
    assert masked == around.replace("URL", url).format("[e-mail address]")


@pytest.mark.parametrize(
    "begins",
    ["", "AAAA ", "data:text/plain;base64,", "data:image/svg;base64,", "data:image/png;base64,"],
)
def test_what_only_claims_to_be_a_picture_is_masked(begins: str) -> None:
    found = recorded(messages=[{"role": "user", "content": f"{begins}AKIAQWERTYUIOPASDFGH"}])
    assert "AKIA" not in json.dumps(found)


def test_a_conversation_of_megabytes_is_not_recorded() -> None:
    messages = [{"role": "user", "content": "a" * (MAX_CONVERSATION_BYTES + 1)}]
    assert recorded(messages=messages) == {"id": "c", "left_out": Reason.TOO_LARGE}


def test_a_masked_conversation_is_exported_masked() -> None:
    found = recorded(call(json.dumps({"who": MAIL})), tools=tool(description=MAIL))
    assert found
    example = rated_example(found, {"rating": "good"})
    assert example
    assert MAIL not in json.dumps(example)
    assert example["tools"][0]["function"]["name"] == "lookup"


async def test_tools_of_a_remembered_chat_are_masked_in_storage(harness: ChatHarness) -> None:
    parameters = schema(properties={MAIL: {"type": "string", "enum": [CARD]}})
    harness.upstream.plan("captain-v2", up.answer("Aye.", id="c"))
    await harness.ask(tools=tool(description=f"{MAIL} {IBAN}", parameters=parameters))
    await harness.idle()
    names = [blob.name async for blob in harness.cloud.feedback.list()]
    assert len(names) == 2
    contents = [await harness.cloud.feedback.read(name) for name in names]
    written = b"".join(content.data for content in contents if content).decode()
    assert not [word for word in PRIVATE if word in written]
