"""The conversation in a real terminal: keys, pastes, and what ends what."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.chat import upstream as up
from tests.support.over_http import Served, served
from tests.support.terminal import Terminal, terminal

MARK_PASTES = "\x1b[?2004h"  # what a terminal is told, to send a paste like the next
PASTE = "\x1b[200~first line\nsecond line\x1b[201~"


def chat(app: Served, folder: Path, *words: str) -> "Conversation":
    return Conversation(app, folder, words)


class Conversation:
    """What happens in the terminal happens beside the app, which has the test's event loop."""

    def __init__(self, app: Served, folder: Path, words: tuple[str, ...]) -> None:
        environment = {"TUNEDROP_APP": app.url, "TUNEDROP_KEY": "operator"}
        self.opened = terminal("chat", *words, folder=folder, environment=environment)

    async def __aenter__(self) -> "Conversation":
        self.terminal: Terminal = await asyncio.to_thread(self.opened.__enter__)
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self.opened.__exit__, None, None, None)

    async def until(self, text: str) -> str:
        return await asyncio.to_thread(self.terminal.until, text)

    async def ended(self) -> int:
        return await asyncio.to_thread(self.terminal.ended)


def answer(text: str) -> up.Behaviour:
    return up.stream(up.event(text, "stop"))


async def test_ctrl_c_stops_an_answer_and_not_the_conversation(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = asyncio.Event()
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", up.stream(up.event("Arr, a long"), hold), answer("Short"))
        async with chat(app, machine, "captain") as talk:
            await talk.until("captain> ")
            talk.terminal.type("Tell me all\n")
            await talk.until("Arr, a long")
            talk.terminal.interrupt()
            await talk.until("Stopped; what has come is kept.")
            await talk.until("captain> ")
            await asyncio.wait_for(server.calls[0].ended.wait(), 60)
            talk.terminal.type("And now?\n")
            await talk.until("Short")
            await talk.until("captain> ")
            talk.terminal.interrupt()
            await talk.until("Ctrl-D or /exit ends the conversation.")
            await talk.until("captain> ")
            talk.terminal.type("\x04")
            assert await talk.ended() == 0
        hold.set()
    said = [message["content"] for message in server.calls[1].body["messages"]]
    assert said == ["Tell me all", "Arr, a long", "And now?"]


async def test_a_paste_of_several_lines_is_one_question(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", answer("Both seen"))
        async with chat(app, machine, "captain") as talk:
            assert MARK_PASTES in await talk.until("captain> ")
            talk.terminal.type(f"{PASTE}\n")
            await talk.until("Both seen")
            await talk.until("captain> ")
            talk.terminal.type("/exit\n")
            assert await talk.ended() == 0
    (call,) = server.calls
    assert call.body["messages"] == [{"role": "user", "content": "first line\nsecond line"}]


async def test_what_is_typed_is_kept_in_no_file(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", answer("One"), answer("Two"))
        async with chat(app, machine, "captain") as talk:
            await talk.until("captain> ")
            talk.terminal.type("my secret question\n")
            await talk.until("One")
            await talk.until("captain> ")
            talk.terminal.type("\x1b[A\n")  # the arrow: the same once more
            await talk.until("Two")
            await talk.until("captain> ")
            talk.terminal.type("/exit\n")
            assert await talk.ended() == 0
    assert [call.body["messages"][-1]["content"] for call in server.calls] == (
        ["my secret question"] * 2
    )
    assert not files(machine)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_ctrl_c_ends_the_wait_for_one_answer(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = asyncio.Event()
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", up.stream(up.event("Arr, a long"), hold))
        async with chat(app, machine, "captain", "Tell me all") as talk:
            await talk.until("Arr, a long")
            talk.terminal.interrupt()
            assert await talk.ended() == 130
            assert talk.terminal.shown.endswith("Arr, a long\n")
        hold.set()


async def test_an_unknown_model_is_told_before_anybody_types(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app, chat(app, machine, "captian") as talk:
        await talk.until("Did you mean captain?")
        assert await talk.ended() == 2


async def test_json_is_of_one_question(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(monkeypatch) as app, chat(app, machine, "captain", "--json") as talk:
        assert await talk.ended() == 2
        assert "of one question" in json.loads(talk.terminal.shown)["error"]["message"]
