"""The conversation of `tunedrop chat`: what is sent, shown, rated and saved."""

import asyncio
import json
from pathlib import Path

import pytest

from shared.dataset.scan import Scan
from tests.chat import upstream as up
from tests.support.over_http import served
from tests.tool.chats import asked, converse, says
from tests.tool.hostile import ACTS, HOSTILE
from tunedrop import questions
from tunedrop.app import App
from tunedrop.conversation import append
from tunedrop.repl import COMMANDS


async def test_a_conversation_knows_what_was_said_and_begins_anew_when_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr"), says("Aye"), says("Hm"), says("New"))
        await converse(
            app,
            "Hi",
            "/system Be brief",
            "And?",
            '"""one',
            'two"""',
            "/clear",
            "/system -",
            " /etc?",
        )
    assert asked(server) == [
        [("user", "Hi")],
        [("system", "Be brief"), ("user", "Hi"), ("assistant", "Arr"), ("user", "And?")],
        [
            ("system", "Be brief"),
            ("user", "Hi"),
            ("assistant", "Arr"),
            ("user", "And?"),
            ("assistant", "Aye"),
            ("user", "one\ntwo"),
        ],
        [("user", "/etc?")],
    ]
    shown = capsys.readouterr().out
    assert "Arr\n" in shown
    assert "captain@1 · 1 tokens · " in shown


async def test_models_are_compared_side_by_side_each_with_its_own_conversation(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr"), says("Aye"), says("Arr again"))
        server.plan("base", says("Well"), up.error(400, "no"))
        talk = await converse(
            app,
            "Hi",
            "/compare base",
            "And?",
            "/compare nobody",
            "Again?",
            "/compare",
            "/exit",
            "x",
        )
    assert talk.models == ["captain"]
    assert [m["content"] for m in talk.said["base"]] == ["Hi", "Arr", "And?", "Well"]
    assert [m["content"] for m in talk.said["captain"]][-1] == "Arr again"
    shown = capsys.readouterr().out
    assert shown.count("upstream says no") == 1
    assert "Questions go to captain and base from now on." in shown
    (line,) = [line for line in shown.splitlines() if "Aye" in line]
    assert "Well" in line, "they stand side by side"
    assert "nobody" in shown


async def test_an_answer_is_rated_corrected_and_saved_as_an_example(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("No idea"), says("Aye"))
        await converse(
            app,
            "/fix",
            "/good",
            "/save early.jsonl",
            "What is a mast?",
            "/fix",
            "Arr, a pole",
            "/save mine.jsonl",
            "And?",
            "/good as it should be",
            "/save mine.jsonl",
            "/save",
            "/save .",
        )
        ratings = [
            json.loads(line)
            async for blob in app.relay.feedback.container.list("ratings/")
            async for lines in app.relay.feedback.container.lines(blob.name)
            for line in lines
        ]
    told = [(r["rating"], r.get("correction"), r.get("comment"), r["by"]) for r in ratings]
    assert told == [
        ("bad", "Arr, a pole", None, "operators"),
        ("good", None, "as it should be", "operators"),
    ]
    assert asked(server)[1][1] == ("assistant", "Arr, a pole"), "it goes on with what is right"
    shown = capsys.readouterr().out
    assert shown.count("captain has said nothing yet.") == 2, "nobody is asked for words first"
    assert "nothing was said yet." in shown
    assert "Saved as line 2 of mine.jsonl; `tunedrop check mine.jsonl` checks it." in shown
    assert "into which file?" in shown
    saved_as_examples()


def saved_as_examples() -> None:
    saved = Path("mine.jsonl").read_bytes()
    first, second = map(json.loads, saved.splitlines())
    assert first["messages"] == [
        {"role": "user", "content": "What is a mast?"},
        {"role": "assistant", "content": "Arr, a pole"},
    ]
    assert len(second["messages"]) == 4
    scan = Scan("mine.jsonl", minimum=1)
    scan.feed(saved)
    assert not scan.finish().broken
    assert Path("mine.jsonl").stat().st_mode & 0o077 == 0
    assert not Path("early.jsonl").exists()


async def test_where_several_answered_the_one_that_is_rated_is_named(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says("Arr"))
        server.plan("base", says("Well"))
        both = ("captain", "base")
        await converse(app, "Hi", "/bad", "/bad captain too long", models=both)
        (name,) = [blob.name async for blob in app.relay.feedback.container.list("ratings/")]
        (line,) = [x async for x in app.relay.feedback.container.lines(name)]
    assert json.loads(line[0])["comment"] == "too long"
    shown = capsys.readouterr().out
    assert "whose answer? Name it first: captain or base." in shown
    assert "The last answer of captain is rated bad." in shown


async def test_a_rating_that_comes_before_its_answer_was_recorded_is_sent_again(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(monkeypatch) as app:
        feedback = app.relay.feedback.container
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                place = b"captain/2026-11-28/10"
                asyncio.run_coroutine_threadsafe(
                    feedback.put("answers/late", place, "text/plain"), loop
                ).result()

        loop = asyncio.get_running_loop()
        known = App(app.url, "operator")
        rating = {"id": "late", "rating": "good"}
        done = await asyncio.to_thread(questions.rate, known, rating, pause)
        assert done["model"] == "captain"
        assert len(pauses) == 2


async def test_a_mistake_ends_no_conversation(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", up.error(400, "no"), says("Arr"))
        talk = await converse(
            app, "/frobnicate", "^C", "", "Hi", "/model nobody", "/model", "Again"
        )
    assert [m["content"] for m in talk.said["captain"]] == ["Again", "Arr"]
    shown = capsys.readouterr().out
    assert "/frobnicate is nothing here." in shown
    assert "Ctrl-D or /exit ends the conversation." in shown
    assert "upstream says no" in shown
    assert "captain, captain@1, base\n" in shown


async def test_all_that_begins_with_a_slash_is_listed(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(monkeypatch) as app:
        await converse(app, "/help")
    shown = capsys.readouterr().out
    assert all(f"/{name}" in shown for name in COMMANDS)


@pytest.mark.parametrize("parts", [1, 3, 1000])
async def test_what_a_model_says_steers_no_terminal(
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    parts: int,
) -> None:
    size = -(-len(HOSTILE) // min(parts, len(HOSTILE)))
    pieces = [HOSTILE[at : at + size] for at in range(0, len(HOSTILE), size)]
    async with up.upstream() as server, served(monkeypatch, server.url) as app:
        server.plan("captain-v1", says(*pieces), says(*pieces), says(*pieces))
        server.plan("base", says(*pieces))
        once = await app.with_key("chat", "chat", "captain", "Hi")
        await converse(app, "Hi", "/compare base", "Hi")
    for shown in (once.stdout, capsys.readouterr().out):
        assert not ACTS.search(shown.replace("\t", ""))
        assert "[bold red]me[/]" in shown
        assert "\\u001b[2J" in shown


def test_a_line_is_added_to_a_file_whose_last_line_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(b'{"a": 1}')
    assert append(path, "b") == 2
    assert append(path, "c") == 3
    assert path.read_bytes() == b'{"a": 1}\nb\nc\n'
