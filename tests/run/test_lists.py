"""The list of runs: filtered and in pages, over the API."""

import json
import urllib.error

import pytest

from shared.errors import NotFound
from tests.conftest import Loop
from tests.loop.test_loop import dataset
from tests.run.conftest import Shore

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


@pytest.mark.parametrize("name", ["../datasets/pager/training.jsonl", "./x", "a/../b"])
async def test_a_name_is_never_a_path(shore: Shore, name: str) -> None:
    with pytest.raises(NotFound, match="is not the name of a blob"):
        await shore.cloud.runs.read(name)
    with pytest.raises(NotFound):
        await shore.cloud.runs.put(name, b"", "text/plain")


def test_an_unknown_stage_is_refused_by_name(loop: Loop) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        loop.get("runs?stage=served")
    with refused.value as answer:
        assert answer.code == 400
        assert "'served' is not a stage" in json.load(answer)["error"]["message"]
