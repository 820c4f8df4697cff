"""Conversations of the Responses API become examples as chats do; in memory."""

import json
from typing import Any

import pytest

from shared.chat.apis import RESPONSES
from shared.chat.examples import Method
from shared.chat.feedback import parse_rating
from shared.chat.protocol import parse_chat
from tests.chat import upstream as up
from tests.chat.remembered import CORRECTED, GOOD, TOOL, Remembered, check

USER = {"role": "user", "content": "Where to?"}
FUNCTION: dict[str, Any] = {"type": "function", "strict": None}
FUNCTION |= {"name": "weather", "parameters": {"type": "object"}}
PNG = "data:image/png;base64,iVBORw0KGgo="


class Responding(Remembered):
    async def answered(
        self, answer: bytes, given: Any = "Where to?", rating: dict[str, str] = GOOD, **body: Any
    ) -> None:
        asked = json.dumps({"model": "captain", "input": given, **body}).encode()
        await self.store.record("captain@1", parse_chat(asked, api=RESPONSES), answer)
        line = parse_rating(json.dumps({"id": "resp_1", **rating}).encode())
        await self.store.rate(line, await self.store.model_of("resp_1"), "web")


@pytest.fixture
def remembered() -> Responding:
    return Responding()


def whole(*items: dict[str, Any], **more: Any) -> bytes:
    said = items or (up.message_item("To sea."),)
    return json.dumps(up.response_object(*said, **more)).encode()


async def test_a_rated_response_is_an_example(remembered: Responding) -> None:
    await remembered.answered(whole(), instructions="Be brief.")
    (example,) = await remembered.examples()
    assert example["messages"] == [
        {"role": "system", "content": "Be brief."},
        USER,
        {"role": "assistant", "content": "To sea."},
    ]
    check([example])


async def test_a_rated_stream_is_the_same_example(remembered: Responding) -> None:
    await remembered.answered(b"".join(up.response_events("To ", "sea.")), stream=True)
    (example,) = await remembered.examples()
    assert example["messages"] == [USER, {"role": "assistant", "content": "To sea."}]


async def test_a_correction_takes_the_place_of_a_response(remembered: Responding) -> None:
    await remembered.answered(whole(), rating=CORRECTED)
    (example,) = await remembered.examples(Method.DPO)
    assert example["preferred_output"] == [{"role": "assistant", "content": "To the harbour."}]
    assert example["non_preferred_output"] == [{"role": "assistant", "content": "To sea."}]
    check([example], Method.DPO)


async def test_calls_and_what_tools_answered_are_kept_as_a_chat_has_them(
    remembered: Responding,
) -> None:
    given = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Wet?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        up.call_item("weather", '{"city": "Oslo"}'),
        {**up.call_item("weather", '{"city": "Bergen"}'), "call_id": "call_2"},
        {"type": "function_call_output", "call_id": "call_1", "output": "dry"},
        {"type": "function_call_output", "call_id": "call_2", "output": "wet"},
    ]
    await remembered.answered(whole(up.message_item("In Bergen.")), given, tools=[FUNCTION])
    (example,) = await remembered.examples()
    user, calls, first, second, _ = example["messages"]
    assert user["content"] == "Wet?"
    assert [call["id"] for call in calls["tool_calls"]] == ["call_1", "call_2"]
    assert calls["tool_calls"][0]["function"]["arguments"] == '{"city": "Oslo"}'
    assert (first["tool_call_id"], second["content"]) == ("call_1", "wet")
    assert example["tools"] == [TOOL]
    check([example])


async def test_a_response_that_calls_is_an_example(remembered: Responding) -> None:
    item = up.call_item("weather", '{"city": "Oslo"}')
    await remembered.answered(whole(item), tools=[FUNCTION])
    (example,) = await remembered.examples()
    (call,) = example["messages"][-1]["tool_calls"]
    assert (call["id"], call["function"]["name"]) == ("call_1", "weather")
    check([example])


async def test_what_is_private_is_masked(remembered: Responding) -> None:
    mail = "Write to jane.doe@contoso.com."
    await remembered.answered(whole(up.message_item(mail)), mail, instructions=mail)
    (example,) = await remembered.examples()
    assert "jane.doe" not in json.dumps(example)


async def test_a_picture_stays_in_its_message(remembered: Responding) -> None:
    parts = [
        {"type": "input_text", "text": "What?"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ]
    await remembered.answered(whole(), [{"role": "user", "content": parts}])
    (example,) = await remembered.examples()
    (user, _) = example["messages"]
    assert user["content"][1] == {
        "type": "image_url",
        "image_url": {"url": PNG, "detail": "low"},
    }


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        ("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ("incomplete", {"incomplete_details": {"reason": "content_filter"}}, "content-filter"),
        ("in_progress", {}, "unfinished"),
    ],
)
async def test_a_response_that_was_cut_off_is_no_example(
    remembered: Responding, status: str, more: dict[str, Any], reason: str
) -> None:
    await remembered.answered(whole(status=status, **more))
    assert await remembered.examples() == []
    assert remembered.left_out == {reason: 1}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (whole({"type": "web_search_call", "id": "ws_1"}, up.message_item("x")), {}),
        (whole(), {"given": [{"type": "item_reference", "id": "msg_1"}, USER]}),
        (whole(), {"given": [{"role": "user", "content": [{"type": "input_file"}]}]}),
        (whole(), {"previous_response_id": "resp_0"}),
        (whole(), {"tools": [{"type": "web_search"}]}),
    ],
)
async def test_what_has_no_place_in_an_example_is_left_out(
    remembered: Responding, answer: bytes, body: dict[str, Any]
) -> None:
    await remembered.answered(answer, **body)
    assert await remembered.examples() == []
    assert remembered.left_out == {"not-maskable": 1}
