"""Whatever is sent, the event loop goes on: every other stream of the instance depends on it."""

import asyncio
import gc
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from shared.chat import feedback, pictures, protocol, rated, relay, routing, transcripts
from tests.chat import upstream as up
from tests.chat.conftest import ChatHarness
from tests.support.in_process import in_process

Patch = pytest.MonkeyPatch
LARGE = "What is a ship? " * 8192  # more than LARGE_BYTES


class Witness:
    """A function that waits, within its work, until the event loop has made a turn."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.turns: list[bool] = []
        self.arguments: tuple[Any, ...] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.arguments = args
        turned = threading.Event()
        self.loop.call_soon_threadsafe(turned.set)
        self.turns.append(turned.wait(2))  # in the loop itself this would never be set
        return self.work(*args, **kwargs)


@pytest.fixture
async def witness(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], Witness]:
    def replace(owner: Any, name: str) -> Witness:
        made = Witness(getattr(owner, name))
        # A method stays one: its first argument is the object.
        is_class = isinstance(owner, type)
        monkeypatch.setattr(
            owner, name, (lambda *a, **more: made(*a, **more)) if is_class else made
        )
        return made

    return replace


async def test_a_conversation_is_masked_and_written_beside_the_loop(
    harness: ChatHarness, witness: Callable[[Any, str], Witness]
) -> None:
    mask, read = witness(transcripts, "mask"), witness(transcripts, "read_answer")
    harness.upstream.plan("captain-v2", up.answer("a@contoso.com", id="c"))
    await harness.ask()
    await harness.idle()
    assert read.turns == [True]
    assert mask.turns == [True] * len(mask.turns) != []
    assert await harness.cloud.feedback.read("answers/c")


async def test_a_rating_is_masked_and_an_export_is_read_beside_the_loop(
    harness: ChatHarness, witness: Callable[[Any, str], Witness]
) -> None:
    await harness.ask()
    await harness.idle()
    mask, made = witness(feedback, "mask"), witness(rated, "_rated")
    ratings = witness(rated, "_ratings")
    rating = {"id": "chatcmpl-1", "rating": "bad", "correction": "a@contoso.com"}
    assert (await harness.http.post("/feedback", json=rating)).status_code == 201
    pages = harness.relay.feedback.export("captain")
    ((example, _),) = [pair async for page in pages for pair in page]
    assert json.loads(example)["messages"][-1]["content"] == "[e-mail address]"
    assert mask.turns == [True]
    assert (ratings.turns, made.turns) == ([True], [True])


async def test_a_large_request_is_parsed_and_written_beside_the_loop(
    harness: ChatHarness, witness: Callable[[Any, str], Witness]
) -> None:
    parse, write = witness(relay, "parse_chat"), witness(protocol.ChatRequest, "body_for")
    message = {"role": "user", "content": LARGE}
    assert (await harness.ask(messages=[message])).status_code == 200
    assert harness.upstream.calls[0].body["messages"] == [message]
    assert (parse.turns, write.turns) == ([True], [True])


async def test_near_names_are_looked_for_beside_the_loop_and_for_a_short_name_only(
    harness: ChatHarness, witness: Callable[[Any, str], Witness]
) -> None:
    """A name of megabytes takes half a second; no model has one."""
    near = witness(routing, "get_close_matches")
    refused = await harness.ask("captai" + "n" * 2**20)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "model")
    assert len(refused.content) < 500
    assert near.turns == []
    assert (await harness.ask("captai" + "n" * 190)).status_code == 404
    assert near.turns == [True]
    assert len(near.arguments[0]) <= 80


@asynccontextmanager
async def ticking() -> AsyncIterator[list[float]]:
    """The pauses between the turns of the event loop, in seconds; 0 if all was done in one."""
    pauses: list[float] = [0.0]

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            pauses.append(loop.time() - before)

    task = asyncio.create_task(tick())
    try:
        yield pauses
    finally:
        task.cancel()


async def test_a_conversation_full_of_addresses_stops_nobody(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v2", up.answer("jane@contoso.com, " * 800, id="c"))
    async with ticking() as pauses:
        await harness.ask()
        await harness.idle()
    assert await harness.cloud.feedback.read("answers/c")
    assert max(pauses) < 0.5


def body(content: str) -> bytes:
    values = ",".join([content] * (pictures.MAX_TEXT_BYTES // (len(content) + 1) - 100))
    head = '{"model": "captain", "messages": [{"role": "user", "content": ['
    return f"{head}{values}]}}]}}".encode()


@pytest.mark.parametrize("value", ["[]", "{}", "1", '""', "[[[[[[[[]]]]]]]]", '{"a":1.5}'])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/feedback"])
async def test_megabytes_of_values_are_refused_at_once(
    harness: ChatHarness, value: str, path: str
) -> None:
    content = body(value)
    async with ticking() as pauses:
        response = await harness.http.post(path, content=content)
    assert response.status_code == (413 if path == "/feedback" else 400)
    assert json.loads(response.content)["error"]["code"] == "invalid_request"
    assert max(pauses) < 0.5


# ---- all kinds of bodies that are taken


MOST_SECONDS = 0.2  # of the processor between two turns of the loop, in whatever thread


@asynccontextmanager
async def working() -> AsyncIterator[list[float]]:
    """What the process has done between the turns of the event loop, in seconds: other processes
    of a busy machine do not count, a thread that holds the interpreter does."""
    pauses: list[float] = []
    turns = [time.process_time()]

    def turn() -> None:
        turns.append(time.process_time())
        pauses.append(turns[-1] - turns[-2])

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.002)
            turn()

    gc.freeze()  # what all tests have loaded is not looked through while one is measured
    task = asyncio.create_task(tick())
    try:
        yield pauses
    finally:
        turn()  # what has been done since the last one, which may be all
        task.cancel()
        gc.unfreeze()


async def stall(send: Callable[[], Awaitable[httpx.Response]]) -> tuple[httpx.Response, float]:
    """The response, and the longest pause of the loop: the least of three, for what stops the loop
    does so each time, and a busy machine does not."""
    longest = []
    for _ in range(3):
        async with working() as pauses:
            response = await send()
        longest.append(max(pauses))
        if longest[-1] < MOST_SECONDS:
            break
    return response, min(longest)


SIZE = pictures.MAX_TEXT_BYTES - 200_000
MANY = 90_000  # values; more are not taken


def said(content: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}]}


def tools(**function: object) -> dict[str, object]:
    return {"tools": [{"type": "function", "function": {"name": "f", **function}}]}


def picture(data: str) -> list[object]:
    return [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]


KINDS: dict[str, Callable[[], dict[str, object]]] = {
    "text": lambda: said("word " * (SIZE // 5)),
    "escapes": lambda: said("\ud83d" * (SIZE // 6)),
    "quotes": lambda: said('"' * (SIZE // 2)),
    "backslashes": lambda: said("\\" * (SIZE // 2)),
    "addresses": lambda: said("jane@contoso.com " * (SIZE // 17)),
    "parts": lambda: said([{"type": "text", "text": "x"}] * (MANY // 3)),
    "picture": lambda: said(picture("A" * SIZE)),
    "twenty megabytes of a picture": lambda: said(picture("A" * (20 * 2**20 * 4 // 3))),
    "pictures": lambda: said(picture("A") * (MANY // 4)),
    "longer pictures": lambda: said(picture("A" * 1100) * 20_000),
    "almost pictures": lambda: said(["data:" * 100] * 8000),
    "messages": lambda: {"messages": [{"role": "user", "content": "x" * 1800}] * 2048},
    "keys": lambda: {**said("x"), "metadata": {f"key-{n}-{'x' * 20}": "y" for n in range(MANY)}},
    "a long key": lambda: {**said("x"), "k" * SIZE: 1},
    "names": lambda: {"messages": [{"role": "user", "name": "n" * 1800, "content": "x"}] * 2048},
    "stop": lambda: {**said("x"), "stop": ["stop" * 8] * MANY},
    "bias": lambda: {**said("x"), "logit_bias": {str(n): 1 for n in range(MANY)}},
    "tools": lambda: {**said("x"), **tools(parameters={str(n): {} for n in range(MANY // 2)})},
    "description": lambda: {**said("x"), **tools(description="a@b.co " * (SIZE // 7))},
    "enumeration": lambda: {**said("x"), **tools(parameters={"enum": ["a@b.co"] * MANY})},
    "model": lambda: {**said("x"), "model": "captain" * (SIZE // 7)},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_as_much_of_anything_as_is_taken_stops_nobody(kind: str, monkeypatch: Patch) -> None:
    body = json.dumps({"model": "captain", **KINDS[kind]()}).encode()
    assert len(body) <= (pictures.MAX_BODY_BYTES if "picture" in kind else pictures.MAX_TEXT_BYTES)
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        server.parse = False  # it is on the same loop
        await http.post("/v1/chat/completions", json={"model": "captain", **said("warm")})
        response, seconds = await stall(lambda: http.post("/v1/chat/completions", content=body))
    assert response.status_code == (400 if kind == "model" else 200)
    assert seconds < MOST_SECONDS


@pytest.mark.parametrize(
    ("number", "status"), [("9" * 4300, 400), ("9" * 100, 200), ("0." + "9" * 4300, 200)]
)
async def test_four_megabytes_of_long_numbers_stop_nobody(
    number: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"model": "captain", **said("x")}).encode()
    numbers = ",".join([number] * (SIZE // (len(number) + 1)))
    body = body[:-1] + f', "metadata": [{numbers}]}}'.encode()
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        server.parse = False
        response, seconds = await stall(lambda: http.post("/v1/chat/completions", content=body))
    assert response.status_code == status
    assert seconds < MOST_SECONDS


@pytest.mark.parametrize("size", [1, 100_000])
async def test_an_export_of_many_conversations_stops_nobody(size: int, monkeypatch: Patch) -> None:
    """Sixteen megabytes of them: in a few lines, or in many."""
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        count = 16 * 2**20 // (size + 400)
        for name, make in (
            ("conversations/captain/x/1", conversation),
            ("ratings/captain/1", good),
        ):
            lines = "".join(f"{json.dumps(make(n, size))}\n" for n in range(count))
            await relay.feedback.container.put(f"{name}.jsonl", lines.encode(), "text/plain")
        response, seconds = await stall(lambda: http.get("/models/captain/examples"))
    assert response.content.count(b"\n") == count
    assert seconds < MOST_SECONDS


def conversation(number: int, size: int) -> dict[str, object]:
    answer = {"role": "assistant", "content": f"{number}" + "x" * size}
    return {"id": f"c{number}", **said("Hi"), "answer": answer, "at": "x", "served_by": "captain@1"}


def good(number: int, size: int) -> dict[str, object]:
    return {"id": f"c{number}", "rating": "good", "at": "x", "by": "web"}


async def test_a_correction_as_long_as_one_may_be_stops_nobody(monkeypatch: Patch) -> None:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, *_):
        await http.post("/v1/chat/completions", json={"model": "captain", **said("Hi")})
        rating = {"id": "chatcmpl-1", "rating": "bad", "correction": "jane@contoso.com " * 5882}
        response, seconds = await stall(lambda: http.post("/feedback", json=rating))
    assert response.status_code == 201
    assert seconds < MOST_SECONDS
