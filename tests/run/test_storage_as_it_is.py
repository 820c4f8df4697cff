"""Blobs as storage has them: empty at first, archived, being copied. What is
dropped becomes one run when it is whole, and whoever has to do something about it is told."""

import logging
from dataclasses import replace

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable
from shared.run import reconciler
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.drops import explanations, problem, refusal, storage, taken
from tests.support.runs import RunHarness

TRAINING = "training.jsonl"
DROPPED = pytest.mark.parametrize("name", [TRAINING, "validation.jsonl", "run.yaml", "lone"])


async def patience(harness: RunHarness, times: float = 1.0) -> None:
    await harness.pause(harness.ctx.policy.empty_patience.total_seconds() * times)


# ---- empty at first


@DROPPED
async def test_an_empty_blob_that_is_filled_later_is_one_run(
    harness: RunHarness, name: str
) -> None:
    """By SFTP, a mount or a data lake's client: create, then the data. Nobody is told of a fault,
    and nothing is trained without the file that is on its way."""
    if name != "lone":
        await harness.drop()
    await harness.drop(b"", name)
    assert await refusal(harness, harness.path(name)) == ""
    await patience(harness, 0.9)
    await reconciler.sweep(harness.ctx)
    assert await harness.runs() == []
    assert await explanations(harness) == []
    await harness.drop(b"seed: 7" if name == "run.yaml" else dataset(12, "Aye"), name)
    await harness.received(name)
    (run,) = await harness.runs()
    assert run.stage is Stage.RECEIVED
    assert (run.spec.seed, bool(run.validation)) == (
        7 if name == "run.yaml" else None,
        name == "validation.jsonl",
    )


