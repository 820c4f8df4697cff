"""Answers that no document describes, through the real client: a list without an end, a chat
without choices, a page of a proxy."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from shared.cloud.finetuning import FineTuning
from shared.cloud.pages import each_once
from shared.errors import Unavailable

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> FineTuning:
    transport: Any = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    base = "http://127.0.0.1:1/openai/v1"
    openai = AsyncOpenAI(base_url=base, api_key="unused", http_client=transport, max_retries=0)
    return FineTuning(openai)


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"id-{number}", "filename": "x", "status": "processed", **more}


class Listing:
    """Pages of a listing: each begins after the item that the request names, or as `lost` says the
    cursor is ignored from that item on."""

    def __init__(self, count: int, lost: int | None = None, size: int = 2) -> None:
        self.items = [item(n, step_number=n, metadata=None) for n in range(count)]
        self.lost, self.size, self.calls = lost, size, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        assert self.calls < 20, "the same page is asked for again and again"
        after = int(request.url.params.get("after", "id--1").removeprefix("id-"))
        start = after + 1 if self.lost is None else min(after + 1, self.lost)
        page = self.items[start : start + self.size]
        more = self.lost is not None or start + self.size < len(self.items)
        return httpx.Response(200, json={"object": "list", "data": page, "has_more": more})


LISTINGS: dict[str, Callable[[FineTuning], Any]] = {
    "files": lambda service: service.files({"x"}),
    "jobs": lambda service: service.list_jobs(),
    "checkpoints": lambda service: service.checkpoints("ftjob-1"),
    "a job": lambda service: service.find_job({"run": "r"}, "file-1", ()),
}


@pytest.mark.parametrize("name", LISTINGS)
async def test_a_list_whose_cursor_is_ignored_ends(name: str) -> None:
    pages = Listing(2, lost=0)
    found = await LISTINGS[name](client(pages))
    assert found is None or len(found) == 2
    assert pages.calls == 2


@pytest.mark.parametrize("name", ["files", "jobs", "checkpoints"])
async def test_a_list_that_repeats_its_last_page_has_all_that_was_before_it(name: str) -> None:
    found = await LISTINGS[name](client(Listing(6, lost=4)))
    assert len(found) == 6


@pytest.mark.parametrize("name", ["files", "jobs", "checkpoints"])
async def test_a_list_is_read_to_its_end(name: str) -> None:
    assert len(await LISTINGS[name](client(Listing(7)))) == 7


async def test_an_item_that_has_moved_to_the_next_page_is_there_once() -> None:
    async def listed() -> AsyncIterator[int]:
        for number in (1, 2, 3, 3, 4, 5):
            yield number

    assert [n async for n in each_once(listed(), lambda n: n)] == [1, 2, 3, 4, 5]


def chat(**body: Any) -> Handler:
    known = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return lambda request: httpx.Response(200, json={**known, **body})


@pytest.mark.parametrize("body", [{"choices": []}, {"choices": None}, {}])
async def test_a_chat_without_choices_is_the_services_fault_in_words(body: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match="Azure OpenAI answered without choices") as raised:
        await client(chat(**body)).ask("m-v1", "Say hello.")
    assert raised.value.blame == "service"


async def test_a_chat_that_says_nothing_is_an_answer() -> None:
    choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant"}}
    assert await client(chat(choices=[choice])).ask("m-v1", "Say hello.") == ""


PAGE = httpx.Response(200, text="<html>Sign in</html>", headers={"content-type": "text/html"})
TORN = httpx.Response(200, text='{"id": "ft', headers={"content-type": "application/json"})
BARE = httpx.Response(200, content=json.dumps({"object": "list"}))
CALLS: dict[str, Callable[[FineTuning], Any]] = {
    **LISTINGS,
    "job": lambda service: service.job("ftjob-1"),
    "file": lambda service: service.file("file-1"),
    "chat": lambda service: service.ask("m-v1", "Say hello."),
    "complete": lambda service: service.complete("m-v1", {"messages": []}),
    "events": lambda service: service.recent_events("ftjob-1"),
}


@pytest.mark.parametrize("answer", [PAGE, TORN], ids=["page", "torn"])
@pytest.mark.parametrize("name", CALLS)
async def test_a_page_of_a_proxy_is_no_fault_of_our_own(name: str, answer: httpx.Response) -> None:
    copy = httpx.Response(200, content=answer.content, headers=answer.headers)
    with pytest.raises(Unavailable, match="Azure OpenAI answered with"):
        await CALLS[name](client(lambda request: copy))


async def test_a_list_without_its_data_is_empty() -> None:
    assert await client(lambda request: BARE).recent_events("ftjob-1") == []
