"""Exports of any size, whatever has become of a line: page by page, beside everything else."""

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from shared import model_api
from shared.chat.feedback import FeedbackStore
from shared.chat.rated import Rated
from shared.cloud import memory_container
from shared.cloud.container import LONGEST_LINE, Container
from shared.cloud.memory_container import MemoryContainer

AT = "2026-11-02T12:00:00+00:00"
HOUR = "conversations/captain/2026-11-02/12.jsonl"
RATINGS = "ratings/captain/2026-11-02.jsonl"


def conversation(number: int, text: str = "Arr") -> str:
    question = [{"role": "user", "content": f"Question {number}"}]
    answer = {"role": "assistant", "content": text}
    head = {"id": f"c{number}", "at": AT, "served_by": "captain@1"}
    return json.dumps(head | {"messages": question, "answer": answer})


def rating(number: int) -> str:
    return json.dumps({"id": f"c{number}", "rating": "good", "at": AT, "by": "web"})


async def stored(conversations: list[str], ratings: list[str]) -> FeedbackStore:
    container = MemoryContainer("feedback")
    for name, lines in ((HOUR, conversations), (RATINGS, ratings)):
        await container.put(name, "".join(f"{line}\n" for line in lines).encode(), "x/y")
    return FeedbackStore(container, {})


async def exported(store: FeedbackStore) -> list[Rated]:
    return [pair async for page in store.export("captain") for pair in page]


def questions(pairs: list[Rated]) -> list[str]:
    return [json.loads(example)["messages"][0]["content"] for example, _ in pairs]


@pytest.mark.parametrize(
    "bad", ["", "no JSON", '{"id": "c1"', "7", "[]", '{"id": ["c1"]}', '{"id": "c1"}', "[" * 20_000]
)
async def test_a_line_that_cannot_be_read_is_left_out_and_told_of(
    bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    lines = [conversation(0), bad, conversation(2)]
    store = await stored(lines, [rating(0), bad, rating(1), rating(2)])
    assert questions(await exported(store)) == ["Question 0", "Question 2"]
    assert f"1 lines of {HOUR} cannot be read" in caplog.text


async def test_half_of_a_surrogate_pair_costs_its_own_line_only() -> None:
    store = await stored([conversation(0, "\ud800"), conversation(1)], [rating(0), rating(1)])
    assert questions(await exported(store)) == ["Question 1"]


async def test_a_line_without_end_is_left_out() -> None:
    lines = [conversation(0), conversation(1, "x" * (2 * LONGEST_LINE)), conversation(2)]
    store = await stored(lines, [rating(number) for number in range(3)])
    assert questions(await exported(store)) == ["Question 0", "Question 2"]


async def test_an_hour_larger_than_a_document_may_be_is_exported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Container._check_size, "__defaults__", (1000,))
    numbers = range(100)
    store = await stored(list(map(conversation, numbers)), list(map(rating, numbers)))
    assert len(await exported(store)) == 100


async def test_no_example_comes_twice_whatever_page_it_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_container, "CHUNK", 64)
    store = await stored([conversation(0)] * 20 + [conversation(1)], [rating(0), rating(1)])
    assert questions(await exported(store)) == ["Question 0", "Question 1"]


async def test_a_full_log_is_exported_with_its_next_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_container, "MAX_BLOCKS", 2)
    store = FeedbackStore(MemoryContainer("feedback"), {})
    for number in range(5):
        await store.container.append(HOUR, conversation(number))
        await store.container.append(RATINGS, rating(number))
    assert len(await exported(store)) == 5


async def test_a_large_export_holds_neither_the_loop_nor_all_of_it() -> None:
    """What counts is the loop's own work: by the clock, others on this machine count as well."""
    numbers = range(15_000)
    store = await stored(
        [conversation(n, "x" * 500) for n in numbers], [rating(n) for n in numbers]
    )
    request = Request({"type": "http", "path_params": {"name": "captain"}, "query_string": b""})
    longest, ended = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not ended.is_set():
            began = time.thread_time()
            await asyncio.sleep(0.002)
            longest = max(longest, time.thread_time() - began)

    watching = asyncio.create_task(watch())
    response = await model_api.examples(request, lambda: store)
    size = lines = 0
    async for chunk in response.body_iterator:  # type: ignore[attr-defined]
        size, lines = max(size, len(chunk)), lines + chunk.count(b"\n")
    ended.set()
    await watching
    print(f"15,000 conversations: the loop was held by {longest:.3f} s of work at most")
    assert lines == 15_000
    assert size < 4 << 20
    assert longest < 0.3


@pytest.mark.parametrize(
    ("first", "later", "answers"),
    [
        (("good", "bad"), (), []),
        (("bad", "good"), (), ["Arr"]),
        (("good",), ("bad",), []),
        (("bad",), ("good", "bad", "good"), ["Arr"]),
    ],
)
async def test_the_last_rating_of_an_answer_counts(
    first: tuple[str, ...], later: tuple[str, ...], answers: list[str]
) -> None:
    """Within a day's log and over several: people change their minds."""

    def rated(ratings: tuple[str, ...]) -> list[str]:
        return [json.dumps(json.loads(rating(0)) | {"rating": one}) for one in ratings]

    store = await stored([conversation(0)], rated(first))
    for line in rated(later):
        await store.container.append("ratings/captain/2026-11-03.jsonl", line)
    pairs = await exported(store)
    assert [json.loads(example)["messages"][-1]["content"] for example, _ in pairs] == answers


async def test_what_is_to_be_learned_is_the_rated_answer_alone() -> None:
    """What was bad and not corrected is no example; what was said before is only its context."""
    earlier = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Unrated"},
        {"role": "user", "content": "Two"},
    ]
    line = json.dumps(json.loads(conversation(0)) | {"messages": earlier})
    bad = json.loads(rating(0)) | {"rating": "bad"}
    assert await exported(await stored([line], [json.dumps(bad)])) == []
    corrected = json.dumps(bad | {"correction": "Arr, two"})
    ((example, source),) = await exported(await stored([line], [corrected]))
    messages = json.loads(example)["messages"]
    assert messages[-1] == {"role": "assistant", "content": "Arr, two"}
    assert [message.get("weight") for message in messages] == [None, 0, None, None]
    assert json.loads(source)["corrected"] is True


async def test_what_is_old_is_forgotten_and_nothing_else() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    container = MemoryContainer("feedback", lambda: now)
    store = FeedbackStore(container, {})
    await container.put("answers/old", b"", "x/y")
    now += timedelta(days=2)
    await container.put("answers/new", b"", "x/y")
    for days, left in ((2, ["answers/new", "answers/old"]), (1, ["answers/new"])):
        await store.forget(days)
        assert [blob.name async for blob in container.list()] == left


def test_nothing_is_recorded_of_a_model_that_is_not_named() -> None:
    store = FeedbackStore(MemoryContainer("feedback"), {"captain": 0.5}, chance=lambda: 0.49)
    assert [store.samples(model) for model in ("captain", "tickets", None)] == [True, False, False]
    rare = FeedbackStore(MemoryContainer("feedback"), {"captain": 0.5}, chance=lambda: 0.5)
    assert not rare.samples("captain")