@pytest.mark.parametrize("name", [TRAINING, "validation.jsonl", "lone"])
async def test_a_blob_that_stays_empty_is_told_once_and_no_more_when_it_is_filled(
    harness: RunHarness, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await harness.drop(b"", name)
    await patience(harness)
    await reconciler.sweep(harness.ctx)
    if name == "lone":
        assert "is empty, so nothing of its folder is taken" in await problem(
            harness, harness.path(name)
        )
    caplog.clear()
    await harness.pause(600)
    await reconciler.sweep(harness.ctx)
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    await harness.drop(dataset(12, "Aye"), name)
    if name == "validation.jsonl":
        await harness.drop()
    assert (await harness.received(name)).stage is Stage.RECEIVED
    assert await explanations(harness) == []


async def test_an_empty_run_yaml_that_stays_empty_asks_for_nothing(harness: RunHarness) -> None:
    await harness.drop()
    await harness.drop(b"", "run.yaml")
    await patience(harness)
    await reconciler.sweep(harness.ctx)
    (run,) = await harness.runs()
    assert run.spec.seed is None
    assert await explanations(harness) == []


async def test_what_is_emptied_after_it_was_taken_makes_no_other_run(harness: RunHarness) -> None:
    await harness.drop()
    run = await harness.received()
    await harness.drop(b"")
    assert await refusal(harness, harness.path(TRAINING)) == ""
    assert [r.id for r in await harness.runs()] == [run.id]


# ---- the archive tier


@DROPPED
async def test_an_archived_blob_says_what_to_do_and_is_taken_when_it_can_be_read(
    harness: RunHarness, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    if name != "lone":
        await harness.drop()
    await harness.drop(b"seed: 7" if name == "run.yaml" else dataset(12, "Aye"), name)
    path = harness.path(name)
    storage(harness).mark(path, archived=True)
    said = await refusal(harness, path)
    assert f"{path} is in the archive tier" in said
    assert "Rehydrate it" in said
    storage(harness).mark(path, rehydrating=True)
    assert "is being rehydrated" in await refusal(harness, path)
    await harness.pause(3600)
    caplog.clear()
    await reconciler.sweep(harness.ctx)  # it is told already
    assert caplog.messages == []
    storage(harness).mark(path, archived=False, rehydrating=False, tier_changed=harness.ctx.now())
    await reconciler.sweep(harness.ctx)
    (run,) = await harness.runs()
    assert run.stage is Stage.RECEIVED
    assert await explanations(harness) == []
    assert "not taken when dropped" not in caplog.text, "no event was lost"


async def test_an_archived_blob_whose_event_was_lost_is_told_by_the_sweep(
    harness: RunHarness,
) -> None:
    await harness.drop()
    storage(harness).mark(harness.path(TRAINING), archived=True)
    await harness.pause(3600)
    await reconciler.sweep(harness.ctx)
    assert "Rehydrate it" in await problem(harness, harness.path(TRAINING))


async def test_a_dataset_that_is_archived_after_its_run_was_made_is_nothing_new(
    harness: RunHarness,
) -> None:
    """By a rule that archives old blobs, for example."""
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    storage(harness).mark(harness.path(TRAINING), archived=True)
    await harness.pause(30 * 86_400)
    await reconciler.sweep(harness.ctx)
    assert await taken(harness, harness.path(TRAINING)) is None
    assert [r.id for r in await harness.runs()] == [run.id]
    assert await explanations(harness) == []


async def test_a_run_whose_dataset_is_archived_before_it_was_read_waits(
    harness: RunHarness,
) -> None:
    await harness.drop()
    run = await harness.received()
    storage(harness).mark(harness.path(TRAINING), archived=True)
    await reconciler.advance(run.id, harness.ctx)
    waiting = await harness.known(run.id)
    assert waiting.stage is Stage.RECEIVED
    assert waiting.waiting_for
    assert "archive" in waiting.waiting_for
    storage(harness).mark(harness.path(TRAINING), archived=False)
    await harness.until(run, Stage.SERVING)


async def test_what_is_archived_while_it_is_taken_is_told_with_its_reason(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    listed = MemoryContainer.list

    async def list_earlier(self: MemoryContainer, prefix: str = "") -> object:
        async for blob in listed(self, prefix):
            yield replace(blob, archived=False)

    monkeypatch.setattr(MemoryContainer, "list", list_earlier)
    storage(harness).mark(harness.path(TRAINING), archived=True)
    with pytest.raises(Unavailable):
        await harness.received()
    said = await problem(harness, harness.path(TRAINING))
    assert "could not be taken yet" in said
    assert "archived" in said


# ---- copies


async def test_a_copy_under_way_is_waited_for_and_told_only_when_it_takes_long(
    harness: RunHarness,
) -> None:
    path = harness.path(TRAINING)
    await harness.drop(b"")
    storage(harness).mark(path, copy="pending")
    assert await refusal(harness, path) == ""
    await patience(harness)
    await reconciler.sweep(harness.ctx)
    assert "still being copied" in await problem(harness, path)
    await harness.drop()
    storage(harness).mark(path, copy="success")
    assert (await harness.received()).stage is Stage.RECEIVED
    assert await explanations(harness) == []


@pytest.mark.parametrize("size", [0, 10])
async def test_half_of_a_copy_is_not_trained(harness: RunHarness, size: int) -> None:
    await harness.drop(dataset(size) if size else b"")
    storage(harness).mark(harness.path(TRAINING), copy="pending")
    await harness.pause(60)
    await reconciler.sweep(harness.ctx)
    assert await refusal(harness, harness.path(TRAINING)) == ""
    assert await harness.runs() == []


@pytest.mark.parametrize(("status", "verb"), [("failed", "has failed"), ("aborted", "aborted")])
async def test_a_copy_that_failed_is_told_at_once(
    harness: RunHarness, status: str, verb: str
) -> None:
    await harness.drop(b"")
    storage(harness).mark(harness.path(TRAINING), copy=status)
    said = await refusal(harness, harness.path(TRAINING))
    assert verb in said
    assert "Copy it again." in said
