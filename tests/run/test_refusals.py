"""Drops that were not taken are seen where runs are: each once, with its reason, until it is
corrected or gone, however many there are."""

import json
from typing import Any

import pytest
from starlette.requests import Request

from shared import api
from shared.errors import NotFound, Unavailable
from shared.run import drops, intake, reconciler
from shared.run.folder import PROBLEM
from shared.run.refusals import KEPT, PREFIX, SHOWN, Refusals, refusal
from tests.support.drops import storage, taken
from tests.support.runs import RunHarness

BAD = b"epochs: 3\n"


async def listed(harness: RunHarness, query: str = "") -> Any:
    scope = {"type": "http", "headers": [], "query_string": query.encode()}
    return json.loads(bytes((await api.runs(Request(scope), harness.ctx)).body))["refused"]


async def names(harness: RunHarness, query: str = "") -> list[str]:
    return [drop["name"] for drop in (await listed(harness, query))["drops"]]


async def entries(harness: RunHarness) -> list[str]:
    return [blob.name async for blob in harness.ctx.clients.runs.list(PREFIX)]


async def with_bad_run_yaml(harness: RunHarness) -> None:
    await harness.drop()
    await harness.drop(BAD, "run.yaml")
    await taken(harness, harness.path("training.jsonl"))


async def test_a_refused_run_yaml_is_listed_with_its_reason(harness: RunHarness) -> None:
    await with_bad_run_yaml(harness)
    refused = await listed(harness)
    (drop,) = refused["drops"]
    assert (drop["name"], drop["model"]) == (harness.path("run.yaml"), harness.model)
    assert "epochs" in drop["message"]
    assert drop["fix"]
    beside = await storage(harness).read(drop["explanation"])
    assert beside
    assert beside.data.decode().strip() == f"{drop['message']} {drop['fix']}"
    assert (drop["waits"], refused["count"]) == (False, 1)


@pytest.mark.parametrize(
    "path", ["notes.txt", "Harbour/training.jsonl", "m/data.csv", "m/a\nb.txt"]
)
async def test_a_name_that_is_not_taken_is_listed(harness: RunHarness, path: str) -> None:
    await storage(harness).put(path, b"x", "")
    await taken(harness, path)
    (drop,) = (await listed(harness))["drops"]
    assert drop["name"] == path.replace("\n", "\\u000a")
    assert drop["model"] == ("m" if path.startswith("m/") else "")


async def test_an_event_that_comes_again_lists_nothing_twice(harness: RunHarness) -> None:
    for _ in range(3):
        await with_bad_run_yaml(harness)
        await storage(harness).put("notes.txt", b"x", "")
        await taken(harness, "notes.txt")
    assert await names(harness) == [harness.path("run.yaml"), "notes.txt"]


async def test_a_corrected_drop_is_listed_no_more(harness: RunHarness) -> None:
    await with_bad_run_yaml(harness)
    await harness.drop(b"base_model: gpt-4.1-mini-2025-04-14\n", "run.yaml")
    assert await taken(harness, harness.path("run.yaml"))
    assert await listed(harness) == {"drops": [], "count": 0}
    assert await entries(harness) == []


async def test_a_drop_without_the_refused_file_is_listed_no_more(harness: RunHarness) -> None:
    await with_bad_run_yaml(harness)
    await storage(harness).delete(harness.path("run.yaml"))
    await harness.drop()
    assert await taken(harness, harness.path("training.jsonl"))
    assert await names(harness) == []
    assert not await storage(harness).read(harness.path("run.yaml") + PROBLEM)


async def test_a_refused_run_yml_is_listed_no_more_beside_a_newer_run_yaml(
    harness: RunHarness,
) -> None:
    await harness.drop()
    await harness.drop(BAD, "run.yml")
    await taken(harness, harness.path("training.jsonl"))
    assert await names(harness) == [harness.path("run.yml")]
    await harness.pause(2)
    await harness.drop(b"base_model: gpt-4.1-mini-2025-04-14\n", "run.yaml")
    assert await taken(harness, harness.path("run.yaml"))
    assert await names(harness) == []


async def test_what_is_removed_is_listed_until_the_next_sweep(harness: RunHarness) -> None:
    for path in ("notes.txt", "others.txt"):
        await storage(harness).put(path, b"x", "")
        await taken(harness, path)
    await storage(harness).delete("notes.txt")
    await reconciler.sweep(harness.ctx)
    assert await names(harness) == ["others.txt"]
    assert not await storage(harness).read("notes.txt" + PROBLEM)
    assert await storage(harness).read("others.txt" + PROBLEM)


async def test_a_file_of_people_with_the_ending_of_an_explanation_is_left(
    harness: RunHarness,
) -> None:
    await storage(harness).put("theirs" + PROBLEM, b"x", "")
    await reconciler.sweep(harness.ctx)
    assert await storage(harness).read("theirs" + PROBLEM)


async def test_of_very_many_names_the_newest_are_listed_and_all_are_counted(
    harness: RunHarness,
) -> None:
    await with_bad_run_yaml(harness)
    many = KEPT + 30
    for number in range(many):
        await harness.pause(1)
        await storage(harness).put(f"{number}.txt", b"x", "")
        await taken(harness, f"{number}.txt")
    assert len(await entries(harness)) == KEPT + 1
    await reconciler.sweep(harness.ctx)
    refused = await listed(harness)
    assert (len(refused["drops"]), refused["count"]) == (SHOWN, many + 1)
    assert [drop["name"] for drop in refused["drops"][:3]] == [
        harness.path("run.yaml"),
        f"{many - 1}.txt",
        f"{many - 2}.txt",
    ]
    assert await names(harness, f"model={harness.model}") == [harness.path("run.yaml")]


