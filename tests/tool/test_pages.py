"""`tunedrop model`, `events`, `report` and `feedback`: what is known of a model and a run."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import JSONResponse

from shared import manage
from shared.chat.callers import Role
from shared.run.ids import short
from shared.run.record import Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.over_http import Served, served
from tunedrop import following
from tunedrop.app import App
from tunedrop.errors import NotReached

ENDED = (Stage.SERVING, Stage.HELD, Stage.FAILED, Stage.REJECTED)


@pytest.fixture
async def app(machine: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async with served(monkeypatch) as app:
        yield app


async def trained(app: Served, voice: str = "one") -> Run:
    await app.runs.drop(dataset(10, voice=voice))
    run = await app.runs.until(await app.runs.received(), *ENDED)
    await app.runs.until_inactive()
    return await app.runs.known(run.id)


async def test_the_page_of_a_model_has_what_matters_and_what_can_be_done(app: Served) -> None:
    await trained(app)
    second = await trained(app, "two")
    shown = (await app.with_key("reader", "model", "m")).output
    lines = shown.splitlines()
    assert lines[0] == "m@2 is the champion"
    assert "  base        gpt-4.1-nano-2025-04-14" in lines
    assert "  deployment  m-v2" in lines
    assert "so far" in shown
    assert [line.split()[:2] for line in lines if line.startswith("@")] == [
        ["@1", "retired"],
        ["@2", "champion"],
    ]
    assert "tunedrop chat m  " in shown
    assert "tunedrop rollback m  " in shown
    assert "go back to m@1" in shown
    assert "tunedrop verdict" not in shown, "nothing was compared"
    told = json.loads((await app.with_key("reader", "model", "m", "--json")).stdout)
    assert told["model"]["champion"] == 2
    assert told["verdict"] is None
    assert told["cost"]["month"]
    await app.runs.ctx.ledger.keep(
        second.id,
        "verdict.json",
        json.dumps({"overall": "win", "sentence": "It is better."}).encode(),
        "application/json",
    )
    shown = (await app.with_key("reader", "model", "m")).output
    assert "  verdict     win: It is better." in shown
    assert "tunedrop verdict m-" in shown
    nobody = await app.with_key("reader", "model", "nobody")
    assert (nobody.exit_code, "`tunedrop models` lists them" in nobody.output) == (2, True)


async def test_a_page_without_its_costs_says_so(
    app: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> JSONResponse:
        error = {"message": "Costs are not known.", "fix": "Ask later.", "blame": "service"}
        return JSONResponse({"error": error}, 503)

    await trained(app)
    others = [route for route in manage.ROUTES if route.template != "cost"]
    cost = manage.Route("GET", "cost", Role.READER, broken)
    monkeypatch.setattr(manage, "ROUTES", (*others, cost))
    done = await app.with_key("reader", "model", "m")
    assert done.exit_code == 0
    assert "m@1 is the champion" in done.stdout
    assert "Costs are not known. Ask later." in done.stderr


async def test_a_log_is_printed_with_who_wanted_what(app: Served) -> None:
    await app.runs.drop(b"start: manual", "run.yaml")
    await app.runs.drop(dataset(10))
    run = await app.runs.until(await app.runs.received(), Stage.READY)
    await app.with_key("operator", "cancel", run.id, "--why", "too dear")
    await app.runs.until_inactive()
    shown = (await app.with_key("reader", "events", run.id)).output
    lines = shown.splitlines()
    assert all(" UTC  " in line for line in lines)
    assert "received" in lines[0]
    assert "tunedrop" not in shown, "what nobody has ordered needs no name"
    (ordered,) = [line for line in lines if "operators" in line and "command" in line]
    assert "too dear" in ordered
    told = json.loads((await app.with_key("reader", "events", run.id, "--json")).stdout)
    assert len(told["events"]) == len(lines)
    assert told["events"][0]["kind"] == "stage"
    nobody = await app.with_key("reader", "events", "m-00000000")
    assert (nobody.exit_code, "There is no run" in nobody.output) == (2, True)


async def test_a_followed_log_has_each_event_once_and_ends_with_the_run(
    app: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.001)
    await app.runs.drop(b"start: manual", "run.yaml")
    await app.runs.drop(dataset(10))
    run = await app.runs.until(await app.runs.received(), Stage.READY)
    asked = asyncio.create_task(app.with_key("reader", "events", run.id, "-f", "--json"))
    while not any("events.jsonl" in line for line in app.asked):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    operator = App(app.url, "operator")  # only one tool at a time can have the test's output
    await app.in_thread(operator.post, f"api/runs/{run.id}/start", {})
    await app.runs.until(run, *ENDED)
    done = await asked
    assert done.exit_code == 0, done.output
    seen = list(map(json.loads, done.stdout.splitlines()))
    whole = json.loads((await app.with_key("reader", "events", run.id, "--json")).stdout)["events"]
    assert seen == whole[: len(seen)]
    assert seen[-1]["message"].startswith(("serving", "deleting"))


async def test_a_followed_log_survives_an_app_that_is_away_for_a_moment(
    app: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.001)
    run = await trained(app)
    whole, failing = App.read, [True, True]

    def away(self: App, path: str) -> bytes:
        if failing:
            failing.pop()
            raise NotReached(f"{self.url} could not be reached: refused.", "Does the app run?")
        return whole(self, path)

    monkeypatch.setattr(App, "read", away)
    done = await app.with_key("reader", "events", run.id, "--follow")
    assert done.exit_code == 0
    assert "serving" in done.stdout
    assert done.stderr.count("asked again") == 2


async def test_the_log_of_a_run_that_ended_badly_ends_with_1(app: Served) -> None:
    await app.runs.drop(dataset(9))
    run = await app.runs.until(await app.runs.received(), *ENDED)
    done = await app.with_key("reader", "events", run.id, "--follow")
    assert run.stage == Stage.REJECTED
    assert (done.exit_code, "rejected" in done.output) == (1, True)


async def test_a_report_is_saved_as_a_page_that_needs_no_key(app: Served) -> None:
    run = await trained(app)
    done = await app.with_key("reader", "report", run.id)
    name = f"{short(run.id)}-report.html"
    assert done.output == f"{name}\n"
    assert saved(name) == await app.runs.ctx.ledger.document(run.id, "report.html")
    await app.with_key("reader", "report", run.id, "-o", "mine.html", "--no-browser")
    assert saved("mine.html") == saved(name)
    told = await app.with_key("reader", "report", run.id, "--json")
    assert json.loads(told.stdout)["verdict"] == "accepted"
    gone = await app.with_key("reader", "report", "m-00000000", "-o", "none.html")
    assert gone.exit_code == 2
    assert sorted(path.name for path in here()) == sorted(["mine.html", name])


def saved(name: str) -> bytes:
    return Path(name).read_bytes()


def here() -> list[Path]:
    return list(Path().iterdir())


async def test_feedback_says_what_can_be_learned_and_rates_an_answer(app: Served) -> None:
    assert (
        "No answer of captain was rated yet"
        in (await app.with_key("reader", "feedback", "captain")).output
    )
    for number, (version, finish) in enumerate(
        [(1, "stop"), (1, "stop"), (2, "stop"), (2, "length")]
    ):
        await remembered(app, f"a{number}", f"captain@{version}", finish)
    for words in (("a0", "good"), ("a1", "--correction", "Arr"), ("a2", "good"), ("a3", "good")):
        done = await app.with_key("chat", "feedback", "captain", *words)
        assert done.output == f"{words[0]} of captain is rated.\n"
    piped = await app.with_key(
        "chat", "feedback", "captain", "a2", "bad", "--correction", "-", "--comment", "dull",
        "--json", typed="Arr, arr\n",
    )  # fmt: skip
    assert json.loads(piped.stdout) == {"id": "a2", "model": "captain", "rating": "bad"}
    shown = (await app.with_key("reader", "feedback", "captain")).output.splitlines()
    assert shown == [
        "3 examples to learn from, 2 as preferences",
        "  captain@1  1 corrected",
        "  captain@1  1 good",
        "  captain@2  1 corrected",
        "  left out: 1 cut off at a limit of tokens",
        "tunedrop export captain --out rated.jsonl   writes them, for `tunedrop merge`",
    ]
    told = json.loads((await app.with_key("reader", "feedback", "captain", "--json")).stdout)
    assert (told["examples"], told["preferences"]) == (3, 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("a0",), "good or bad?"),
        (("a0", "fine"), "'fine' is no rating."),
        (("a0", "bad", "--correction", "-"), "the correction has no words."),
        (("--comment", "nice"), "which answer?"),
        (("nobodys", "good"), "No answer 'nobodys' is remembered"),
    ],
)
async def test_a_rating_that_is_none_is_told(
    app: Served, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    done = await app.with_key("chat", "feedback", "captain", *words, typed="\n")
    assert (done.exit_code, says in done.output) == (2, True), done.output


async def remembered(app: Served, id: str, version: str, finish: str) -> None:
    """A conversation with an answer of this id."""
    store = app.relay.feedback.container
    conversation = {
        "id": id,
        "at": "2026-11-28T10:00:00+00:00",
        "served_by": version,
        "messages": [{"role": "user", "content": f"What is {id}?"}],
        "answer": {"role": "assistant", "content": "Aye"},
        "finish_reason": finish,
    }
    await store.append("conversations/captain/2026-11-28/10.jsonl", json.dumps(conversation))
    await store.put(f"answers/{id}", b"captain/2026-11-28/10", "text/plain")
