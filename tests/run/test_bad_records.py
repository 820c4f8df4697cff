"""One document that is no use: which it is is said, with the cure, and all others go on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.cloud.documents import as_json
from shared.errors import Newer, Unreadable
from shared.model.registry import Model, Registry
from shared.run import heartbeat, reconciler
from shared.run.record import Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.decided import BY_RUN
from tests.support.in_process import in_process
from tests.support.runs import RunHarness

CURE = "Put back an earlier version of that blob"
LOSSES = [{"step": 1, "train_loss": 2.0, "valid_loss": None}]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    async with in_process("http://127.0.0.1:1", monkeypatch) as (http, _, runs):
        yield http, runs


async def queued(runs: RunHarness, voice: str) -> Run:
    runs.service.arm("job-stuck", count=None)
    await runs.drop(dataset(10, voice))
    return await runs.until(await runs.received(), Stage.SUBMITTED)


async def put(runs: RunHarness, name: str, data: bytes) -> None:
    await runs.ctx.clients.runs.put(name, data, "application/json")


async def changed(runs: RunHarness, run: Run, **fields: Any) -> None:
    """As somebody has edited the record by hand, or a newer app has written it."""
    document = json.loads(as_json(await runs.known(run.id))) | fields
    await put(runs, f"{run.id}/run.json", json.dumps(document).encode())


BAD: dict[str, dict[str, Any]] = {
    "no timeline": {"timeline": []},
    "a timeline without a beginning": {"timeline": [{"stage": "serving", "at": "2026-11-02Z"}]},
    "not a number": {"progress": {"train_loss": float("nan")}},
    "a number without end": {"attempt": 10**400},
    "a time without zone": {"asked_at": "2026-11-02T12:00:00"},
    "a time beyond reckoning": {"not_before": "9999-12-31T23:59:59Z"},
    "another's": {"id": "m-other"},
    "another model's": {"model": "other"},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
async def test_a_bad_record_is_named_with_its_cure_and_the_others_go_on(
    app: tuple[httpx.AsyncClient, RunHarness], fields: dict[str, Any]
) -> None:
    http, runs = app
    good, bad = await queued(runs, "good"), await queued(runs, "bad")
    await runs.rewrite(good, tries=3)
    await changed(runs, bad, **fields)
    await runs.tick()
    page = (await http.get("/runs")).json()
    assert [run["id"] for run in page["runs"]] == [good.id]
    ((message, fix),) = [(p["message"], p["fix"]) for p in page["problems"]]
    assert f"runs/{bad.id}/run.json" in message
    assert fix.startswith(CURE)
    for answer in (await http.get(f"/runs/{bad.id}"), await http.post(f"/runs/{bad.id}/retry")):
        assert (answer.status_code, answer.json()["error"]["message"]) == (503, message)
    assert (await runs.known(good.id)).tries == 0


async def test_a_wrong_name_in_the_list_is_told_and_hides_nothing(
    app: tuple[httpx.AsyncClient, RunHarness],
) -> None:
    http, runs = app
    good = await queued(runs, "good")
    for name in ("newest/notes.txt", "newest/0000000000-A B"):
        await put(runs, name, b"")
    page = await http.get("/runs")
    assert page.status_code == 200
    assert [run["id"] for run in page.json()["runs"]] == [good.id]
    told = [problem["message"] for problem in page.json()["problems"]]
    assert [message.partition(" is no entry")[0] for message in told] == [
        "runs/newest/0000000000-A B",
        "runs/newest/notes.txt",
    ]


@pytest.mark.parametrize(
    "curve", [b"no JSON", b"", b'[{"step": 1, "train_loss": NaN}]', b"{}", b"[7]", b"[" * 90_000]
)
async def test_a_curve_that_cannot_be_read_hides_no_run(
    app: tuple[httpx.AsyncClient, RunHarness], curve: bytes
) -> None:
    http, runs = app
    run = await queued(runs, "good")
    await put(runs, f"{run.id}/curve.json", curve)
    answer = await http.get(f"/runs/{run.id}")
    assert answer.status_code == 200
    assert answer.json()["curve"] == []
    (problem,) = answer.json()["problems"]
    assert f"runs/{run.id}/curve.json" in problem["message"]
    assert problem["fix"].startswith(CURE)


async def test_a_curve_that_cannot_be_read_holds_up_no_training(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    for _ in range(3):
        await put(harness, f"{run.id}/curve.json", b"no JSON")
        await harness.tick()
        run = await harness.known(run.id)
        assert (run.waiting_for, run.tries) == (None, 0)
        await harness.pause(1)
    assert (await harness.until(run, Stage.SERVING)).stage is Stage.SERVING
    assert await harness.ledger.curve(run.id)


# ---- of a newer version of the app


async def test_a_record_of_a_newer_schema_is_shown_and_never_written(
    app: tuple[httpx.AsyncClient, RunHarness],
) -> None:
    http, runs = app
    run = await queued(runs, "new")
    await changed(runs, run, schema_version=Run.newest_schema + 1, of_tomorrow="kept")
    before = await runs.ctx.clients.runs.read(f"{run.id}/run.json")
    log = await runs.log(run)
    await runs.tick()
    answers = [await http.post(f"/runs/{run.id}/{name}") for name in ("cancel", "pause", "retry")]
    for answer in answers:
        assert answer.status_code == 503
        assert answer.json()["error"]["message"].startswith(
            f"runs/{run.id}/run.json was written by a newer version of Tunedrop"
        )
        assert answer.json()["error"]["fix"].startswith("Update this app")
    assert await runs.ctx.clients.runs.read(f"{run.id}/run.json") == before
    assert await runs.log(run) == log
    shown = await http.get(f"/runs/{run.id}")
    assert (shown.status_code, shown.json()["stage"]) == (200, "submitted")
    assert "newer version" in shown.json()["problems"][0]["message"]
    assert run.id in [each["id"] for each in (await http.get("/runs")).json()["runs"]]


async def test_nothing_writes_a_record_of_a_newer_schema(harness: RunHarness) -> None:
    run = await harness.queued()
    await changed(harness, run, schema_version=Run.newest_schema + 1)
    newer = await harness.ledger.look(run.id)
    assert newer
    with pytest.raises(Newer):
        await harness.ledger.amend(run.id, lambda known: known.replace(tries=7))
    with pytest.raises(Newer):
        as_json(newer)
    with pytest.raises(Newer):
        await harness.ledger.load(run.id)
    assert await harness.ledger.amend(run.id, lambda known: None) is not None


async def test_a_record_that_only_a_newer_version_can_read_is_said_to_be_one(
    harness: RunHarness,
) -> None:
    run = await harness.queued()
    await put(harness, f"{run.id}/run.json", b'{"schema_version": 7, "runs": []}')
    with pytest.raises(Newer, match="its schema is 7, this app knows 2"):
        await harness.ledger.look(run.id)


async def test_a_model_of_a_newer_schema_serves_and_is_not_written(
    app: tuple[httpx.AsyncClient, RunHarness],
) -> None:
    http, runs = app
    models = runs.ctx.clients.models
    document = json.loads((await models.read("captain.json")).data)  # type: ignore[union-attr]
    newer = json.dumps(
        document | {"schema_version": Model.newest_schema + 1, "of_tomorrow": 1}
    ).encode()
    await models.put("captain.json", newer, "x/y")
    registry = Registry(models)
    model = await registry.load("captain")
    assert model and model.champion == 1
    with pytest.raises(Newer, match=r"models/captain\.json was written by a newer version"):
        await registry.withdraw("captain", 1, BY_RUN)
    assert (await models.read("captain.json")).data == newer  # type: ignore[union-attr]
    assert [each["name"] for each in (await http.get("/models")).json()["models"]] == ["captain"]


# ---- beside the records


async def test_a_bad_model_is_named_and_the_others_are_shown(
    app: tuple[httpx.AsyncClient, RunHarness],
) -> None:
    http, runs = app
    models = runs.ctx.clients.models
    captain = (await models.read("captain.json")).data  # type: ignore[union-attr]
    bad = {"name": "odd", "champion": 3, "versions": []}
    twice = json.loads(captain)["versions"] * 2
    await models.put("odd.json", json.dumps(bad).encode(), "x/y")
    await models.put("copied.json", captain, "x/y")
    await models.put("twice.json", json.dumps({"name": "twice", "versions": twice}).encode(), "x/y")
    answer = (await http.get("/models")).json()
    assert [model["name"] for model in answer["models"]] == ["captain"]
    told = [problem["message"] for problem in answer["problems"]]
    assert [message.split()[2] for message in told] == [
        "models/copied.json",
        "models/odd.json",
        "models/twice.json",
    ]


@pytest.mark.parametrize(
    "heart", [b"", b"{", b'{"last": "9999-12-31T00:00:00Z"}', b'{"gap": "P99999999D"}']
)
async def test_a_heartbeat_that_cannot_be_read_is_made_anew(
    harness: RunHarness, heart: bytes
) -> None:
    run = await harness.rewrite(await harness.queued(), tries=3)
    await put(harness, heartbeat.NAME, heart)
    await harness.tick()
    assert (await harness.known(run.id)).tries == 0
    assert await heartbeat.latest(harness.ctx.clients.runs)


async def test_a_heartbeat_that_somebody_holds_stops_no_tick(harness: RunHarness) -> None:
    run = await harness.rewrite(await harness.queued(), tries=3)
    await harness.tick()
    await harness.rewrite(run, tries=3)
    async with harness.ctx.clients.runs.lease(heartbeat.NAME) as lease:
        assert lease
        await harness.tick()
    assert (await harness.known(run.id)).tries == 0


async def test_an_answer_that_is_remembered_nowhere_cannot_be_rated(
    app: tuple[httpx.AsyncClient, RunHarness],
) -> None:
    http, runs = app
    await runs.ctx.clients.feedback.put("answers/c1", b"\xff\x00", "x/y")
    answer = await http.post("/feedback", json={"id": "c1", "rating": "good"})
    assert answer.status_code == 503
    assert "'c1' cannot be read" in answer.json()["error"]["message"]
    assert [blob.name async for blob in runs.ctx.clients.feedback.list("ratings/")] == []


async def test_a_log_of_several_parts_is_shown_whole(harness: RunHarness) -> None:
    run = await harness.queued()
    lines = await harness.log(run)
    await harness.ctx.clients.runs.append(f"{run.id}/events.2.jsonl", json.dumps(lines[0]))
    assert await harness.log(run) == [*lines, lines[0]]


async def test_a_record_under_anothers_name_is_not_worked_on(harness: RunHarness) -> None:
    """A copy in the portal: its job is the other run's."""
    run = await harness.queued()
    copy = as_json(await harness.known(run.id))
    await put(harness, f"{harness.model}-copy/run.json", copy)
    await put(harness, f"active/{harness.model}-copy", b"")
    with pytest.raises(Unreadable, match="it is of another run"):
        await reconciler.advance(f"{harness.model}-copy", harness.ctx)
