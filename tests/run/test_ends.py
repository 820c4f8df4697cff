"""What a run leaves behind, however it ends: nothing that costs, nothing in the way of others."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Unavailable
from shared.model import deployment
from shared.model.registry import Registry
from shared.run import commands, files
from shared.run.record import Action
from shared.run.stages import ENDS, Stage
from shared.run.steps import STEPS
from tests.support.control import ServiceControl
from tests.support.datasets import dataset
from tests.support.runs import RunHarness


def none_deployed(harness: RunHarness) -> None:
    """Wait until the model has no deployment any more."""
    service = harness.service
    service.wait_for(lambda: not [n for n in service.deployments() if n.startswith(harness.model)])


async def test_a_cancel_during_the_probe_does_not_kill_the_champion(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is entered while the model is asked; promote() has no idea of it."""
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SERVING)
    await harness.drop(dataset(12, harness.model))
    run = await harness.received()
    asked = deployment.probe

    async def probe(*args: Any) -> Any:
        found = await asked(*args)
        if found is deployment.Readiness.READY:
            monkeypatch.setattr(deployment, "probe", asked)
            await commands.give(run.id, Action.CANCEL, "Ada", "", harness.ctx)
        return found

    monkeypatch.setattr(deployment, "probe", probe)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert first.version
    assert model.champion == first.version
    assert not model.version(first.version).withdrawn
    service.wait_for(lambda: run.deployment not in service.deployments())
    assert first.deployment in service.deployments()