async def test_the_sweep_counts_refused_files_of_drops_too(harness: RunHarness) -> None:
    await with_bad_run_yaml(harness)
    assert len((await drops.due(harness.ctx)).explained) == 1


@pytest.mark.parametrize("query", ["model=others", "model=../x", "model=drops/x"])
async def test_a_list_of_one_model_has_its_own_only(harness: RunHarness, query: str) -> None:
    await with_bad_run_yaml(harness)
    assert await listed(harness, query) == {"drops": [], "count": 0}


@pytest.mark.parametrize("query", ["stage=serving", f"after={10**9}-m-1"])
async def test_a_later_page_and_one_of_a_stage_do_not_ask(harness: RunHarness, query: str) -> None:
    await with_bad_run_yaml(harness)
    assert await listed(harness, query) is None


async def test_what_waits_says_that_the_app_looks_again(harness: RunHarness) -> None:
    await harness.drop()
    storage(harness).mark(harness.path("training.jsonl"), archived=True)
    await taken(harness, harness.path("training.jsonl"))
    (drop,) = (await listed(harness))["drops"]
    assert drop["waits"]


async def test_an_outage_is_listed_until_the_drop_is_taken(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()

    async def down(*_: object) -> None:
        raise Unavailable("The storage does not answer.")

    with monkeypatch.context() as broken:
        broken.setattr(intake, "enter", down)
        with pytest.raises(Unavailable):
            await taken(harness, harness.path("training.jsonl"))
    (drop,) = (await listed(harness))["drops"]
    assert (drop["waits"], "does not answer" in drop["message"]) == (True, True)
    await taken(harness, harness.path("training.jsonl"))
    assert await names(harness) == []


async def test_an_entry_that_cannot_be_read_hides_no_other(harness: RunHarness) -> None:
    await with_bad_run_yaml(harness)
    await harness.ctx.clients.runs.put(f"{PREFIX}names/~/x", b"{", "")
    assert await names(harness) == [harness.path("run.yaml")]


async def test_a_list_reads_no_more_than_it_shows(harness: RunHarness) -> None:
    runs, reads = harness.ctx.clients.runs, []
    error = (await listed(harness), NotFound("x"))[1]
    for number in range(KEPT):
        noted = refusal(f"{number}.txt", error, harness.ctx.now())  # type: ignore[arg-type]
        await Refusals(runs).note(noted)
    read = runs.read

    async def counted(name: str) -> Any:
        reads.append(name)
        return await read(name)

    runs.read = counted  # type: ignore[method-assign]
    await listed(harness)
    assert len(reads) <= SHOWN + 1


# ---- files beside a drop that are in no run


async def two_training_files(harness: RunHarness) -> None:
    await harness.drop(b"{}\n", "training_1.jsonl")
    await harness.pause(2)
    await harness.drop(name="training_2.jsonl")


async def test_an_older_training_file_is_told_of_in_the_record_and_beside_it(
    harness: RunHarness,
) -> None:
    await two_training_files(harness)
    run = await taken(harness, harness.path("training_2.jsonl"))
    assert run
    assert run.left_out == (harness.path("training_1.jsonl"),)
    beside = await storage(harness).read(harness.path("training_1.jsonl") + PROBLEM)
    assert beside
    assert "is left out" in beside.data.decode()
    assert await names(harness) == [], "it is no run to be"
    answer = await api.run(asked(run.id), harness.ctx)
    (notice,) = json.loads(bytes(answer.body))["notices"]
    assert notice.startswith(harness.path("training_1.jsonl"))


def asked(run_id: str) -> Request:
    return Request({"type": "http", "path_params": {"id": run_id}, "query_string": b""})


async def test_the_training_file_of_an_earlier_run_is_not_told_of(harness: RunHarness) -> None:
    await harness.drop(name="training_1.jsonl")
    assert await taken(harness, harness.path("training_1.jsonl"))
    await harness.pause(60)
    await harness.drop(b"{}\n", "training_2.jsonl")
    run = await taken(harness, harness.path("training_2.jsonl"))
    assert run
    assert run.left_out == ()
    assert not await storage(harness).read(harness.path("training_1.jsonl") + PROBLEM)


async def test_what_is_left_out_is_told_of_until_it_is_gone(harness: RunHarness) -> None:
    await two_training_files(harness)
    await taken(harness, harness.path("training_2.jsonl"))
    explanation = harness.path("training_1.jsonl") + PROBLEM
    await taken(harness, harness.path("training_1.jsonl"))  # its own event, again
    await reconciler.sweep(harness.ctx)
    assert await storage(harness).read(explanation)
    await storage(harness).delete(harness.path("training_1.jsonl"))
    await reconciler.sweep(harness.ctx)
    assert not await storage(harness).read(explanation)
    assert await entries(harness) == []


async def test_what_was_left_out_and_is_dropped_alone_is_told_of_no_more(
    harness: RunHarness,
) -> None:
    await two_training_files(harness)
    await taken(harness, harness.path("training_2.jsonl"))
    await storage(harness).delete(harness.path("training_2.jsonl"))
    await harness.drop(b"{}\n", "training_1.jsonl")
    assert await taken(harness, harness.path("training_1.jsonl"))
    assert await entries(harness) == []
    assert not await storage(harness).read(harness.path("training_1.jsonl") + PROBLEM)


async def test_of_very_many_older_files_a_few_are_named_and_all_counted(
    harness: RunHarness,
) -> None:
    for number in range(25):
        await harness.drop(b"{}\n", f"training_{number:02}.jsonl")
    await harness.pause(2)
    await harness.drop()
    run = await taken(harness, harness.path("training.jsonl"))
    assert run
    assert (len(run.left_out), run.left_out_more) == (10, 15)
