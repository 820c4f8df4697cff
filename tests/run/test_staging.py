"""Files are staged: whole, under names that a drop has, for a day."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from shared.errors import CallerError
from shared.run import run_yaml, staging
from tests.support.clock import Clock
from tests.support.datasets import dataset
from tests.support.in_process import in_process
from tests.support.runs import RunHarness
from tests.support.staging import Stage, dropped

App = tuple[httpx.AsyncClient, RunHarness]
GOOD = dataset(12)


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with in_process("http://127.0.0.1:9", monkeypatch) as (client, _, runs):
        runs.model = "captain"
        yield client, runs


@pytest.fixture
def stage(app: App) -> Stage:
    return Stage(app[0])


async def test_what_is_staged_is_told_with_its_digest(app: App, stage: Stage) -> None:
    answer = await stage.put(GOOD)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["name"], told["role"], told["size"]) == (
        "training_set.jsonl",
        "training",
        len(GOOD),
    )
    assert told["sha256"] == hashlib.sha256(GOOD).hexdigest()
    listed = (await app[0].get(f"/staged/{stage.id}")).json()["files"]
    assert [file["name"] for file in listed] == ["training_set.jsonl"]
    assert await dropped(app[1]) == {}


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "set.jsonl", "training_set.jsonl.txt", "run.json", "check.json", "..", "%0a"],
)
async def test_a_name_that_no_drop_has_is_refused(app: App, stage: Stage, name: str) -> None:
    answer = await stage.put(GOOD, name)
    assert answer.status_code in (400, 404, 405)
    if answer.status_code == 400:
        assert "training….jsonl" in answer.json()["error"]["fix"]
    assert [blob async for blob in app[1].ctx.clients.runs.list("staged/")] == []


@pytest.mark.parametrize("id", ["x", "A" * 32, "a" * 31, "a" * 33, "../run"])
async def test_an_id_is_128_bits(app: App, id: str) -> None:
    answer = await app[0].put(f"/staged/{id}/training.jsonl", content=GOOD)
    assert answer.status_code in (400, 404, 405)
    assert [blob async for blob in app[1].ctx.clients.runs.list()] == []


async def test_an_empty_file_is_refused(app: App, stage: Stage) -> None:
    answer = await stage.put(b"")
    assert (answer.status_code, "is empty" in answer.text) == (400, True)


async def test_a_file_that_is_too_large_is_refused_before_it_is_kept(
    app: App, stage: Stage
) -> None:
    answer = await stage.put(b"#" * (run_yaml.LARGEST + 1), "run.yaml")
    assert answer.status_code == 400
    assert "64,000" in answer.text

    given = 0

    async def too_much() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(100):
            given += 1
            yield b"#" * 20_000

    answer = await app[0].put(f"/staged/{stage.id}/run.yaml", content=too_much())
    assert (answer.status_code, "64,000" in answer.text) == (400, True)
    assert given < 100
    assert (await app[0].get(f"/staged/{stage.id}")).status_code == 404


async def test_what_has_not_come_whole_is_not_kept(app: App) -> None:
    staged = staging.Staging(app[1].ctx.clients.runs, "a" * 32)

    async def half() -> AsyncIterator[bytes]:
        yield GOOD[:100]

    with pytest.raises(CallerError, match="100 bytes have come"):
        await staged.put("training.jsonl", half(), len(GOOD))
    assert [blob async for blob in app[1].ctx.clients.runs.list()] == []


async def test_a_file_may_be_staged_again(app: App, stage: Stage) -> None:
    await stage.put(dataset(10))
    await stage.put(GOOD)
    assert (await stage.check())["files"][0]["sha256"] == hashlib.sha256(GOOD).hexdigest()


async def test_only_so_many_files_are_staged(app: App, stage: Stage) -> None:
    for number in range(staging.MOST_FILES):
        assert (await stage.put(GOOD, f"training{number}.jsonl")).status_code == 201
    assert (await stage.put(GOOD, "training_more.jsonl")).status_code == 400
    assert (await stage.put(GOOD, "training0.jsonl")).status_code == 201


async def test_what_was_staged_is_forgotten_after_a_day(app: App, stage: Stage) -> None:
    runs = app[1].ctx.clients.runs
    await stage.put(GOOD)
    await stage.check()
    await staging.forget(runs)
    assert (await app[0].get(f"/staged/{stage.id}")).status_code == 200
    clock = app[1].clock
    assert isinstance(clock, Clock)
    clock.advance(timedelta(days=1, seconds=1).total_seconds())
    other = Stage(app[0])
    await other.put(GOOD)
    await staging.forget(runs)
    assert (await app[0].get(f"/staged/{stage.id}")).status_code == 404
    assert (await app[0].get(f"/staged/{other.id}")).status_code == 200
    assert "forgotten after a day" in await stage.refused("check", 404)
