"""The list of runs: filtered and in pages, over the API."""

import asyncio
import json
import urllib.error
from typing import Any

import pytest
from starlette.requests import Request

from shared import api
from shared.errors import NotFound
from shared.run import reconciler
from tests.conftest import Loop
from tests.support.datasets import dataset
from tests.support.runs import RunHarness

COUNT = 3


@pytest.fixture(scope="module")
def newest_first(loop: Loop) -> list[str]:
    """Ids of three runs of one model, all rejected: nine examples are too few."""
    for number in range(1, COUNT + 1):
        loop.drop("pager", training_set=dataset(9, f"voice {number}"))
        loop.ended_run("pager", number)
    return [run["id"] for run in loop.runs("pager")]


def test_pages_follow_each_other_and_end(loop: Loop, newest_first: list[str]) -> None:
    first = loop.get("runs?model=pager&limit=2")
    assert [run["id"] for run in first["runs"]] == newest_first[:2]
    second = loop.get(f"runs?model=pager&limit=2&after={first['next']}")
    assert [run["id"] for run in second["runs"]] == newest_first[2:]
    assert second["next"] is None


def test_runs_are_filtered_by_stage(loop: Loop, newest_first: list[str]) -> None:
    assert len(loop.get("runs?model=pager&stage=rejected,serving")["runs"]) == COUNT
    assert loop.get("runs?model=pager&stage=serving")["runs"] == []


def test_a_page_that_is_full_and_the_last_has_no_next(loop: Loop, newest_first: list[str]) -> None:
    assert loop.get(f"runs?model=pager&limit={COUNT}")["next"] is None


async def test_a_page_reads_so_many_records_and_says_where_to_go_on(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_READ", 2)
    ids = [await rejected(harness, number) for number in range(3)]
    first = await page(harness, "stage=serving")
    assert (first["runs"], bool(first["next"])) == ([], True)
    assert await page(harness, f"stage=serving&after={first['next']}") == {"runs": [], "next": None}
    both = [await page(harness, "stage=rejected")]
    both.append(await page(harness, f"stage=rejected&after={both[0]['next']}"))
    assert {run["id"] for each in both for run in each["runs"]} == set(ids)


async def test_what_is_active_is_found_however_much_has_ended(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_READ", 2)
    await harness.drop()
    active = await harness.received()
    await asyncio.sleep(1)  # the list knows seconds
    for number in range(3):
        await rejected(harness, number)
    found = await page(harness, "stage=received,training")
    assert ([run["id"] for run in found["runs"]], found["next"]) == ([active.id], None)


async def rejected(harness: RunHarness, number: int) -> str:
    await harness.drop(dataset(9, f"voice {number}"), name="training.jsonl")
    run = await harness.received()
    await reconciler.advance(run.id, harness.ctx)
    return run.id


async def page(harness: RunHarness, query: str) -> Any:
    scope = {"type": "http", "query_string": query.encode()}
    return json.loads(bytes((await api.runs(Request(scope), harness.ctx)).body))


@pytest.mark.parametrize("name", ["../datasets/pager/training.jsonl", "./x", "a/../b"])
async def test_a_name_is_never_a_path(harness: RunHarness, name: str) -> None:
    with pytest.raises(NotFound, match="is not the name of a blob"):
        await harness.ctx.clients.runs.read(name)
    with pytest.raises(NotFound):
        await harness.ctx.clients.runs.put(name, b"", "text/plain")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("stage=served", "'served' is not a stage"),
        ("limit=many", "'many' is not a number"),
        ("limit=0", "'0' is not a number"),
        (f"limit={'9' * 5000}", "is not a number"),
        ("after=garbage", "'garbage' is not a cursor of the list"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_name(loop: Loop, query: str, says: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        loop.get(f"runs?{query}")
    with refused.value as answer:
        assert answer.code == 400
        assert says in json.load(answer)["error"]["message"]
