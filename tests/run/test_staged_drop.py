"""Staged files are dropped: as they were checked, beside what lay there then, by whoever has seen
that."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.cloud.container import Upload
from tests.support.datasets import dataset
from tests.support.in_process import in_process
from tests.support.runs import RunHarness
from tests.support.staging import Stage, dropped, taken

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


async def test_a_drop_is_of_what_its_giver_has_seen(app: App, stage: Stage) -> None:
    datasets = app[1].ctx.clients.datasets
    await datasets.put("captain/run.yaml", b"start: manual\n", "")
    await stage.put(GOOD)
    seen = (await stage.check())["seen"]
    assert (await stage.check())["seen"] == seen
    # Another tab checks the same files otherwise; or that answer was lost.
    alone = (await stage.check(alone=True))["seen"]
    for other in (seen, "", None, 7):
        told = await stage.refused("drop", 409, seen=other)
        assert "Check them again" in told
    assert [*await dropped(app[1])] == ["captain/run.yaml"]
    await stage.drop(seen=alone)
    assert [*await dropped(app[1])] == ["captain/training_set.jsonl"]


async def test_another_dataset_that_lies_there_now_is_not_written_over(
    app: App, stage: Stage
) -> None:
    await stage.put(GOOD)
    await stage.check()
    other = dataset(15, "Other")
    await app[1].ctx.clients.datasets.put("captain/training_set.jsonl", other, "")
    assert "Check it again" in await stage.refused("drop", 409)
    assert await dropped(app[1]) == {"captain/training_set.jsonl": other}


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("name", ["run.yaml", "validation_set.jsonl", "training_set.jsonl"])
async def test_what_comes_while_the_files_are_sent_is_left_as_it_is(
    app: App, stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str, alone: bool
) -> None:
    datasets = app[1].ctx.clients.datasets
    before = {"run.yaml": b"seed: 1\n", "validation_set.jsonl": dataset(2, "Held")}
    for other, content in before.items():
        await datasets.put(f"captain/{other}", content, "")
    await stage.put(GOOD)
    await stage.put(b"tests: []\n", "promptfooconfig.yaml")
    await stage.check(alone=alone)
    upload, late = datasets.upload, b"seed: 9\n" if name == "run.yaml" else dataset(15, "Late")

    async def slow(path: str, chunks: AsyncIterator[bytes], content_type: str) -> Upload:
        sent = await upload(path, chunks, content_type)
        await datasets.put(f"captain/{name}", late, "")
        return sent

    monkeypatch.setattr(datasets, "upload", slow)
    assert "Check it again" in await stage.refused("drop", 409)
    assert await dropped(app[1]) == {
        f"captain/{other}": content for other, content in (before | {name: late}).items()
    }


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


async def test_the_same_order_at_once_is_carried_out_once(app: App, stage: Stage) -> None:
    await stage.put(GOOD)
    await stage.check()
    answers = await asyncio.gather(*(stage.order("drop") for _ in range(4)))
    (done,) = [answer.json() for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert await stage.drop() == done


async def test_what_was_laid_there_since_goes_with_the_next_drop_of_the_same(
    app: App, stage: Stage
) -> None:
    await stage.put(GOOD)
    await stage.check(alone=True)
    await stage.drop()
    await app[1].ctx.clients.datasets.put("captain/run.yaml", b"seed: 9\n", "")
    assert (await stage.check(alone=True))["removes"] == ["captain/run.yaml"]
    await stage.drop()
    assert [*await dropped(app[1])] == ["captain/training_set.jsonl"]


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
