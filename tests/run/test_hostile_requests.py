"""Requests about runs that mean ill, or are broken: a clear refusal, never an error of the app."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from starlette.responses import Response

from shared import answering
from shared.errors import (
    CallerError,
    Denied,
    NotFound,
    NotNow,
    SettingError,
    TunedropError,
    Unavailable,
)
from shared.run import commands
from shared.run.record import Action
from shared.run.stages import Stage
from tests.chat import upstream as up
from tests.support.in_process import in_process, signed_in
from tests.support.runs import RunHarness

App = tuple[httpx.AsyncClient, RunHarness]
ESC = "\x1b[2J\x9b31m\u202e\n"


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with up.upstream() as server, in_process(server.url, monkeypatch) as (http, _, runs):
        yield http, runs


async def ready(runs: RunHarness) -> str:
    await runs.drop(b"start: manual", "run.yaml")
    await runs.drop()
    return (await runs.until(await runs.received(), Stage.READY)).id


@pytest.mark.parametrize(
    "body",
    [
        b'{"who": "\\ud800"}',
        b'{"why": "\\ud83d"}',
        b'{"who": 5}',
        b'{"who": null}',
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b'{"who": ' + b"[" * 30_000,
        b"[" * 30_000,
        b'{"who": ' + b"9" * 5000 + b"}",
        json.dumps({"who": "x" * 1001}).encode(),
        json.dumps({"why": "x" * 1001}).encode(),
    ],
)
async def test_a_body_that_is_no_use_is_refused_and_nothing_is_done(app: App, body: bytes) -> None:
    http, runs = app
    run_id = await ready(runs)
    response = await http.post(f"/runs/{run_id}/start", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["fix"]
    assert (await runs.known(run_id)).stage is Stage.READY


async def test_a_body_of_megabytes_is_not_read_whole(app: App) -> None:
    http, runs = app
    read = 0

    async def content() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b" " * 64_000

    run_id = await ready(runs)
    response = await http.post(f"/runs/{run_id}/start", content=content())
    assert response.status_code == 413
    assert "32,768" in response.json()["error"]["message"]


async def test_who_and_why_move_no_cursor_where_they_are_told(app: App) -> None:
    http, runs = app
    run_id = await ready(runs)
    body = {"who": f"Ada{ESC}", "why": f"tired{ESC}of it"}
    response = await http.post(f"/runs/{run_id}/cancel", json=body)
    assert response.status_code == 202
    run = await runs.until(await runs.known(run_id), Stage.CANCELLED)
    assert run.failure
    log = "\n".join(map(json.dumps, await runs.log(run)))
    for text in (run.failure.message, response.json()["failure"]["message"]):
        assert "Ada\\u001b[2J\\u009b31m\\u202e (with" in text
        assert "\x1b" not in text
    assert "tired\\\\u001b[2J" in log
    assert "\\u001b[2J\\\\" not in log.replace("\\\\u", "")


async def test_the_platforms_name_of_a_person_is_told_as_text(app: App) -> None:
    http, runs = app
    run_id = await ready(runs)
    headers = [(b"x-ms-client-principal-name", b"ada\x1b[2J\x9b\xff@x"), *_raw(signed_in("ada"))]
    response = await http.post(f"/runs/{run_id}/cancel", headers=headers)
    assert response.status_code == 202
    run = await runs.until(await runs.known(run_id), Stage.CANCELLED)
    assert run.failure
    assert run.failure.message == "Cancelled by ada\\u001b[2J\\u009bÿ@x."


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


BAD = ["..", "a/b", "x" * 5000, "A", "a b", "\x00", "\x1b[2J", "ü", "\u202e", "-" * 121, "%"]


@pytest.mark.parametrize("name", BAD)
async def test_a_run_that_cannot_be_is_asked_of_nobody(app: App, name: str) -> None:
    http, _ = app
    path = f"/runs/{quote(name, safe='').replace('..', '%2e%2e').replace('%2F', '%252F')}"
    for response in (
        await http.get(path),
        await http.get(f"{path}/report.json"),
        await http.post(f"{path}/start"),
    ):
        assert response.status_code == 404
        message = response.json()["error"]["message"]
        assert message.startswith("There is no run ")
        assert len(message) < 700
        assert "\x1b" not in message


@pytest.mark.parametrize("name", [*BAD, "wake", "-", "a" * 41])
async def test_examples_of_a_model_that_cannot_be(app: App, name: str) -> None:
    http, _ = app
    response = await http.get(f"/models/{quote(name, safe='').replace('%2F', '%252F')}/examples")
    assert response.status_code in (200, 404)
    assert response.status_code == 404 or not response.content
    assert len(response.content) < 1000


@pytest.mark.parametrize("query", ["stage", "limit", "after"])
async def test_what_is_asked_of_a_list_is_quoted_in_short(app: App, query: str) -> None:
    http, _ = app
    response = await http.get("/runs", params={query: f"{ESC}{'x' * 20_000}"})
    assert response.status_code == 400
    assert "\\u001b[2J" in response.json()["error"]["message"].replace("\\\\", "\\")
    assert len(response.content) < 1000


@pytest.mark.parametrize("name", ["report.html\x00", "x" * 5000, "\x1b[2J"])
async def test_a_document_and_a_command_that_there_are_not(app: App, name: str) -> None:
    http, runs = app
    run_id = await ready(runs)
    for method in ("GET", "POST"):
        response = await http.request(method, f"/runs/{run_id}/{quote(name, safe='')}")
        assert response.status_code == 404
        assert len(response.content) < 1000


# ---- what is given out


async def test_a_report_runs_nothing_in_a_browser(app: App) -> None:
    """Should its quoting ever fail: it may load nothing and run nothing."""
    http, runs = app
    run_id = await ready(runs)
    for name in ("report.html", "report.json", "events.jsonl"):
        response = await http.get(f"/runs/{run_id}/{name}")
        assert response.status_code == 200
        policy = response.headers["content-security-policy"].split("; ")
        assert policy == ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"]
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["run.json", "spending.json"])
async def test_beside_a_run_only_what_is_listed_can_be_read(app: App, name: str) -> None:
    http, runs = app
    run_id = await ready(runs)
    assert (await http.get(f"/runs/{run_id}/{name}")).status_code == 404


async def test_nobody_gives_a_command_in_the_name_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the platform's sign-in in front, anybody can send its headers."""
    headers = {"x-ms-client-principal-name": "ada@contoso.com", **signed_in("ada")}
    for tenant, who in (("", "a holder of the app's key"), ("our-tenant", "ada@contoso.com")):
        async with in_process("http://x", monkeypatch, TUNEDROP_ENTRA_TENANT=tenant) as made:
            http, _, runs = made
            run_id = await ready(runs)
            await http.post(f"/runs/{run_id}/cancel", headers=headers)
            run = await runs.until(await runs.known(run_id), Stage.CANCELLED)
            assert run.failure
            assert run.failure.message == f"Cancelled by {who}."


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x"), 404),
        (NotNow("x"), 409),
        (CallerError("x"), 400),
        (SettingError("x"), 503),
        (Unavailable("x"), 503),
        (Denied("x"), 503),
    ],
)
async def test_whose_move_it_is_stands_in_the_status(error: TunedropError, status: int) -> None:
    @answering.error_responses
    async def route() -> Response:
        raise error

    response = await route()
    assert response.status_code == status
    assert json.loads(bytes(response.body))["error"]["blame"] == error.blame


