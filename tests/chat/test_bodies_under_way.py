"""Many large requests at once do not take the app's memory: some are told to come again."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.chat import bodies
from shared.chat.bodies import LARGE_BYTES, Bodies, Overloaded
from shared.chat.pictures import MAX_BODY_BYTES, MAX_TEXT_BYTES
from shared.chat.protocol import parse_chat
from shared.chat.relay import Relay
from tests.chat import upstream as up
from tests.support.in_process import METERED, in_process

CHAT = "/v1/chat/completions"
SMALL = {"model": "captain", "messages": [{"role": "user", "content": "Hi"}]}
# Python holds a text with one emoji in it as four bytes a character.
BODY = '{"model": "captain", "messages": [{"role": "user", "content": "%s%s"}]}'
MEMORY = 512 * 2**20  # bytes that the app may have

App = tuple[httpx.AsyncClient, Relay, up.Upstream]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, relay, _):
        server.parse = False
        relay.upstream.deadline_seconds = 60
        yield http, relay, server


def resident() -> int:
    """Bytes of memory that this process has now."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def large(mark: str = "", size: int = MAX_TEXT_BYTES - 1000) -> bytes:
    return (BODY % (mark, "x" * size)).encode()


async def open_chats(app: App, content: bytes, count: int) -> tuple[asyncio.Event, list[Any]]:
    """That many calls, each of which has been refused, or waits for the deployment."""
    http, _, server = app
    go_on = asyncio.Event()
    server.plan("", *[up.silence(go_on)] * count)
    calls = [asyncio.create_task(http.post(CHAT, content=content)) for _ in range(count)]
    while len(server.calls) + sum(call.done() for call in calls) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return go_on, calls


async def end(go_on: asyncio.Event, calls: list[Any]) -> None:
    go_on.set()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize("mark", ["", "😀", r"\ud83d\ude00", "\x7f"])
async def test_forty_open_chats_do_not_take_the_apps_memory(app: App, mark: str) -> None:
    """Four megabytes of each kind, for as long as the deployment takes to begin."""
    http, relay, server = app
    before = resident()
    content = large(mark) if mark != "\x7f" else (BODY % ("", mark * 4_100_000)).encode()
    go_on, calls = await open_chats(app, content, 40)
    taken = resident() - before
    refused = [call.result() for call in calls if call.done()]
    room = bodies.MAX_BYTES_OF_ONE_CALLER // len(content)
    assert len(server.calls) == room == 40 - len(refused)
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["error"]["code"] for answer in refused} == {"overloaded"}
    assert {answer.headers["retry-after"] for answer in refused} == {"5"}
    assert relay.bodies.held == room * len(content)
    server.script.clear()
    assert (await http.post(CHAT, json=SMALL)).status_code == 200, "a small one always passes"
    await end(go_on, calls)
    assert relay.bodies.held == 0
    assert taken < MEMORY


@pytest.mark.parametrize(
    "behaviour",
    [up.answer(), up.stream(up.event("one")), up.error(400), up.error(404), up.reset],
    ids=["answer", "stream", "refused", "gone", "reset"],
)
@pytest.mark.parametrize("size", [1_000_000, 3_000_000])  # the second is too long to be recorded
async def test_however_a_large_chat_ends_its_bytes_are_free(
    app: App, behaviour: up.Behaviour, size: int
) -> None:
    http, relay, server = app
    server.plan("", behaviour, behaviour)
    await http.post(CHAT, content=large(size=size))
    assert relay.bodies.held == 0


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
async def test_a_stream_holds_its_request_only_where_it_is_to_be_recorded(
    app: App, size: int
) -> None:
    _, relay, server = app
    go_on = asyncio.Event()
    server.plan("", up.stream(up.event("one"), go_on))
    http, content = app[0], large(size=size)
    asking = asyncio.create_task(http.post(CHAT, content=content))
    await asyncio.wait_for(server.called.wait(), 10)
    await asyncio.sleep(0.2)  # until the answer has begun
    assert relay.bodies.held == (len(content) if size == 1_000_000 else 0)
    go_on.set()
    await asking
    assert relay.bodies.held == 0


