"""Action a run leaves behind, however it ends: nothing that costs, nothing in the way of others."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.errors import Unavailable
from shared.model import hosting
from shared.model.registry import Registry
from shared.run import commands, files, reconciler
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from shared.run.steps import STEPS
from tests.conftest import Loop, wait_for
from tests.support.datasets import dataset
from tests.support.faults import Faults
from tests.support.runs import RunHarness


def names(loop: Loop) -> list[str | None]:
    return [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]


def left_of(loop: Loop, run: Run) -> list[str]:
    """The files that a run has left at the service, where they are in nobody's way from then on."""
    left = loop.files_of(run.id)
    loop.clear_service(f"{run.model}-")
    return left


async def test_a_cancel_during_the_probe_does_not_kill_the_champion(
    loop: Loop, harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is entered while the model is asked; promote() has no idea of it."""
    await harness.drop()
    run = await harness.received()
    asked = hosting.probe

    async def probe(*args: Any) -> Any:
        found = await asked(*args)
        if found is hosting.Hosting.READY:
            monkeypatch.setattr(hosting, "probe", asked)
            await commands.give(run.id, Action.CANCEL, "Ada", "", harness.ctx)
        return found

    monkeypatch.setattr(hosting, "probe", probe)
    run = await harness.until(run, *ENDS)
    model = await harness.ctx.registry.load(harness.model)
    assert model
    champion = model.champion and model.version(model.champion)
    if champion:
        assert not champion.withdrawn, f"the run is {run.stage}, its version the champion"
        await asyncio.sleep(1)
        assert champion.deployment in names(loop)


async def test_a_cancel_after_a_kill_behind_promote_does_not_kill_the_champion(
    loop: Loop, harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SERVING)
    promote = Registry.promote

    async def killed(*args: Any) -> None:
        await promote(*args)
        raise Unavailable("kill -9, or storage stutters in the next call")

    monkeypatch.setattr(Registry, "promote", killed)
    await harness.drop(dataset(12, harness.model))
    run = await harness.until(await harness.received(), Stage.PROBING)
    while (await harness.known(run.id)).waiting_for is None:
        await reconciler.tick(harness.ctx)
    run = await harness.until(await harness.command(run, Action.CANCEL), *ENDS)
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert model.champion == first.version, f"champion {model.champion}; {run.stage}"


async def test_a_cancel_during_deploy_leaves_no_deployment(
    loop: Loop, harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also: kill -9 after the PUT, and the cancel before the next worker."""
    requested = hosting.request

    async def request(*args: Any) -> None:
        await requested(*args)
        monkeypatch.setattr(hosting, "request", requested)
        await commands.give(run.id, Action.CANCEL, "Ada", "", harness.ctx)

    monkeypatch.setattr(hosting, "request", request)
    await harness.drop()
    run = await harness.received()
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    await asyncio.sleep(2)
    assert [n for n in names(loop) if n and n.startswith(harness.model)] == []


async def test_a_run_abandoned_while_probing_leaves_nothing_that_costs(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("not-ready")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    await harness.backdate(run, days=1)
    await harness.ticked(days=1, until=harness.ctx.now())
    await reconciler.tick(harness.ctx)
    run = await harness.known(run.id)
    assert run.stage is Stage.FAILED
    await asyncio.sleep(1)
    assert run.deployment not in names(loop)


async def test_an_abandoned_run_whose_job_was_not_answered_pays_for_nothing(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    run = await harness.declined(faults)
    await reconciler.tick(harness.ctx)
    await harness.backdate(run, days=8)
    run = await harness.rewrite(
        run, not_before=None, asked_at=harness.ctx.now() - timedelta(hours=1)
    )
    await harness.ticked(days=8, until=harness.ctx.now())
    faults.set(queue_limit=20)
    faults.arm("error-after", "jobs.create")  # it exists; nobody was told
    await reconciler.tick(harness.ctx)
    run = await harness.known(run.id)
    states = [loop.service.fine_tuning.jobs.retrieve(j).status for j in loop.jobs_of(run.id)]
    assert (run.stage, states) == (Stage.FAILED, ["cancelled"])


async def test_files_are_deleted_although_the_job_has_succeeded_before_the_cancel(
    loop: Loop, harness: RunHarness
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    wait_for(lambda: loop.service.fine_tuning.jobs.retrieve(str(run.job_id)).status == "succeeded")
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.CANCELLED
    await reconciler.tick(harness.ctx)
    assert await harness.ledger.active() == []
    assert left_of(loop, run) == []


async def test_one_refused_listing_after_a_long_night_does_not_leave_files_for_ever(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("job-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    while not (await harness.known(run.id)).ended:
        run = await harness.known(run.id)
        await harness.ledger.commit(run, await STEPS[run.stage](run, harness.ctx))
    await harness.backdate(run, days=0.1)  # the app was down for two hours and a bit
    faults.arm("throttled", "files.list", count=1)
    await reconciler.tick(harness.ctx)
    assert await harness.ledger.active()
    while await harness.ledger.active():
        await reconciler.tick(harness.ctx)
    assert left_of(loop, run) == []


async def test_leaving_rests_as_long_as_it_is_told_and_does_not_tell_lies(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("throttled", "files.delete", retry_after=300, count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    before = loop.calls()
    for _ in range(5):
        await reconciler.tick(harness.ctx)
    tried = loop.calls() - before
    told = [line["message"] for line in await harness.log(run) if line["kind"] == "files"]
    waiting = [line for line in await harness.log(run) if line["kind"] == "waiting"]
    left = loop.files_of(run.id)
    faults.disarm()
    loop.clear_service(f"{harness.model}-")
    assert left
    assert (len(told) <= 1, tried <= 3, bool(waiting)) == (True, True, True), (told, tried)


async def test_two_runs_with_room_for_one_do_not_wait_for_each_other(
    loop: Loop, harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = len(list(loop.service.files.list(purpose="fine-tune")))
    others = [
        loop.service.files.create(file=(f"{harness.model}-{n}", dataset(1)), purpose="fine-tune").id
        for n in range(98 - there)
    ]
    runs = []
    for n in (10, 11):
        await harness.drop(dataset(n, harness.model))
        await harness.drop(dataset(4 + n, "Aye"), "validation.jsonl")
        run = await harness.received()
        # so that the second drop does not supersede the first: a folder per run
        runs.append(run)
        copies = []
        for file in run.files:
            copy = f"{harness.model}x{n}/{file.name.split('/')[1]}"
            blob = await harness.ctx.clients.datasets.read(file.name)
            assert blob
            await harness.ctx.clients.datasets.put(copy, blob.data, "application/json")
            info = await harness.ctx.clients.datasets.info(copy)
            assert info
            copies.append(file.replace(name=copy, etag=info.etag))
        await harness.rewrite(run, training=copies[0], validation=copies[1])
    stages = [Stage.CHECKED]
    until = time.monotonic() + 30
    while set(stages) == {Stage.CHECKED} and time.monotonic() < until:
        await asyncio.gather(*(reconciler.advance(run.id, harness.ctx) for run in runs))
        stages = [(await harness.known(run.id)).stage for run in runs]
    for file_id in others:
        loop.service.files.delete(file_id)
    assert set(stages) != {Stage.CHECKED}


async def test_a_late_worker_does_not_delete_the_files_of_the_next_try(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is frozen before it lists them; its lease runs out; somebody retries."""
    faults.arm("job-failed")
    await harness.drop()
    run = await harness.received()
    deleted, frozen, thaw = files.delete, asyncio.Event(), asyncio.Event()

    async def late(*args: Any) -> Any:
        monkeypatch.setattr(files, "delete", deleted)
        frozen.set()
        await thaw.wait()
        return await deleted(*args)

    monkeypatch.setattr(files, "delete", late)
    harness.set_policy(tick_timeout=0.5)
    await harness.until(run, Stage.FAILED)
    while not frozen.is_set():
        await reconciler.tick(harness.ctx)
    late_ones = set(harness.ctx.overrunning)
    loop.free_claims(f"runs-{harness.model}")
    faults.arm("job-stuck")
    await commands.give(run.id, Action.RETRY, "Ada", "", harness.ctx)
    run = await harness.until(run, Stage.SUBMITTED)
    assert loop.files_of(run.id)
    thaw.set()
    await asyncio.gather(*late_ones)
    left = loop.files_of(run.id)
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    assert left, "the file of a paid job in the queue was deleted"


async def test_a_run_abandoned_says_so_although_the_cancel_was_not_answered(
    harness: RunHarness, faults: Faults
) -> None:
    run = await harness.queued(faults)
    await harness.backdate(run, days=8)
    await harness.ticked(days=8, until=harness.ctx.now())
    faults.arm("error-after", "jobs.cancel")
    await reconciler.tick(harness.ctx)
    run = await harness.until(run, *ENDS)
    assert run.failure
    assert "outside of Tunedrop" not in run.failure.message


async def test_files_brought_in_an_earlier_life_are_released_too(
    loop: Loop, harness: RunHarness, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled by the API, dropped again before the next tick, cancelled again."""
    harness.set_policy(job_in_flight=timedelta(0))
    faults.set(queue_limit=0)
    await harness.drop()
    await harness.drop(b"start: manual", "run.yaml")
    run = await harness.until(await harness.received(), Stage.READY)
    run = await harness.until(await harness.command(run, Action.START), Stage.SUBMITTING)
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.CANCELLED
    await harness.drop()
    run = await harness.received()
    assert run.stage is Stage.RECEIVED
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.CANCELLED
    await reconciler.tick(harness.ctx)
    assert await harness.ledger.active() == []
    assert left_of(loop, run) == []


async def test_a_run_whose_deployment_failed_leaves_none(
    loop: Loop, harness: RunHarness, faults: Faults
) -> None:
    faults.arm("provisioning-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    wait_for(lambda: run.deployment not in names(loop))
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    lines = [(line["kind"], line["message"], line["who"]) for line in await harness.log(run)]
    assert ("command", "abandon", "tunedrop") in lines
