"""Conversations that become a dataset: what is recorded, and that it passes the check."""

import json
from typing import Any

import httpx
import pytest

from shared.chat.feedback import FeedbackStore, Rating, sampling_rates
from shared.chat.transcripts import read_answer
from shared.cloud.memory_container import MemoryContainer
from shared.dataset.scan import Scan
from shared.errors import SettingError
from tests.chat import upstream as up
from tests.chat.conftest import ChatHarness
from tests.support.clock import Clock


async def recorded(harness: ChatHarness, response_id: str) -> None:
    """Recording happens after the answer: wait until it has."""
    await harness.idle()
    assert await harness.cloud.feedback.read(f"answers/{response_id}")


async def rate(harness: ChatHarness, id: str, rating: str, **more: str) -> httpx.Response:
    return await harness.http.post("/feedback", json={"id": id, "rating": rating, **more})


async def exported(harness: ChatHarness) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    pages = harness.relay.feedback.export("captain")
    pairs = [pair async for page in pages for pair in page]
    return [(json.loads(example), json.loads(source)) for example, source in pairs]


async def test_good_and_corrected_answers_become_examples_that_pass_the_check(
    harness: ChatHarness,
) -> None:
    for number, text in enumerate(["Arr one", "Arr two", "Nonsense"]):
        harness.upstream.plan("captain-v2", up.answer(text, id=f"chatcmpl-{number}"))
        await harness.ask(messages=[{"role": "user", "content": f"Question {number}"}])
        await recorded(harness, f"chatcmpl-{number}")
    assert (await rate(harness, "chatcmpl-0", "good")).status_code == 201
    await rate(harness, "chatcmpl-1", "bad", correction="Arr, two be right")
    await rate(harness, "chatcmpl-2", "bad", comment="useless")

    examples = await exported(harness)
    assert [example["messages"][-1]["content"] for example, _ in examples] == [
        "Arr one",
        "Arr, two be right",
    ]
    assert [source["answered_by"] for _, source in examples] == ["captain@2"] * 2
    assert [source["rated_by"] for _, source in examples] == ["web"] * 2
    scan = Scan("export.jsonl", minimum=1)
    scan.feed("".join(json.dumps(example) + "\n" for example, _ in examples).encode())
    assert not scan.finish().broken


async def test_a_stream_is_remembered_as_one_answer_and_earlier_answers_are_not_learned(
    harness: ChatHarness,
) -> None:
    parts = (up.event("Arr, "), up.event("matey"), up.event("", "stop"))
    harness.upstream.plan("captain-v2", up.stream(*parts))
    messages = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Unrated"},
        {"role": "user", "content": "Two"},
    ]
    await harness.ask(messages=messages, stream=True)
    await recorded(harness, "c")
    await rate(harness, "c", "good")
    ((example, _),) = await exported(harness)
    assert example["messages"][1]["weight"] == 0
    assert example["messages"][3] == {"role": "assistant", "content": "Arr, matey"}


async def test_personal_data_is_masked_before_it_is_written(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v2", up.answer("Write to jane.doe@contoso.com", id="mail"))
    await harness.ask(messages=[{"role": "user", "content": "My card is 4111 1111 1111 1111"}])
    await recorded(harness, "mail")
    await rate(harness, "mail", "bad", correction="Ask john.roe@contoso.com")
    blobs = [blob.name async for blob in harness.cloud.feedback.list()]
    contents = [await harness.cloud.feedback.read(name) for name in blobs]
    written = b"".join(content.data for content in contents if content)
    for secret in (b"jane.doe", b"john.roe", b"4111"):
        assert secret not in written


def test_a_rating_is_masked_in_all_of_its_texts() -> None:
    said = "Ask jane.doe@contoso.com"
    rating = Rating(id="c1", rating="bad", correction=said, comment=said)
    assert rating.masked() == {
        "id": "c1",
        "rating": "bad",
        "correction": "Ask [e-mail address]",
        "comment": "Ask [e-mail address]",
    }


async def test_only_models_that_are_named_remember(harness: ChatHarness) -> None:
    harness.upstream.plan("base", up.answer(id="base-1"))
    await harness.ask("base")
    await harness.idle()
    assert [blob.name async for blob in harness.cloud.feedback.list()] == []
    assert (await rate(harness, "base-1", "good")).status_code == 404


async def test_a_rating_needs_an_answer_that_the_caller_may_know(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v2", up.answer(id="mine"))
    await harness.ask()
    await recorded(harness, "mine")
    stranger = {"api-key": "n"}
    body = {"id": "mine", "rating": "good"}
    assert (await harness.http.post("/feedback", json=body, headers=stranger)).status_code == 404
    assert (
        await harness.http.post("/feedback", json=body, headers={"api-key": ""})
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
    harness: ChatHarness, body: bytes, param: str | None
) -> None:
    response = await harness.http.post("/feedback", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


async def test_what_is_old_is_forgotten(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v2", up.answer(id="old"))
    await harness.ask()
    await recorded(harness, "old")
    await rate(harness, "old", "good")
    await harness.relay.feedback.forget(1)
    assert await exported(harness)
    await harness.relay.feedback.forget(-1)
    assert [blob.name async for blob in harness.cloud.feedback.list()] == []


async def test_what_is_old_is_so_by_storages_clock() -> None:
    """A host whose clock is a year ahead must not delete what people have said today."""
    clock = Clock()
    container = MemoryContainer("feedback", clock.now)
    await container.append("ratings/captain/2026-11-02.jsonl", "{}")
    store = FeedbackStore(container, {}, clock=lambda: clock.after(365 * 86_400))
    await store.forget(30)
    assert await container.info("ratings/captain/2026-11-02.jsonl")
    clock.advance(31 * 86_400)
    await store.forget(30)
    assert not await container.info("ratings/captain/2026-11-02.jsonl")


def test_shares_are_drawn_and_what_cannot_be_read_is_named() -> None:
    store = FeedbackStore(None, sampling_rates(("captain:0.1", "tickets")), chance=lambda: 0.2)  # type: ignore[arg-type]
    assert [store.samples(name) for name in ("captain", "tickets", "other", None)] == [
        False,
        True,
        False,
        False,
    ]
    for entry in ("captain:often", "captain:2"):
        with pytest.raises(SettingError, match=entry):
            sampling_rates((entry,))


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
    message = {"role": "assistant", "tool_calls": [{**call, "function": function}]}
    assert read_answer(body) == ("t", message, None)
    assert read_answer(b'{"error": {"code": "x"}}') is None
    assert read_answer(b"data: nonsense\n\n") is None
