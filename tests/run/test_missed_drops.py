"""Drops whose event never came, or that were taken half-way: the sweep finds them, once."""

import asyncio
from typing import Any

import pytest

from shared.errors import Unavailable
from shared.run import reconciler
from shared.run.drops import Drops, due
from shared.run.folder import PROBLEM
from shared.run.ledger import Ledger
from shared.run.record import Action, Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.harness import on_both
from tests.support.runs import RunHarness


@on_both
async def test_the_sweep_takes_a_drop_whose_event_was_lost_and_only_once(
    harness: RunHarness,
) -> None:
    await harness.drop()
    await harness.drop_without_event(dataset(3, "Aye"), "validation.jsonl")
    await reconciler.sweep(harness.ctx)
    (run,) = await harness.runs()
    assert run.validation
    written = run.etag
    await reconciler.sweep(harness.ctx)
    (again,) = await harness.runs()
    assert again.etag == written


async def test_the_sweep_finds_what_was_changed_without_an_event(harness: RunHarness) -> None:
    await harness.drop()
    await harness.received()
    await harness.drop_without_event(dataset(12, harness.model))
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 2


async def test_the_sweep_explains_a_strange_name_once(harness: RunHarness) -> None:
    await harness.ctx.clients.datasets.put("Captain/training.jsonl", b"{}", "text/plain")
    await reconciler.sweep(harness.ctx)
    first = await harness.ctx.clients.datasets.info(f"Captain/training.jsonl{PROBLEM}")
    assert first
    await reconciler.sweep(harness.ctx)
    again = await harness.ctx.clients.datasets.info(f"Captain/training.jsonl{PROBLEM}")
    assert again
    assert again.etag == first.etag


async def test_a_drop_that_cannot_be_taken_is_reported_beside_it_and_taken_later(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host calls five times and then gives the event up; the sweep does not."""
    await harness.drop_without_event()
    container = harness.ctx.clients.runs
    with monkeypatch.context() as broken:
        broken.setattr(container, "list", _down)
        with pytest.raises(Unavailable):
            await harness.received()
    problem = await harness.ctx.clients.datasets.read(f"{harness.model}/training.jsonl{PROBLEM}")
    assert problem
    assert b"tried again" in problem.data
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1
    assert not await harness.ctx.clients.datasets.read(f"{harness.model}/training.jsonl{PROBLEM}")


def _down(prefix: str = "") -> object:
    """Storage is out: what the first call meets."""
    raise Unavailable("Storage could not be reached.")


async def test_a_drop_that_was_taken_half_way_is_taken_again(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    await harness.drop(b"start: manual", "run.yaml")
    run = await harness.until(await harness.received(), Stage.READY)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    await harness.drop()  # again
    reopen = Ledger.reopen

    async def killed(*args: Any, **more: Any) -> None:
        monkeypatch.setattr(Ledger, "reopen", reopen)
        raise Unavailable("killed, or storage is out, or 'another worker is busy'")

    monkeypatch.setattr(Ledger, "reopen", killed)
    with pytest.raises(Unavailable):
        await harness.received()
    run = await harness.received()  # the host calls again
    assert run.stage is Stage.RECEIVED


async def test_an_orphan_that_is_being_entered_is_not_cleared(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an hour's downtime: the tick clears the orphan while its own sweep enters the run."""
    await harness.drop_without_event()
    run = await harness.received()
    blob = await harness.ctx.clients.runs.read(f"{run.id}/run.json")
    assert blob
    await harness.ctx.clients.runs.delete(f"{run.id}/run.json")  # killed between marker and run
    load = Ledger.load
    beside: list[asyncio.Task[bool]] = []

    async def slow_load(self: Ledger, run_id: str) -> Run | None:
        found = await load(self, run_id)
        monkeypatch.setattr(Ledger, "load", load)
        beside.append(asyncio.create_task(harness.ledger.create(run)))  # by the sweep
        await asyncio.wait(beside, timeout=0.005)
        return found

    monkeypatch.setattr(Ledger, "load", slow_load)
    await reconciler.advance(run.id, harness.ctx)
    assert await asyncio.gather(*beside) == [True]
    assert await harness.ledger.load(run.id)
    assert await harness.ledger.active() == [run.id]


async def test_a_folder_and_a_lone_file_of_one_second_are_not_missed_for_ever(
    harness: RunHarness,
) -> None:
    await harness.drop(name="lone")
    await harness.drop(dataset(12, harness.model))
    lone = await harness.ctx.clients.datasets.info(f"{harness.model}.jsonl")
    other = await harness.ctx.clients.datasets.info(f"{harness.model}/training.jsonl")
    assert lone
    assert other
    assert lone.modified == other.modified
    await harness.pause(1)
    await harness.received()
    assert (await due(harness.ctx)).missed == []


async def test_an_explanation_goes_when_the_other_file_s_event_takes_the_drop(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    await harness.drop(dataset(3, "Aye"), "validation.jsonl")
    taken = Drops.taken

    async def out(*args: Any) -> bool:
        raise Unavailable("Storage answered 503.")

    monkeypatch.setattr(Drops, "taken", out)
    with pytest.raises(Unavailable):  # the host gives this event up in the end
        await harness.received("validation.jsonl")
    monkeypatch.setattr(Drops, "taken", taken)
    await harness.received()
    assert (
        await harness.ctx.clients.datasets.info(f"{harness.model}/validation.jsonl.problem.txt")
        is None
    )


async def test_a_run_without_its_marker_is_looked_after_again(harness: RunHarness) -> None:
    """A worker may die between the record and the marker, and its drop be replaced meanwhile."""
    await harness.drop()
    run = await harness.received()
    await harness.ctx.clients.runs.delete(f"active/{run.id}")
    await harness.tick()
    assert (await harness.known(run.id)).stage is Stage.RECEIVED
    await harness.pause(2 * harness.ctx.settings.sweep_seconds)
    await harness.until(run, Stage.SERVING)


async def test_a_run_that_has_ended_gets_no_marker_again(harness: RunHarness) -> None:
    await harness.drop()
    await harness.until(await harness.received(), Stage.SERVING)
    await harness.until_inactive()
    await harness.pause(2 * harness.ctx.settings.sweep_seconds)
    await harness.tick()
    assert await harness.ledger.active() == []
