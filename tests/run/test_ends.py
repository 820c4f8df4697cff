"""What a run leaves behind, however it ends: nothing that costs, nothing in the way of others."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from local.stack import ACCOUNT, GROUP
from shared.errors import Unavailable
from shared.model import hosting
from shared.model.registry import Registry
from shared.run import files, keeper, orders
from shared.run.record import Run, What, now
from shared.run.stages import ENDS, Stage
from tests.conftest import Loop, wait_for
from tests.loop.test_loop import dataset, jobs_of
from tests.run.conftest import Shore, Trouble, backdate, order, ticked


def names(loop: Loop) -> list[str | None]:
    return [d.name for d in loop.control.deployments.list(GROUP, ACCOUNT)]


def left_of(loop: Loop, run: Run) -> list[str]:
    """The files that a run has left at the service, where they are in nobody's way from then on."""
    left = loop.files_of(run.id)
    loop.clear_service(f"{run.model}-")
    return left


async def test_a_cancel_during_the_probe_does_not_kill_the_champion(
    loop: Loop, shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is entered while the model is asked; promote() has no idea of it."""
    await shore.drop()
    run = await shore.received()
    asked = hosting.probe

    async def probe(*args: Any) -> Any:
        found = await asked(*args)
        if found is hosting.Hosting.READY:
            monkeypatch.setattr(hosting, "probe", asked)
            await orders.give(run.id, What.CANCEL, "Ada", "", shore.cloud)
        return found

    monkeypatch.setattr(hosting, "probe", probe)
    run = await shore.until(run, *ENDS)
    model = await Registry(shore.cloud.models).load(shore.model)
    assert model
    champion = model.champion and model.version(model.champion)
    if champion:
        assert not champion.withdrawn, f"the run is {run.stage}, its version the champion"
        await asyncio.sleep(1)
        assert champion.deployment in names(loop)


async def test_a_cancel_after_a_kill_behind_promote_does_not_kill_the_champion(
    loop: Loop, shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shore.drop()
    first = await shore.until(await shore.received(), Stage.SERVING)
    promote = Registry.promote

    async def killed(*args: Any) -> None:
        await promote(*args)
        raise Unavailable("kill -9, or storage stutters in the next call")

    monkeypatch.setattr(Registry, "promote", killed)
    await shore.drop(dataset(12, shore.model))
    run = await shore.until(await shore.received(), Stage.PROBING)
    while (await shore.known(run.id)).waiting_for is None:
        await keeper.tick(shore.cloud)
    run = await shore.until(await order(shore, run, What.CANCEL), *ENDS)
    model = await Registry(shore.cloud.models).load(shore.model)
    assert model
    assert model.champion == first.version, f"champion {model.champion}; {run.stage}"


async def test_a_cancel_during_deploy_leaves_no_deployment(
    loop: Loop, shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also: kill -9 after the PUT, and the cancel before the next worker."""
    requested = hosting.request

    async def request(*args: Any) -> None:
        await requested(*args)
        monkeypatch.setattr(hosting, "request", requested)
        await orders.give(run.id, What.CANCEL, "Ada", "", shore.cloud)

    monkeypatch.setattr(hosting, "request", request)
    await shore.drop()
    run = await shore.received()
    run = await shore.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    await asyncio.sleep(2)
    assert [n for n in names(loop) if n and n.startswith(shore.model)] == []


async def test_a_run_given_up_while_probing_leaves_nothing_that_costs(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("not-ready")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.PROBING)
    await backdate(shore, run, days=1)
    await ticked(shore, days=1, until=now())
    await keeper.tick(shore.cloud)
    run = await shore.known(run.id)
    assert run.stage is Stage.FAILED
    await asyncio.sleep(1)
    assert run.deployment not in names(loop)


async def test_a_run_given_up_with_its_job_on_its_way_pays_for_nothing(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    run = await shore.uploaded(trouble)
    await keeper.tick(shore.cloud)
    await backdate(shore, run, days=8)
    run = await shore.known(run.id)
    run.not_before = None
    run.submitting_since = now() - timedelta(hours=1)
    await shore.ledger.save(run)
    await ticked(shore, days=8, until=now())
    trouble.set(queue_limit=20)
    trouble.arm("error-after", "jobs.create")  # it exists; nobody was told
    await keeper.tick(shore.cloud)
    run = await shore.known(run.id)
    states = [loop.service.fine_tuning.jobs.retrieve(j).status for j in jobs_of(loop, run.id)]
    if run.stage is Stage.FAILED:
        assert states in ([], ["cancelled"]), (run.job_id, states)


async def test_files_are_deleted_although_the_job_has_succeeded_before_the_cancel(
    loop: Loop, shore: Shore
) -> None:
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.TRAINING)
    wait_for(lambda: loop.service.fine_tuning.jobs.retrieve(str(run.job_id)).status == "succeeded")
    run = await order(shore, run, What.CANCEL)
    assert run.stage is Stage.CANCELLED
    await keeper.tick(shore.cloud)
    assert await shore.ledger.active() == []
    assert left_of(loop, run) == []


async def test_one_refused_listing_after_a_long_night_does_not_leave_files_for_ever(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("job-failed")
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.TRAINING)
    while not (await shore.known(run.id)).ended:
        async with shore.ledger.claim(run.id) as claim:
            assert claim
            await keeper._one_step(await shore.known(run.id), claim, None, shore.cloud)
    await backdate(shore, run, days=0.1)  # the app was down for two hours and a bit
    trouble.arm("throttled", "files.list", count=1)
    await keeper.tick(shore.cloud)
    assert await shore.ledger.active()
    while await shore.ledger.active():
        await keeper.tick(shore.cloud)
    assert left_of(loop, run) == []


async def test_leaving_rests_as_long_as_it_is_told_and_does_not_tell_lies(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("throttled", "files.delete", retry_after=300, count=None)
    await shore.drop()
    run = await shore.until(await shore.received(), Stage.SERVING)
    before = loop.calls()
    for _ in range(5):
        await keeper.tick(shore.cloud)
    tried = loop.calls() - before
    told = [line["message"] for line in await shore.log(run) if line["kind"] == "files"]
    waiting = [line for line in await shore.log(run) if line["kind"] == "waiting"]
    left = loop.files_of(run.id)
    trouble.disarm()
    loop.clear_service(f"{shore.model}-")
    assert left
    assert (len(told) <= 1, tried <= 3, bool(waiting)) == (True, True, True), (told, tried)


async def test_two_runs_with_room_for_one_do_not_wait_for_each_other(
    loop: Loop, shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = len(list(loop.service.files.list(purpose="fine-tune")))
    others = [
        loop.service.files.create(file=(f"{shore.model}-{n}", dataset(1)), purpose="fine-tune").id
        for n in range(98 - there)
    ]
    runs = []
    for n in (10, 11):
        await shore.drop(dataset(n, shore.model))
        await shore.drop(dataset(4 + n, "Aye"), "validation.jsonl")
        run = await shore.received()
        # so that the second drop does not supersede the first: a folder per run
        runs.append(run)
        for file in run.files:
            copy = f"{shore.model}x{n}/{file.name.split('/')[1]}"
            blob = await shore.cloud.datasets.read(file.name)
            assert blob
            await shore.cloud.datasets.put(copy, blob.data, "application/json")
            info = await shore.cloud.datasets.info(copy)
            assert info
            file.name, file.etag = copy, info.etag
        await shore.ledger.save(run)
    stages = [Stage.CHECKED]
    until = time.monotonic() + 30
    while set(stages) == {Stage.CHECKED} and time.monotonic() < until:
        await asyncio.gather(*(keeper.advance(run.id, shore.cloud) for run in runs))
        stages = [(await shore.known(run.id)).stage for run in runs]
    for file_id in others:
        loop.service.files.delete(file_id)
    assert set(stages) != {Stage.CHECKED}


async def test_a_late_worker_does_not_delete_the_files_of_the_next_try(
    loop: Loop, shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is frozen before it lists them; its lease runs out; somebody retries."""
    trouble.arm("job-failed")
    await shore.drop()
    run = await shore.received()
    released, frozen, thaw = files.release, asyncio.Event(), asyncio.Event()

    async def late(*args: Any) -> None:
        monkeypatch.setattr(files, "release", released)
        frozen.set()
        await thaw.wait()
        await released(*args)

    monkeypatch.setattr(files, "release", late)
    monkeypatch.setattr(keeper, "TURN", 0.5)
    await shore.until(run, Stage.FAILED)
    while not frozen.is_set():
        await keeper.tick(shore.cloud)
    late_ones = set(keeper._slow)
    loop.free_claims(f"runs-{shore.model}")
    trouble.arm("job-stuck")
    await orders.give(run.id, What.RETRY, "Ada", "", shore.cloud)
    run = await shore.until(run, Stage.SUBMITTED)
    assert loop.files_of(run.id)
    thaw.set()
    await asyncio.gather(*late_ones)
    left = loop.files_of(run.id)
    await shore.until(await order(shore, run, What.CANCEL), Stage.CANCELLED)
    assert left, "the file of a paid job in the queue was deleted"


async def test_a_run_given_up_says_so_although_the_cancel_was_not_answered(
    shore: Shore, trouble: Trouble
) -> None:
    run = await shore.queued(trouble)
    await backdate(shore, run, days=8)
    await ticked(shore, days=8, until=now())
    trouble.arm("error-after", "jobs.cancel")
    await keeper.tick(shore.cloud)
    run = await shore.until(run, *ENDS)
    assert run.failure
    assert "outside of Tunedrop" not in run.failure.message


async def test_files_brought_in_an_earlier_life_are_released_too(
    loop: Loop, shore: Shore, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled by the API, dropped again before the next tick, cancelled again."""
    monkeypatch.setattr("shared.run.jobs.IN_FLIGHT", timedelta(0))
    trouble.set(queue_limit=0)
    await shore.drop()
    await shore.drop(b"start: manual", "run.yaml")
    run = await shore.until(await shore.received(), Stage.READY)
    run = await shore.until(await order(shore, run, What.START), Stage.UPLOADED)
    run = await order(shore, run, What.CANCEL)
    assert run.stage is Stage.CANCELLED
    await shore.drop()
    run = await shore.received()
    assert run.stage is Stage.RECEIVED
    run = await order(shore, run, What.CANCEL)
    assert run.stage is Stage.CANCELLED
    await keeper.tick(shore.cloud)
    assert await shore.ledger.active() == []
    assert left_of(loop, run) == []


async def test_a_run_whose_deployment_failed_leaves_none(
    loop: Loop, shore: Shore, trouble: Trouble
) -> None:
    trouble.arm("provisioning-failed")
    await shore.drop()
    run = await shore.until(await shore.received(), *ENDS)
    assert run.stage is Stage.FAILED
    wait_for(lambda: run.deployment not in names(loop))
    run = await shore.until(await order(shore, run, What.RETRY), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    lines = [(line["kind"], line["message"], line["who"]) for line in await shore.log(run)]
    assert ("order", "give up", "tunedrop") in lines
