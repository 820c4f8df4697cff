"""Conversations that become a dataset: what is kept, what is not, and that it passes the check."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.chat.memory import Memory, read_answer, shares
from shared.dataset.scan import Scan
from shared.errors import SettingError
from tests.chat import upstream as up
from tests.chat.conftest import Shop


async def remembered(shop: Shop, response_id: str) -> None:
    """Keeping happens after the answer: wait until it has."""
    for _ in range(1000):
        if await shop.cloud.feedback.read(f"answers/{response_id}"):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{response_id} is not remembered")


async def rate(shop: Shop, id: str, rating: str, **more: str) -> httpx.Response:
    return await shop.http.post("/feedback", json={"id": id, "rating": rating, **more})


async def exported(shop: Shop) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return await shop.relay.memory.export("captain")


async def test_good_and_corrected_answers_become_examples_that_pass_the_check(shop: Shop) -> None:
    for number, text in enumerate(["Arr one", "Arr two", "Nonsense"]):
        shop.upstream.plan("captain-v2", up.answer(text, id=f"chatcmpl-{number}"))
        await shop.ask(messages=[{"role": "user", "content": f"Question {number}"}])
        await remembered(shop, f"chatcmpl-{number}")
    assert (await rate(shop, "chatcmpl-0", "good")).status_code == 201
    await rate(shop, "chatcmpl-1", "bad", correction="Arr, two be right")
    await rate(shop, "chatcmpl-2", "bad", comment="useless")

    found = await exported(shop)
    assert [example["messages"][-1]["content"] for example, _ in found] == [
        "Arr one",
        "Arr, two be right",
    ]
    assert [source["answered_by"] for _, source in found] == ["captain@2"] * 2
    assert [source["rated_by"] for _, source in found] == ["web"] * 2
    scan = Scan("export.jsonl", minimum=1)
    scan.feed("".join(json.dumps(example) + "\n" for example, _ in found).encode())
    assert not scan.finish().broken


async def test_a_stream_is_remembered_as_one_answer_and_earlier_answers_are_not_learned(
    shop: Shop,
) -> None:
    shop.upstream.plan("captain-v2", up.stream(up.event("Arr, "), up.event("matey")))
    messages = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Unrated"},
        {"role": "user", "content": "Two"},
    ]
    await shop.ask(messages=messages, stream=True)
    await remembered(shop, "c")
    await rate(shop, "c", "good")
    ((example, _),) = await exported(shop)
    assert example["messages"][1]["weight"] == 0
    assert example["messages"][3] == {"role": "assistant", "content": "Arr, matey"}


async def test_personal_data_is_masked_before_it_is_written(shop: Shop) -> None:
    shop.upstream.plan("captain-v2", up.answer("Write to jane.doe@contoso.com", id="mail"))
    await shop.ask(messages=[{"role": "user", "content": "My card is 4111 1111 1111 1111"}])
    await remembered(shop, "mail")
    await rate(shop, "mail", "bad", correction="Ask john.roe@contoso.com")
    blobs = [blob.name async for blob in shop.cloud.feedback.list()]
    found = [await shop.cloud.feedback.read(name) for name in blobs]
    written = b"".join(content.data for content in found if content)
    for secret in (b"jane.doe", b"john.roe", b"4111"):
        assert secret not in written


async def test_only_models_that_are_named_remember(shop: Shop) -> None:
    shop.upstream.plan("base", up.answer(id="base-1"))
    await shop.ask("base")
    assert not shop.relay.memory._writing
    assert (await rate(shop, "base-1", "good")).status_code == 404


async def test_a_rating_needs_an_answer_that_the_caller_may_know(shop: Shop) -> None:
    shop.upstream.plan("captain-v2", up.answer(id="mine"))
    await shop.ask()
    await remembered(shop, "mine")
    stranger = {"api-key": "n"}
    body = {"id": "mine", "rating": "good"}
    assert (await shop.http.post("/feedback", json=body, headers=stranger)).status_code == 404
    assert (
        await shop.http.post("/feedback", json=body, headers={"api-key": ""})
    ).status_code == 401


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b'{"id": "a"}', "rating"),
        (b'{"id": "a", "rating": "fine"}', "rating"),
        (b'{"id": "../a", "rating": "good"}', "id"),
        (b'{"id": "a", "rating": "good", "stars": 5}', "stars"),
    ],
)
async def test_a_malformed_rating_is_refused_by_field(
    shop: Shop, body: bytes, param: str | None
) -> None:
    said = await shop.http.post("/feedback", content=body)
    assert said.status_code == 400
    assert said.json()["error"]["param"] == param


async def test_what_is_old_is_forgotten(shop: Shop) -> None:
    shop.upstream.plan("captain-v2", up.answer(id="old"))
    await shop.ask()
    await remembered(shop, "old")
    await rate(shop, "old", "good")
    later = Memory(
        shop.cloud.feedback, {}, now=lambda: datetime.now(UTC) + timedelta(days=30, minutes=1)
    )
    await Memory(shop.cloud.feedback, {}).forget(30)
    assert await exported(shop)
    await later.forget(30)
    assert [blob.name async for blob in shop.cloud.feedback.list()] == []


def test_shares_are_drawn_and_what_cannot_be_read_is_named() -> None:
    memory = Memory(None, shares(("captain:0.1", "tickets")), chance=lambda: 0.2)  # type: ignore[arg-type]
    assert [memory.wants(name) for name in ("captain", "tickets", "other", None)] == [
        False,
        True,
        False,
        False,
    ]
    for entry in ("captain:often", "captain:2"):
        with pytest.raises(SettingError, match=entry):
            shares((entry,))


def test_tool_calls_are_put_together_from_a_stream() -> None:
    def chunk(**delta: object) -> bytes:
        return b"data: " + json.dumps({"id": "t", "choices": [{"delta": delta}]}).encode() + b"\n\n"

    first = {"index": 0, "id": "c1", "type": "function"}
    body = (
        chunk(tool_calls=[{**first, "function": {"name": "weather", "arguments": ""}}])
        + chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"city": '}}])
        + chunk(tool_calls=[{"index": 0, "function": {"arguments": '"Oslo"}'}}])
        + b"data: [DONE]\n\n"
    )
    call = {"id": "c1", "type": "function"}
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    message = {"role": "assistant", "content": None, "tool_calls": [{**call, "function": function}]}
    assert read_answer(body) == ("t", message)
    assert read_answer(b'{"error": {"code": "x"}}') is None
    assert read_answer(b"data: nonsense\n\n") is None