async def test_a_cancel_during_the_first_probe_leaves_no_champion(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.drop()
    run = await harness.received()
    asked = deployment.probe

    async def probe(*args: Any) -> Any:
        monkeypatch.setattr(deployment, "probe", asked)
        await commands.give(run.id, Action.CANCEL, "Ada", "", harness.ctx)
        return deployment.Readiness.READY

    monkeypatch.setattr(deployment, "probe", probe)
    run = await harness.until(run, *ENDS)
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert (run.stage, model.champion) == (Stage.CANCELLED, None)
    assert model.version(1).withdrawn
    none_deployed(harness)


async def test_a_cancel_after_a_kill_behind_promote_keeps_the_champion(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
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
        await harness.tick()
        await harness.pause(1)
    run = await harness.until(await harness.command(run, Action.CANCEL), *ENDS)
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert model.champion == first.version, f"champion {model.champion}; {run.stage}"


async def test_a_cancel_during_deploy_leaves_no_deployment(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also: kill -9 after the PUT, and the cancel before the next worker."""
    requested = deployment.request

    async def request(*args: Any) -> None:
        await requested(*args)
        monkeypatch.setattr(deployment, "request", requested)
        await commands.give(run.id, Action.CANCEL, "Ada", "", harness.ctx)

    monkeypatch.setattr(deployment, "request", request)
    await harness.drop()
    run = await harness.received()
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    none_deployed(harness)


async def test_a_run_abandoned_while_probing_leaves_nothing_that_costs(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("not-ready")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    await harness.backdate(run, days=1)
    await harness.ticked(days=1)
    await harness.tick()
    run = await harness.known(run.id)
    assert run.stage is Stage.FAILED
    none_deployed(harness)


async def test_an_abandoned_run_whose_job_was_not_answered_pays_for_nothing(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.declined()
    await harness.tick()
    await harness.backdate(run, days=8)
    run = await harness.rewrite(
        run, not_before=None, asked_at=harness.ctx.now() - timedelta(hours=1)
    )
    await harness.ticked(days=8)
    service.configure(queue_limit=20)
    service.arm("error-after", "jobs.create")  # it exists; nobody was told
    await harness.tick()
    run = await harness.until(run, *ENDS)
    states = [service.job_status(job) for job in service.jobs_of(run.id)]
    assert (run.stage, states) == (Stage.FAILED, ["cancelled"])


async def test_files_are_deleted_although_the_job_has_succeeded_before_the_cancel(
    harness: RunHarness, service: ServiceControl
) -> None:
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    service.finish_job(str(run.job_id))
    run = await harness.command(run, Action.CANCEL)
    assert run.stage is Stage.CANCELLED
    await harness.tick()
    assert await harness.ledger.active() == []
    assert service.files_of(run.id) == []


async def test_one_refused_listing_after_a_long_night_does_not_leave_files(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("job-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.TRAINING)
    while not (await harness.known(run.id)).ended:
        run = await harness.known(run.id)
        await harness.ledger.commit(run, await STEPS[run.stage](run, harness.ctx))
        await harness.pause(1)
    await harness.backdate(run, days=0.1)  # the app was down for two hours and a bit
    service.arm("throttled", "files.list", count=1)
    await harness.tick()
    assert await harness.ledger.active()
    await harness.until_inactive()
    assert service.files_of(run.id) == []


async def test_leaving_rests_as_long_as_it_is_told_and_does_not_tell_lies(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("throttled", "files.delete", retry_after=300, count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    before = service.calls()
    for _ in range(5):
        await harness.tick()
    tried = service.calls() - before
    waiting = await harness.messages(run, "waiting")
    assert service.files_of(run.id)
    lines = await harness.messages(run, "files")
    assert (len(lines) <= 1, tried <= 3, bool(waiting)) == (True, True, True), (lines, tried)
    await harness.pause(340)
    await harness.tick()
    assert service.calls() > before + tried
    service.disarm()
    await harness.until_inactive()
    assert await harness.messages(run, "files") == ["deleting its files at the service"]


async def test_a_late_worker_does_not_delete_the_files_of_the_next_try(
    harness: RunHarness, service: ServiceControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is frozen before it lists them; its lease runs out; somebody retries."""
    service.arm("job-failed")
    await harness.drop()
    run = await harness.received()
    deleted, frozen, thaw = files.delete, asyncio.Event(), asyncio.Event()

    async def late(*args: Any) -> Any:
        monkeypatch.setattr(files, "delete", deleted)
        frozen.set()
        await thaw.wait()
        return await deleted(*args)

    monkeypatch.setattr(files, "delete", late)
    harness.set_policy(tick_timeout=0.05)
    await harness.until(run, Stage.FAILED)
    while not frozen.is_set():
        await harness.tick()
    late_ones = set(harness.ctx.overrunning)
    harness.break_claims()
    service.arm("job-stuck")
    await commands.give(run.id, Action.RETRY, "Ada", "", harness.ctx)
    run = await harness.until(run, Stage.SUBMITTED)
    assert service.files_of(run.id)
    thaw.set()
    await asyncio.gather(*late_ones)
    left = service.files_of(run.id)
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    assert left, "the file of a paid job in the queue was deleted"


async def test_a_run_abandoned_says_so_although_the_cancel_was_not_answered(
    harness: RunHarness, service: ServiceControl
) -> None:
    run = await harness.queued()
    await harness.backdate(run, days=8)
    await harness.ticked(days=8)
    service.arm("error-after", "jobs.cancel")
    await harness.tick()
    run = await harness.until(run, *ENDS)
    assert run.failure
    assert "outside of Tunedrop" not in run.failure.message


async def test_files_brought_in_an_earlier_attempt_are_deleted_too(
    harness: RunHarness, service: ServiceControl
) -> None:
    """Cancelled by the API, dropped again before the next tick, cancelled again."""
    harness.set_policy(job_in_flight=timedelta(0))
    service.configure(queue_limit=0)
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
    await harness.tick()
    assert await harness.ledger.active() == []
    assert service.files_of(run.id) == []


async def test_a_run_whose_deployment_failed_leaves_none(
    harness: RunHarness, service: ServiceControl
) -> None:
    service.arm("provisioning-failed")
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    service.wait_for(lambda: run.deployment not in service.deployments())
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    lines = [(line["kind"], line["message"], line["who"]) for line in await harness.log(run)]
    assert ("command", "abandon", "tunedrop") in lines