@pytest.mark.parametrize("path", [CHAT, "/feedback"])
async def test_a_body_is_refused_while_it_comes(
    app: App, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after it has been read: those who send slowly hold as much."""
    monkeypatch.setattr(bodies, "MAX_BYTES_UNDER_WAY", 200_000)
    http, relay, server = app
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(60):
            sent += 1
            yield b" " * 10_000

    answer = await http.post(path, content=pieces())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    assert (server.calls, relay.bodies.held) == ([], 0)


def test_one_caller_leaves_room_for_the_largest_request_of_another() -> None:
    all_of_them = Bodies()
    mine = [all_of_them.hold() for _ in range(3)]
    for held in mine:
        held.caller = "web"
    mine[0].grow(MAX_BODY_BYTES)
    passed_on = mine[0].pass_on()
    mine[1].grow(bodies.MAX_BYTES_OF_ONE_CALLER - MAX_BODY_BYTES)
    with pytest.raises(Overloaded, match=r"web has 67,108,864 bytes .* Try again in 5 seconds"):
        mine[2].grow(LARGE_BYTES + 1)
    mine[2].grow(LARGE_BYTES)
    other = all_of_them.hold()
    other.caller = "bot"
    other.grow(MAX_BODY_BYTES)
    third = all_of_them.hold()
    third.caller = "app"
    with pytest.raises(Overloaded, match=r"The app has 100,663,296 bytes"):
        third.grow(MAX_BODY_BYTES)
    passed_on.release()
    mine[2].grow(MAX_BODY_BYTES)
    for held in (*mine, other):
        held.release()
    assert (all_of_them.held, dict(all_of_them.by_caller)) == (0, {})


async def test_a_key_that_sends_too_much_is_told_so_and_the_others_go_on(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MAX_BYTES_OF_ONE_CALLER", 150_000)
    http, relay, server = app
    content = large(size=100_000)
    go_on, calls = await open_chats(app, content, 2)
    (refused,) = [call.result() for call in calls if call.done()]
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert "web has 150,000 bytes" in refused.json()["error"]["message"]
    server.script.clear()
    other = await http.post(CHAT, content=content, headers={"api-key": METERED})
    assert other.status_code == 200
    await end(go_on, calls)
    assert (relay.bodies.held, dict(relay.bodies.by_caller)) == (0, {})


def test_small_bodies_are_not_counted_and_a_large_one_as_a_whole() -> None:
    all_of_them = Bodies()
    held = all_of_them.hold()
    held.grow(LARGE_BYTES)
    assert all_of_them.held == 0
    held.grow(LARGE_BYTES + 1)
    assert all_of_them.held == LARGE_BYTES + 1
    held.grow(bodies.MAX_BYTES_OF_ONE_CALLER)
    other = all_of_them.hold()
    other.caller = "bot"
    other.grow(bodies.MAX_BYTES_UNDER_WAY - bodies.MAX_BYTES_OF_ONE_CALLER)
    other.grow(LARGE_BYTES)
    with pytest.raises(Overloaded):
        other.grow(bodies.MAX_BYTES_UNDER_WAY)
    other.release()
    passed_on = held.pass_on()
    held.release()
    assert all_of_them.held == bodies.MAX_BYTES_OF_ONE_CALLER
    passed_on.release()
    passed_on.release()
    assert all_of_them.held == 0


@pytest.mark.parametrize("text", ["ü" * 1000, "\x7f" * 1000, "語" * 1000, "😀" * 1000])
def test_a_body_is_not_longer_when_it_is_sent(text: str) -> None:
    said = {"model": "m", "messages": [{"role": "user", "content": text}]}
    body = json.dumps(said, ensure_ascii=False).encode()
    sent = parse_chat(body).body_for("m")
    assert json.loads(sent) == said
    assert len(sent) <= len(body)


def test_half_a_pair_is_sent_escaped() -> None:
    body = (BODY % (r"\ud83d", "x")).encode()
    sent = parse_chat(body).body_for("m")
    assert rb"\ud83dx" in sent
    assert json.loads(sent)["messages"] == json.loads(body)["messages"]
