"""Files are tried before they are dropped: what is told of them is what becomes of them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from shared.run.stages import Stage as RunStage
from tests.support.datasets import dataset
from tests.support.in_process import in_process
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService
from tests.support.staging import Stage, dropped, taken

DOCUMENT = json.loads((Path(__file__).parents[2] / "console/openapi.json").read_text("utf-8"))

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


def check_described(told: Any) -> None:
    schema = {"$ref": "#/components/schemas/Trial", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(told)


# ---- checked


async def test_a_check_tells_report_plan_and_price_and_sends_nothing(
    app: App, stage: Stage
) -> None:
    client, runs = app
    await stage.put(GOOD)
    told = await stage.check()
    assert (told["verdict"], told["refused"], told["known"]) == ("accepted", [], None)
    check_described(told)
    assert told["report"]["files"][0]["examples"] == 12
    assert told["report"]["price"]["training"] > 0
    assert {answer["id"] for answer in told["plan"]["answers"]} >= {"model", "quota", "comparison"}
    assert told["ceilings"] is None
    assert await dropped(app[1]) == {}
    assert await runs.runs() == []
    assert isinstance(runs.service, MemoryService)
    assert (runs.service.files, runs.service.jobs) == ({}, {})
    page = await client.get(f"/staged/{stage.id}/report.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_dataset_with_errors_is_told_with_lines_and_cures(app: App, stage: Stage) -> None:
    await stage.put(GOOD + b'{"messages": []}\nnonsense\n')
    told = await stage.check()
    assert told["verdict"] == "rejected"
    groups = {group["id"]: group for group in told["report"]["files"][0]["groups"]}
    places = [place for group in groups.values() for place in group["places"]]
    assert {13, 14} <= {place["line"] for place in places}
    assert all(place["fix"] for place in places)
    assert "Do what the report says" in await stage.refused("drop", 409)
    assert await dropped(app[1]) == {}


async def test_a_run_yaml_that_is_wrong_is_told_by_its_name(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.put(b"epochs: 3\n", "run.yaml")
    told = await stage.check()
    assert told["verdict"] == "refused"
    check_described(told)
    (refused,) = told["refused"]
    assert (refused["name"], refused["staged"]) == ("run.yaml", True)
    assert "epochs" in refused["message"]
    assert refused["fix"]
    await stage.refused("drop", 409)


async def test_a_check_that_makes_no_report_leaves_none_of_before(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.check()
    await stage.put(b"epochs: 3\n", "run.yaml")
    assert (await stage.check())["verdict"] == "refused"
    for name in ("report.html", "report.json"):
        assert (await app[0].get(f"/staged/{stage.id}/{name}")).status_code == 404


@pytest.mark.parametrize("alone", ["yes", 1, None, []])
async def test_alone_is_yes_or_no(stage: Stage, alone: Any) -> None:
    await stage.put(GOOD)
    assert "true or false" in await stage.refused("check", 400, alone=alone)


async def test_what_the_run_yaml_asks_for_is_told(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.put(b"hyperparameters: {n_epochs: 2}\nbudget: 0.00001\n", "run.yaml")
    told = await stage.check()
    assert told["spec"]["hyperparameters"]["n_epochs"] == 2
    assert told["verdict"] == "rejected"
    assert "over-budget" in json.dumps(told["report"]["groups"])


async def test_what_lies_in_the_folder_belongs_to_the_drop(app: App, stage: Stage) -> None:
    datasets = app[1].ctx.clients.datasets
    await datasets.put("captain/run.yaml", b"hyperparameters: {n_epochs: 7}\n", "")
    await datasets.put("captain/training_set.jsonl", dataset(10, "Old"), "")
    await stage.put(GOOD)
    told = await stage.check()
    files = {file["name"]: file["staged"] for file in told["files"]}
    assert files == {"training_set.jsonl": True, "run.yaml": False}
    assert told["spec"]["hyperparameters"]["n_epochs"] == 7
    check_described(await stage.check(alone=True))


async def test_a_ceiling_is_told_before_anything_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    budget = {"TUNEDROP_DAILY_TRAINING_BUDGET": "0.00000001"}
    async with in_process("http://127.0.0.1:9", monkeypatch, **budget) as (client, _, _runs):
        stage = Stage(client)
        await stage.put(GOOD)
        held = (await stage.check())["ceilings"]
    assert "TUNEDROP_DAILY_TRAINING_BUDGET" in held["message"]
    assert (held["waits"], "retry" in held["fix"]) == (False, False)


async def test_what_is_known_already_is_told(app: App, stage: Stage) -> None:
    await app[1].drop(GOOD, "training_set.jsonl")
    run = await taken(app[1])
    await stage.put(GOOD)
    known = (await stage.check())["known"]
    assert (known["run"], known["stage"]) == (run.id, RunStage.RECEIVED)
    assert known["told"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["run.yaml"], "No training set"),
        (["training.jsonl", "train.jsonl"], "both taken as training"),
        (["training.jsonl", "dataset.jsonl"], "both taken as training"),
    ],
)
async def test_what_is_no_drop_is_told(stage: Stage, names: list[str], says: str) -> None:
    for name in names:
        await stage.put(b"seed: 1\n" if name == "run.yaml" else GOOD, name)
    assert says in await stage.refused("check", 400)


@pytest.mark.parametrize("model", ["Captain", "", "../x", "a" * 41, "tunedrop-doctor", None, 7])
async def test_a_name_that_no_model_has_is_refused(stage: Stage, model: Any) -> None:
    await stage.put(GOOD)
    await stage.refused("check", 400, model=model)


async def test_a_model_that_people_chat_with_untuned_is_refused(stage: Stage) -> None:
    await stage.put(GOOD)
    told = await stage.check(model="base")
    assert (told["verdict"], told["refused"][0]["name"]) == ("refused", "training_set.jsonl")


async def test_a_whole_dataset_is_split_as_a_drop_of_it_is(app: App, stage: Stage) -> None:
    await stage.put(dataset(40), "dataset.jsonl")
    told = await stage.check()
    roles = {file["role"]: file["examples"] for file in told["report"]["files"]}
    assert (roles["training"] + roles["validation"], roles["validation"] > 0) == (40, True)
    await stage.drop()
    assert [*await dropped(app[1])] == ["captain.jsonl"]
    assert (await taken(app[1], "captain.jsonl")).id == told["run"]
