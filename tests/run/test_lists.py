"""The list of runs: what a page reads, and where the next one goes on."""

import json
from typing import Any

import pytest
from starlette.requests import Request

from shared import api
from shared.run import reconciler
from tests.support.datasets import dataset
from tests.support.runs import RunHarness


async def test_a_page_reads_so_many_records_and_says_where_to_go_on(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_READ", 2)
    ids = [await rejected(harness, number) for number in range(3)]
    first = await page(harness, "stage=serving")
    assert (first["runs"], bool(first["next"])) == ([], True)
    nothing: dict[str, Any] = {"runs": [], "next": None, "refused": None, "problems": []}
    assert await page(harness, f"stage=serving&after={first['next']}") == nothing
    both = [await page(harness, "stage=rejected")]
    both.append(await page(harness, f"stage=rejected&after={both[0]['next']}"))
    assert sorted(run["id"] for each in both for run in each["runs"]) == sorted(ids)


async def test_what_is_active_is_found_however_much_has_ended(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_READ", 2)
    await harness.drop()
    active = await harness.received()
    await harness.pause(1)  # the list knows seconds
    for number in range(3):
        await rejected(harness, number)
    found = await page(harness, "stage=received,training")
    assert ([run["id"] for run in found["runs"]], found["next"]) == ([active.id], None)


async def test_the_youngest_run_comes_first(harness: RunHarness) -> None:
    ids = []
    for number in range(3):
        await harness.pause(1)
        ids.append(await rejected(harness, number))
    assert [run["id"] for run in (await page(harness, ""))["runs"]] == ids[::-1]


async def test_a_model_whose_name_begins_alike_has_a_list_of_its_own(harness: RunHarness) -> None:
    run_id = await rejected(harness, 0)
    model = run_id.rpartition("-")[0]
    assert [run["id"] for run in (await page(harness, f"model={model}"))["runs"]] == [run_id]
    for other in (model[:-1], f"{model}2"):
        assert (await page(harness, f"model={other}"))["runs"] == []


async def rejected(harness: RunHarness, number: int) -> str:
    await harness.drop(dataset(9, f"voice {number}"), name="training.jsonl")
    run = await harness.received()
    await reconciler.advance(run.id, harness.ctx)
    return run.id


async def page(harness: RunHarness, query: str) -> Any:
    scope = {"type": "http", "headers": [], "query_string": query.encode()}
    return json.loads(bytes((await api.runs(Request(scope), harness.ctx)).body))
