"""Files are tried before they are dropped: what is told of them is what becomes of them."""

import asyncio
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


# ---- dropped


async def test_what_was_checked_is_what_becomes_a_run(app: App, stage: Stage) -> None:
    validation = dataset(3, "Held")
    await stage.put(GOOD)
    await stage.put(validation, "validation_set.jsonl")
    await stage.put(b"hyperparameters: {n_epochs: 2}\n", "run.yaml")
    told = await stage.check()
    done = await stage.drop(who="Ada")
    assert await dropped(app[1]) == {
        "captain/run.yaml": b"hyperparameters: {n_epochs: 2}\n",
        "captain/training_set.jsonl": GOOD,
        "captain/validation_set.jsonl": validation,
    }
    assert done["files"][-1]["name"] == "captain/training_set.jsonl"
    run = await taken(app[1])
    assert (run.id, run.digest) == (told["run"], told["digest"])
    assert done["files"][-1]["etag"] == run.training.etag
    (line,) = [line for line in await app[1].log(run) if line["kind"] == "drop"]
    assert "Ada" in line["who"]


async def test_nothing_is_dropped_that_was_not_checked(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    assert "Check them first" in await stage.refused("drop", 409)
    await stage.check(model="tickets")
    assert "not checked for captain" in await stage.refused("drop", 409)
    assert await dropped(app[1]) == {}


async def test_what_was_staged_after_the_check_is_not_dropped(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.check()
    await stage.put(dataset(13))
    assert "Check it again" in await stage.refused("drop", 409)
    await stage.put(b"seed: 4\n", "run.yaml")
    await stage.check()
    assert (await stage.drop())["files"]


async def test_a_folder_that_has_changed_since_the_check_is_told(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.check()
    await app[1].ctx.clients.datasets.put("captain/run.yaml", b"seed: 9\n", "")
    assert "lies beside" in await stage.refused("drop", 409)


async def test_files_that_stand_alone_remove_what_would_belong_to_them(
    app: App, stage: Stage
) -> None:
    datasets = app[1].ctx.clients.datasets
    for name, content in {
        "run.yaml": b"hyperparameters: {n_epochs: 7}\n",
        "validation_a.jsonl": dataset(2, "a"),
        "validation_b.jsonl": dataset(2, "b"),
        "training_set.jsonl": dataset(10, "Old"),
    }.items():
        await datasets.put(f"captain/{name}", content, "")
    await datasets.put("tickets/run.yaml", b"seed: 1\n", "")
    await app[1].pause(2)
    await stage.put(GOOD, "train.jsonl")
    told = await stage.check(alone=True)
    check_described(told)
    gone = ["captain/run.yaml", "captain/validation_a.jsonl", "captain/validation_b.jsonl"]
    assert told["removes"] == gone
    assert [file["name"] for file in told["files"]] == ["train.jsonl"]
    assert told["spec"]["hyperparameters"]["n_epochs"] is None
    await stage.drop()
    left = ["captain/train.jsonl", "captain/training_set.jsonl", "tickets/run.yaml"]
    assert [*await dropped(app[1])] == left
    assert (await taken(app[1], "captain/train.jsonl")).id == told["run"]


async def test_what_was_laid_beside_files_that_stand_alone_is_told(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.check(alone=True)
    await app[1].ctx.clients.datasets.put("captain/run.yaml", b"seed: 9\n", "")
    assert "lies beside" in await stage.refused("drop", 409)
    assert [*await dropped(app[1])] == ["captain/run.yaml"]


async def test_a_second_click_drops_nothing_twice(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.check()
    first = await stage.drop()
    assert await stage.drop() == first
    await app[1].ctx.clients.datasets.delete("captain/training_set.jsonl")
    assert (await stage.drop())["files"][0]["etag"] != first["files"][0]["etag"]


async def test_two_drops_at_once_leave_one_of_them_whole(app: App, stage: Stage) -> None:
    other = Stage(app[0])
    for each, content in ((stage, GOOD), (other, dataset(20, "Other"))):
        await each.put(content)
        await each.check()
    answers = await asyncio.gather(stage.order("drop"), other.order("drop"))
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    (lies,) = (await dropped(app[1])).values()
    assert lies in (GOOD, dataset(20, "Other"))
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["error"]["fix"]


async def test_an_append_blob_in_the_way_is_told(app: App, stage: Stage) -> None:
    await app[1].ctx.clients.datasets.append("captain/training_set.jsonl", "{}")
    await stage.put(GOOD)
    await stage.check()
    assert "Delete it" in await stage.refused("drop", 409)


async def test_a_byte_order_mark_is_dropped_as_it_was_checked(app: App, stage: Stage) -> None:
    await stage.put(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"))
    told = await stage.check()
    assert told["verdict"] == "accepted"
    assert (await stage.drop())["files"][0]["sha256"] == told["files"][0]["sha256"]
