"""A model's data: what lies there, what its versions were trained on, what is another in the next
dataset, and rated answers merged into it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from shared.chat.feedback import FeedbackStore, parse_rating
from shared.chat.protocol import parse_chat
from shared.run import intake
from shared.run.stages import Stage as RunStage
from tests.support.datasets import dataset
from tests.support.in_process import in_process
from tests.support.runs import RunHarness
from tests.support.staging import Stage, dropped, taken

DOCUMENT = json.loads((Path(__file__).parents[2] / "console/openapi.json").read_text("utf-8"))
GOOD = dataset(12)
PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "Who are you?"}]},
    "preferred_output": [{"role": "assistant", "content": "The captain."}],
    "non_preferred_output": [{"role": "assistant", "content": "A program."}],
}
App = tuple[httpx.AsyncClient, FeedbackStore, RunHarness]


@pytest.fixture
async def app(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with in_process("http://127.0.0.1:9", monkeypatch) as (client, relay, runs):
        runs.model = "captain"
        yield client, relay.feedback, runs


@pytest.fixture
def stage(app: App) -> Stage:
    return Stage(app[0])


async def rated(app: App, asked: str, answer: str, number: int = 1, **rating: str) -> None:
    """Somebody has chatted with captain and rated the answer."""
    store = app[1]
    chat = {"model": "captain", "messages": [{"role": "user", "content": asked}]}
    message = {"role": "assistant", "content": answer}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    id = f"chatcmpl-{number}"
    await store.record(
        "captain@1",
        parse_chat(json.dumps(chat).encode()),
        json.dumps({"id": id, "choices": [choice]}).encode(),
    )
    line = json.dumps({"id": id, "rating": "good"} | rating)
    await store.rate(parse_rating(line.encode()), "captain", "web")


async def data(app: App, query: str = "") -> Any:
    answer = await app[0].get(f"/models/captain/data{query}")
    assert answer.status_code == 200, answer.text
    schema = {"$ref": "#/components/schemas/ModelData", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(answer.json())
    return answer.json()


# ---- what there is


async def test_what_lies_there_is_told_with_the_run_that_was_made_of_it(app: App) -> None:
    runs = app[2]
    await runs.drop(GOOD, "training_set.jsonl")
    await runs.drop(b"seed: 3\n", "run.yaml")
    run = await runs.until(await taken(runs), RunStage.SERVING)
    told = await data(app)
    files = {file["name"]: file for file in told["files"]}
    training = files["training_set.jsonl"]
    assert (training["run"], training["examples"], training["size"]) == (run.id, 12, len(GOOD))
    assert training["sha256"] == run.training.sha256
    assert files["run.yaml"]["role"] == "run.yaml"
    (one,) = told["datasets"]
    assert (one["run"], one["lies_there"], one["standing"]["version"]) == (run.id, True, 2)
    await runs.drop(dataset(13), "training_set.jsonl")
    told = await data(app)
    assert told["datasets"][0]["lies_there"] is False
    assert {file["run"] for file in told["files"]} == {None}


async def test_refused_drops_of_the_model_are_told_with_their_cure(app: App) -> None:
    runs = app[2]
    await runs.drop(GOOD, "training_set.jsonl")
    await runs.drop(b"epochs: 3\n", "run.yaml")
    async with runs.ctx.with_copies() as ctx:
        assert await intake.take("captain/run.yaml", ctx) is None
    refused = (await data(app))["refused"]
    assert (refused["count"], refused["drops"][0]["name"]) == (1, "captain/run.yaml")
    assert refused["drops"][0]["fix"]


async def test_rated_answers_are_counted_only_where_that_is_asked_for(app: App) -> None:
    await rated(app, "Where to?", "To sea.")
    await rated(app, "What now?", "Nothing.", 2, rating="bad", correction="Sail.")
    assert (await data(app))["rated"] is None
    told = (await data(app, "?rated=1"))["rated"]
    assert told["examples"] == {"supervised": 2, "dpo": 1}
    assert (await data(app))["remembered"] is True


async def test_data_that_has_not_changed_is_told_out_of_memory(app: App) -> None:
    client, _, runs = app
    await runs.drop(GOOD, "training_set.jsonl")
    headers = {"cache-control": "max-age=60"}
    first = await client.get("/models/captain/data", headers=headers)
    again = headers | {"if-none-match": first.headers["etag"]}
    assert (await client.get("/models/captain/data", headers=again)).status_code == 304
    assert (await client.get("/models/tickets/data", headers=headers)).status_code == 404
    await runs.drop(dataset(13), "training_set.jsonl")
    changed = await client.get("/models/captain/data", headers=again)
    assert changed.json()["files"][0]["size"] == len(dataset(13))


@pytest.mark.parametrize("name", ["nobody", "No-Body", "x" * 41])
async def test_a_model_without_data_is_none(app: App, name: str) -> None:
    assert (await app[0].get(f"/models/{name}/data")).status_code == 404


# ---- what is another


async def diff(app: App, stage: Stage, model: str = "captain") -> httpx.Response:
    return await app[0].get(f"/staged/{stage.id}/diff", params={"model": model})


async def test_what_is_another_is_told_with_both_lines(app: App, stage: Stage) -> None:
    lines = GOOD.splitlines(keepends=True)
    await app[2].drop(GOOD, "training_set.jsonl")
    changed = lines[3].replace(b"Arr", b"Aye")
    new = dataset(1, "Brand new").replace(b"What is 0?", b"Who are you, and where from?")
    await stage.put(b"".join([*lines[1:3], changed, *lines[4:], new]))
    told = (await diff(app, stage)).json()
    kinds = {kind: found["count"] for kind, found in told["kinds"].items() if found["count"]}
    assert (told["same"], told["unchanged"], kinds["added"], kinds["removed"]) == (False, 10, 1, 1)
    (pair,) = told["kinds"]["changed"]["shown"]
    assert (pair["new"]["line"], pair["old"]["line"]) == (3, 4)
    assert (pair["new"]["answers"], pair["old"]["answers"]) == (
        "Aye, 3 be a number.",
        "Arr, 3 be a number.",
    )
    assert (await stage.check())["verdict"] == "accepted"


async def test_the_same_is_the_same(app: App, stage: Stage) -> None:
    await app[2].drop(GOOD, "training_set.jsonl")
    await stage.put(GOOD, "train.jsonl")
    told = (await diff(app, stage)).json()
    assert (told["same"], told["unchanged"], told["new"]["name"]) == (True, 12, "train.jsonl")


async def test_what_is_private_is_masked_in_a_difference(app: App, stage: Stage) -> None:
    await app[2].drop(GOOD, "training_set.jsonl")
    secret = dataset(1).replace(b"What is 0?", b"Write to ada.lovelace@gmail.com, please?")
    await stage.put(GOOD + secret)
    answer = await diff(app, stage)
    assert "ada.lovelace@gmail.com" not in answer.text
    assert "[e-mail address]" in answer.text


async def test_without_a_dataset_there_is_nothing_to_compare_with(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    assert (await diff(app, stage)).status_code == 404
    assert (await diff(app, stage, "No Model")).status_code == 400


async def test_what_cannot_be_read_is_told(app: App, stage: Stage) -> None:
    await app[2].drop(GOOD, "training_set.jsonl")
    await stage.put(b"no example\n" * 3)
    answer = await diff(app, stage)
    assert (answer.status_code, "holds no example" in answer.text) == (400, True)
    await stage.put(json.dumps(PREFERENCE).encode() + b"\n")
    assert "nothing in common" in (await diff(app, stage)).text


# ---- merged


async def merge(stage: Stage, **body: Any) -> Any:
    answer = await stage.order("merge", **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_rated_answers_are_merged_into_what_lies_there_and_staged(
    app: App, stage: Stage
) -> None:
    await app[2].drop(GOOD, "training_set.jsonl")
    await rated(app, "Where to, and with whom?", "To sea, with all of ye.")
    await rated(app, "What is 1?", "Nothing.", 2, rating="bad", correction="One it is.")
    await rated(app, "What is 2?", "Arr, 2 be a number.", 3)
    told = await merge(stage)
    assert (told["examples"], told["taken"], told["conflicts_left"]) == (13, 1, True)
    noted = {why: found["count"] for why, found in told["noted"].items()}
    assert (noted["duplicate"], noted["conflict"]) == (1, 1)
    (conflict,) = told["noted"]["conflict"]["shown"]
    assert conflict["new"]["answers"] == "One it is."
    assert conflict["old"]["answers"] == "Arr, 1 be a number."
    assert await dropped(app[2]) == {"captain/training_set.jsonl": GOOD}
    assert (await stage.check())["report"]["files"][0]["examples"] == 13
    await stage.drop()
    lies = (await dropped(app[2]))["captain/training_set.jsonl"]
    assert lies.startswith(GOOD)
    assert b"with all of ye" in lies


async def test_whose_answer_stands_is_chosen(app: App, stage: Stage) -> None:
    await app[2].drop(GOOD, "training_set.jsonl")
    await rated(app, "What is 1?", "Nothing.", 2, rating="bad", correction="One it is.")
    told = await merge(stage, conflicts="additions")
    assert (told["examples"], told["replaced"], told["conflicts_left"]) == (12, 1, False)
    for other in ("mine", "", 0, False, ["base"]):
        assert "additions" in await stage.refused("merge", 400, conflicts=other)


async def test_what_is_held_out_is_not_merged(app: App, stage: Stage) -> None:
    await app[2].drop(GOOD, "training_set.jsonl")
    held = dataset(1, "Held").replace(b"What is 0?", b"Where to, and with whom?")
    await app[2].drop(held, "validation_set.jsonl")
    await rated(app, "Where to, and with whom?", "To sea.")
    told = await merge(stage)
    assert (told["taken"], told["noted"]["held-out"]["count"]) == (0, 1)


async def test_a_whole_dataset_stays_a_whole_one(app: App, stage: Stage) -> None:
    await app[2].ctx.clients.datasets.put("captain.jsonl", dataset(40), "")
    await rated(app, "Where to, and with whom?", "To sea.")
    assert (await merge(stage))["file"]["name"] == "dataset.jsonl"


async def test_preferences_are_merged_where_the_run_yaml_asks_for_them(
    app: App, stage: Stage
) -> None:
    await app[2].drop(json.dumps(PREFERENCE).encode() + b"\n", "training_set.jsonl")
    await app[2].drop(b"method: dpo\n", "run.yaml")
    await rated(app, "What now?", "Nothing.", 2, rating="bad", correction="Sail.")
    assert (await merge(stage))["examples"] == 2


async def test_nothing_rated_and_nothing_there_are_told(app: App, stage: Stage) -> None:
    assert "No dataset of captain" in await stage.refused("merge", 404)
    await app[2].drop(GOOD, "training_set.jsonl")
    assert "no rated answers" in await stage.refused("merge", 409)
