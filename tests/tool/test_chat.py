"""`tunedrop chat` with one question, and from a pipe."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chat import upstream as up
from tests.support.over_http import HOST_KEY, served
from tests.tool.chats import asked, says


async def test_one_question_is_answered_with_its_answer_and_nothing_else(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr, ", "a\tmast.\r", "\nAye"), says("Arr"), says("One"))
        done = await app.with_key(
            "chat", "chat", "captain", "What is a mast?", "--system", "Be brief"
        )
        assert (done.exit_code, done.stdout) == (0, "Arr, a\tmast.\nAye\n")
        assert done.stderr == ""
        piped = await app.with_key("chat", "chat", "captain", typed="What is it?\nReally?\n")
        assert piped.stdout == "Arr\n"
        dash = await app.with_key("chat", "chat", "captain", "-", "--max-tokens", "9", typed="Hm?")
        assert dash.stdout == "One\n"
    assert asked(server) == [
        [("system", "Be brief"), ("user", "What is a mast?")],
        [("user", "What is it?\nReally?\n")],
        [("user", "Hm?")],
    ]
    assert server.calls[2].body["max_completion_tokens"] == 9


async def test_json_has_what_a_program_needs_to_rate_the_answer(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr", " matey", finish="length"), up.error(400, "bad"))
        done = await app.with_key("chat", "chat", "captain", "Hi", "--json")
        told = json.loads(done.stdout)
        assert told.pop("seconds") >= 0
        assert told == {
            "model": "captain",
            "answer": "Arr matey",
            "id": "c",
            "served_by": "captain@1",
            "finish_reason": "length",
            "prompt_tokens": 7,
            "completion_tokens": 2,
        }
        server.plan("base", says("Well"))
        both = await app.with_key("chat", "chat", "captain", "Hi", "--compare", "base", "--json")
        first, second = json.loads(both.stdout)["answers"]
        assert (second["answer"], second["served_by"]) == ("Well", "base")
        assert "upstream says bad" in first["error"]["message"]
        assert "upstream says bad" in json.loads(both.stderr)["error"]["message"]
        assert both.exit_code == 2


async def test_several_answer_one_below_the_other_where_nobody_looks(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr"))
        server.plan("base", says("Well"))
        done = await app.with_key("chat", "chat", "captain", "Hi", "--compare", "base")
        assert done.stdout == "--- captain\nArr\n\n--- base\nWell\n\n"


async def test_bytes_that_are_not_utf8_are_sent_as_unknown_signs(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git diff | tunedrop chat`, of a file in another encoding: it was no JSON to the service."""
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr"))
        done = await app.with_key("chat", "chat", "captain", "caf\udce9 ü")
        assert (done.exit_code, "not UTF-8" in done.stderr) == (0, True)
        assert server.calls[0].body["messages"][-1]["content"] == "caf\ufffd ü"


async def test_a_model_that_goes_without_saying_need_not_be_named(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several: Any = {"TUNEDROP_BASE_DEPLOYMENTS": "base, other"}
    async with up.upstream() as server, served(monkeypatch, server.url, **several) as app:
        server.plan("captain-v1", says("Arr"))
        assert (await app.with_key("chat", "chat", typed="Hi")).stdout == "Arr\n"
    async with up.upstream() as server, served(monkeypatch, server.url, **several) as app:
        await app.runs.ctx.clients.models.delete("captain.json")
        which = await app.with_key("chat", "chat", typed="Hi")
        assert "which model? Name one: base, other." in which.output
    async with served(monkeypatch, TUNEDROP_BASE_DEPLOYMENTS="") as app:
        await app.runs.ctx.clients.models.delete("captain.json")
        none = await app.with_key("chat", "chat", typed="Hi")
        assert "no model serves yet" in none.output


async def test_what_is_in_the_way_of_a_chat_is_told_with_the_next_step(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        hosts = await app.with_key(HOST_KEY, "chat", "captain", "Hi")
        assert hosts.exit_code == 3
        assert "does not chat with this key. Chat takes a key of the app" in hosts.output
        typo = await app.with_key("chat", "chat", "captian", "Hi")
        assert (typo.exit_code, "captain" in typo.output) == (2, True)
        nothing = await app.with_key("chat", "chat", "captain", typed=" \n")
        assert (nothing.exit_code, "there is no question" in nothing.output) == (2, True)
        server.plan("captain-v1", up.stream(up.event("Arr, a"), done=False))
        cut = await app.with_key("chat", "chat", "captain", "Hi")
        assert (cut.exit_code, cut.stdout) == (3, "Arr, a\n")
        assert "Azure OpenAI" in cut.stderr, "who has broken off"
