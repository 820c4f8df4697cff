"""Lists that are looked at again and again: out of memory, and never older than was allowed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from shared.cloud.memory_container import MemoryContainer
from tests.support.in_process import in_process
from tests.support.runs import RunHarness

LOOK = {"cache-control": "max-age=60"}


@dataclass
class Looks:
    """The app's list of runs, and how many reads of storage it has taken."""

    http: httpx.AsyncClient
    runs: RunHarness
    reads: int = 0

    async def list(self, **headers: str) -> httpx.Response:
        return await self.http.get("/runs", headers=headers)


@pytest.fixture
async def looks(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Looks]:
    async with in_process("http://nobody", monkeypatch) as (http, _, runs):
        found = Looks(http, runs)
        listed, read = MemoryContainer.list, MemoryContainer.read

        def counted(work: Any) -> Any:
            def call(*args: Any) -> Any:
                found.reads += 1
                return work(*args)

            return call

        monkeypatch.setattr(MemoryContainer, "list", counted(listed))
        monkeypatch.setattr(MemoryContainer, "read", counted(read))
        yield found


async def test_an_idle_look_costs_no_read_of_storage(looks: Looks) -> None:
    first = await looks.list(**LOOK)
    looks.reads = 0
    for _ in range(20):
        again = await looks.list(**LOOK, **{"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await looks.list(**LOOK)).content == first.content
    assert looks.reads == 0


async def test_what_this_process_changes_is_seen_at_once(looks: Looks) -> None:
    first = await looks.list(**LOOK)
    await looks.runs.drop()
    run = await looks.runs.received()
    then = await looks.list(**LOOK, **{"if-none-match": first.headers["etag"]})
    assert [listed["id"] for listed in then.json()["runs"]] == [run.id]


async def test_the_heartbeat_changes_no_list(looks: Looks) -> None:
    await looks.list(**LOOK)
    await looks.runs.ctx.clients.runs.put("reconciler/heartbeat.json", b"{}", "application/json")
    looks.reads = 0
    await looks.list(**LOOK)
    assert looks.reads == 0


@pytest.mark.parametrize("header", ["", "no-cache", "max-age=0", "max-age=x", "s-max-age=60x"])
async def test_who_allows_no_age_gets_what_is(looks: Looks, header: str) -> None:
    await looks.list(**LOOK)
    looks.reads = 0
    await looks.list(**{"cache-control": header})
    assert looks.reads > 0


async def test_a_list_is_never_older_than_was_allowed(looks: Looks) -> None:
    """What another instance has written is seen then."""
    clock = looks.runs.clock
    assert clock
    await looks.list(**LOOK)
    later = ((5, 4.9, False), (5, 0.2, True), (10**6, 59, False), (99, 2, True))
    for allowed, seconds, read in later:
        clock.advance(seconds)
        looks.reads = 0
        await looks.list(**{"cache-control": f"max-age={allowed}"})
        assert bool(looks.reads) is read, (allowed, seconds)


async def test_lists_of_other_questions_are_others(looks: Looks) -> None:
    first = await looks.http.get("/runs?limit=1", headers=LOOK)
    other = await looks.http.get("/models", headers=LOOK)
    assert first.json().keys() != other.json().keys()
    assert (await looks.http.get("/runs?limit=x", headers=LOOK)).status_code == 400
