"""What is told of drops that were not taken is true after the next sweep at the latest, whatever
storage call has failed and however many they are."""

import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request

from shared import api
from shared.cloud.container import BlobKind
from shared.cloud.memory_container import MemoryContainer
from shared.errors import Conflict, TunedropError, Unavailable
from shared.run import reconciler
from shared.run.folder import PROBLEM
from shared.run.refusals import KEPT, PREFIX, Refusals
from tests.support.drops import explanations, problem, storage, taken
from tests.support.runs import RunHarness

BAD = b"epochs: 3\n"
GOOD = b"seed: 3\n"


async def told(harness: RunHarness, query: str = "") -> tuple[list[str], int]:
    scope = {"type": "http", "headers": [], "query_string": query.encode()}
    answer = json.loads(bytes((await api.runs(Request(scope), harness.ctx)).body))["refused"]
    return [drop["name"] for drop in answer["drops"]], answer["count"]


async def swept(harness: RunHarness) -> None:
    await harness.pause(600)
    await reconciler.sweep(harness.ctx)


async def refused(harness: RunHarness) -> None:
    await harness.drop()
    await harness.drop(BAD, "run.yaml")
    await taken(harness, harness.path("run.yaml"))


class FailsAt:
    """The nth call to the runs container, from now on, does not get through: once."""

    def __init__(self, runs: MemoryContainer, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        for name in ("put", "delete", "read", "create"):
            monkeypatch.setattr(runs, name, self._counted(getattr(runs, name)))

    def _counted(self, call: Any) -> Any:
        async def counted(*args: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise Unavailable("Storage does not answer.")
            return await call(*args, **more)

        return counted


@pytest.mark.parametrize("before", [False, True])
async def test_a_good_drop_whose_taking_failed_anywhere_is_told_of_no_more(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """Also one that corrects a refused one."""
    runs = harness.ctx.clients.runs
    assert isinstance(runs, MemoryContainer)
    for at in range(1, 60):
        harness.model = f"m{at}"
        if before:
            await refused(harness)
            await harness.pause(60)
        await harness.drop()
        await harness.drop(GOOD, "run.yaml")
        with monkeypatch.context() as broken:
            fails = FailsAt(runs, broken, at)
            try:
                await taken(harness, harness.path("training.jsonl"))
            except TunedropError:
                assert fails.left <= 0
        if fails.left > 0:
            break
    else:
        raise AssertionError("it takes more calls than were tried")
    await swept(harness)
    await swept(harness)
    assert await told(harness) == ([], 0)
    assert await explanations(harness) == []
    assert len(await harness.runs()) == at


async def down(*_: object, **__: object) -> None:
    raise Unavailable("Storage does not answer.")


@pytest.mark.parametrize("name", ["training.jsonl", "run.yaml"])
async def test_the_reason_of_a_refused_drop_stays_in_an_outage(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await refused(harness)
    reason = await problem(harness, harness.path("run.yaml"))
    with monkeypatch.context() as broken:
        broken.setattr(harness.ctx.clients.runs, "read", down)
        with pytest.raises(Unavailable):
            await taken(harness, harness.path(name))
    assert await problem(harness, harness.path("run.yaml")) == reason
    await swept(harness)
    assert await told(harness) == ([harness.path("run.yaml")], 1)
    assert await explanations(harness) == [harness.path("run.yaml") + PROBLEM]


async def test_an_event_that_comes_again_in_an_outage_is_told_of_until_the_sweep(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    await harness.received()
    with monkeypatch.context() as broken:
        broken.setattr(harness.ctx.clients.runs, "read", down)
        with pytest.raises(Unavailable):
            await taken(harness, harness.path("training.jsonl"))
    assert (await told(harness))[1] == 1
    await swept(harness)
    assert await told(harness) == ([], 0)
    assert await explanations(harness) == []


# ---- very many


async def strange(harness: RunHarness, count: int) -> None:
    for number in range(count):
        await harness.pause(1)
        await storage(harness).put(f"{number}.txt", b"x", "")
        await taken(harness, f"{number}.txt")


async def test_what_was_pushed_out_of_the_list_comes_back_when_others_go(
    harness: RunHarness,
) -> None:
    await strange(harness, KEPT + 30)
    for number in range(30, KEPT + 30):
        await storage(harness).delete(f"{number}.txt")
    await swept(harness)
    names, count = await told(harness)
    assert count == 30
    assert set(names) <= {f"{number}.txt" for number in range(30)}
    assert len(await Refusals(harness.ctx.clients.runs).entries()) == 30
    assert len(await explanations(harness)) == 30


async def test_all_are_counted_when_one_of_very_many_goes(harness: RunHarness) -> None:
    await strange(harness, KEPT + 30)
    await swept(harness)
    await storage(harness).delete(f"{KEPT}.txt")
    await swept(harness)
    assert (await told(harness))[1] == KEPT + 29


async def test_all_of_one_model_are_counted(harness: RunHarness) -> None:
    for number in range(KEPT + 20):
        await storage(harness).put(f"m/{number}.txt", b"x", "")
        await taken(harness, f"m/{number}.txt")
    await swept(harness)
    assert (await told(harness, "model=m"))[1] == KEPT + 20
    assert await told(harness, "model=others") == ([], 0)


async def test_what_comes_back_is_told_with_its_reason(harness: RunHarness) -> None:
    await refused(harness)
    reason = await problem(harness, harness.path("run.yaml"))
    runs = Refusals(harness.ctx.clients.runs)
    await runs.forget(harness.path("run.yaml"))
    await swept(harness)
    (path,) = await runs.entries()
    entry = await runs.entry(path)
    assert entry
    assert (entry.message, entry.waits) == (reason.strip(), False)


# ---- odd ones


@pytest.mark.parametrize("name", ["a/../b.txt", "x" * 1_030 + ".txt"])
async def test_a_name_that_cannot_be_asked_for_is_listed_until_it_is_gone(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    datasets = storage(harness)
    await datasets.put("b.txt", b"x", "")
    shows = datasets.list

    async def shown(prefix: str = "") -> Any:
        async for blob in shows(prefix):
            yield blob if blob.name != "b.txt" else replace(blob, name=name)

    with monkeypatch.context() as odd:
        odd.setattr(datasets, "list", shown)
        for _ in range(2):
            await swept(harness)
        assert (await told(harness))[1] == 1
    await datasets.delete("b.txt")
    await swept(harness)
    assert await told(harness) == ([], 0)


async def test_an_explanation_that_cannot_be_deleted_keeps_nothing_else(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = storage(harness)
    await refused(harness)
    for name in ("a.txt", "b.txt"):
        await datasets.put(name, b"x", "")
        await taken(harness, name)
        await datasets.delete(name)
    delete = datasets.delete

    async def held(name: str) -> None:
        if name in ("a.txt" + PROBLEM, harness.path("run.yaml") + PROBLEM):
            raise Conflict("There is a lease on the blob.")
        await delete(name)

    monkeypatch.setattr(datasets, "delete", held)
    await harness.pause(60)
    await harness.drop(GOOD, "run.yaml")
    assert await taken(harness, harness.path("run.yaml"))
    await swept(harness)
    assert await told(harness) == ([], 0)
    assert "b.txt" + PROBLEM not in await explanations(harness)


async def test_an_entry_that_cannot_be_read_goes(harness: RunHarness) -> None:
    await refused(harness)
    (path,) = await Refusals(harness.ctx.clients.runs).entries()
    for odd in (path, f"{PREFIX}names/~/x"):
        await harness.ctx.clients.runs.put(odd, b"{", "")
    await swept(harness)
    assert await told(harness) == ([harness.path("run.yaml")], 1)


async def test_every_file_that_is_refused_is_told_at_once(harness: RunHarness) -> None:
    await harness.drop()
    storage(harness).mark(harness.path("training.jsonl"), kind=BlobKind.PAGE)
    await harness.drop(BAD, "run.yaml")
    await taken(harness, harness.path("run.yaml"))
    names, count = await told(harness)
    assert sorted(names) == [harness.path("run.yaml"), harness.path("training.jsonl")]
    await swept(harness)
    assert (await told(harness))[1] == count == 2