# ---- the run's log names what was done


async def test_a_refused_command_does_not_stand_in_the_log(app: App) -> None:
    http, runs = app
    run_id = await ready(runs)
    for name in ("pause", "resume", "retry"):
        assert (await http.post(f"/runs/{run_id}/{name}", json={"who": "Eve"})).status_code == 409
    run = await runs.known(run_id)
    assert "Eve" not in json.dumps(await runs.log(run))
    assert await runs.messages(run, "command") == []


async def test_of_two_commands_at_once_the_log_has_the_one_that_was_taken(app: App) -> None:
    """Both have seen the run as it was; the second finds the first one in its record."""
    _, runs = app
    await runs.drop()
    run = await runs.until(await runs.received(), Stage.TRAINING)
    seen = await runs.ledger.load(run.id)
    assert seen
    await commands.give(run.id, Action.PAUSE, "Ada", "", runs.ctx)

    class Earlier:
        """The ledger of somebody who has read the run a moment before."""

        def __getattr__(self, name: str) -> object:
            return getattr(runs.ledger, name)

        async def load(self, run_id: str) -> object:
            return seen

    slow = replace(runs.ctx, ledger=Earlier())  # type: ignore[arg-type]
    with pytest.raises(NotNow):
        await commands.give(run.id, Action.CANCEL, "Eve", "", slow)
    await commands.give(run.id, Action.PAUSE, "Bob", "me too", slow)
    known = await runs.known(run.id)
    assert await runs.messages(known, "command") == ["pause"]
    assert "Eve" not in json.dumps(await runs.log(known))


async def test_a_command_that_comes_too_late_is_told_with_the_reason(app: App) -> None:
    """It was taken, and the run went on before anybody carried it out."""
    _, runs = app
    await runs.drop()
    run = await runs.until(await runs.received(), Stage.TRAINING)
    await commands.give(run.id, Action.PAUSE, "Ada", "a moment", runs.ctx)
    given = await runs.known(run.id)
    assert given.command
    late = given.replace(stage=Stage.DEPLOYING)
    outcome = await commands.execute(late, runs.ctx)
    assert outcome.run.command is None
    (line,) = outcome.log
    assert line.message == "pause could not be carried out: the run is deploying by now"
    assert (line.who, line.why) == ("Ada", "a moment")


async def test_a_retry_that_another_was_quicker_with_stands_there_once(app: App) -> None:
    _, runs = app
    run_id = await ready(runs)
    await commands.give(run_id, Action.CANCEL, "Ada", "", runs.ctx)
    await runs.tick()
    ended = await runs.known(run_id)
    assert ended.stage is Stage.CANCELLED
    await commands.give(run_id, Action.RETRY, "Ada", "", runs.ctx)
    run = await runs.known(run_id)
    lines = [(line["kind"], line["message"]) for line in await runs.log(run)]
    assert lines.count(("command", "retry")) == 1
    at = lines.index(("command", "retry"))
    assert lines[at + 1][0] == "stage"  # and before what it has led to
