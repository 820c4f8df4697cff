"""A drop that asks for another deployment than before deploys what was trained: no second job."""

import json

import pytest

from shared.run import ids
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.deploying import (
    DEVELOPER,
    STANDARD,
    asked,
    deployed,
    memory,
    redropped,
    refused_after_training,
    told_beside,
    version,
)
from tests.support.limits import dropped, limited
from tests.support.runs import RunHarness


async def test_a_corrected_run_yaml_deploys_what_was_trained_without_a_second_job() -> None:
    harness = limited()
    run = await refused_after_training(harness)
    assert run.failure
    assert "The specified SKU 'DeveloperTier'" in run.failure.message
    assert f"`tunedrop deploy {run.id} --sku " in run.failure.fix
    assert "retry" not in run.failure.fix
    again = await redropped(harness, STANDARD)
    assert again.id == run.id
    again = await harness.until(again, *ENDS)
    assert again.stage is Stage.SERVING, again.failure
    assert len(memory(harness).jobs) == 1
    assert deployed(harness, again) == ("Standard", 40)
    found = await version(harness, again)
    assert (found.version, found.sku, found.capacity) == (1, "Standard", 40)
    lines = [(line["message"], line["who"]) for line in await harness.log(run)]
    assert ("deploy: Standard, capacity 40", "its drop") in lines


async def test_the_same_drop_again_changes_nothing_of_a_run_that_has_failed() -> None:
    harness = limited()
    run = await refused_after_training(harness)
    await harness.until_inactive()
    again = await redropped(harness, DEVELOPER)
    assert (again.id, again.stage) == (run.id, Stage.FAILED)


@pytest.mark.parametrize("stage", [Stage.READY, Stage.TRAINING, Stage.DEPLOYING, Stage.PROBING])
async def test_a_run_under_way_is_deployed_as_its_newest_drop_says(stage: Stage) -> None:
    harness = limited()
    memory(harness).configure(creating_seconds=3, readiness_gap_seconds=3)
    start = b"start: manual\n" if stage is Stage.READY else b""
    run = await harness.until(await dropped(harness, start + STANDARD), stage)
    wanted = start + b"deployment: {sku: GlobalStandard, capacity: 30}\n"
    run = await redropped(harness, wanted)
    if stage is Stage.READY:
        run = await harness.command(run, Action.START)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert deployed(harness, run) == ("GlobalStandard", 30)
    assert (await version(harness, run)).capacity == 30
    assert len(memory(harness).jobs) == 1


async def test_a_rejected_run_is_checked_again_with_the_deployment_of_the_newest_drop() -> None:
    """Nothing was sent yet: it starts over, as any drop of the same content does."""
    harness = limited(max_capacity=100)
    harness.service.arm("refused", "jobs.create", status=400, code="x", message="It cannot be.")
    run = await harness.until(await dropped(harness, STANDARD), Stage.FAILED)
    run = await harness.until(await redropped(harness, b"deployment: {capacity: 7}"), *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert deployed(harness, run)[1] == 7


async def test_a_serving_model_gets_the_capacity_of_a_new_run_yaml_and_goes_on_serving() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    await harness.until_inactive()
    again = await redropped(harness, b"deployment: {sku: Standard, capacity: 60}\n")
    assert (again.id, again.stage, again.spec.deployment.capacity) == (run.id, run.stage, 60)
    assert deployed(harness, run) == ("Standard", 60)
    assert (await version(harness, run)).capacity == 60
    assert again.timeline == run.timeline
    assert await harness.ledger.active() == []


async def test_a_held_version_gets_the_deployment_of_a_new_run_yaml_and_stays_held() -> None:
    """The drop was refused, and a retry deployed it as before."""
    harness = limited()
    held = b"promote: manual\n"
    run = await harness.until(await dropped(harness, held + STANDARD), Stage.HELD)
    await harness.until_inactive()
    run = await redropped(harness, held + b"deployment: {sku: Standard, capacity: 60}\n")
    assert (run.stage, run.spec.deployment.capacity) == (Stage.HELD, 60)
    assert deployed(harness, run) == ("Standard", 60)
    assert (await version(harness, run)).capacity == 60
    assert len(memory(harness).jobs) == 1
    problem = f"{harness.path('run.yaml')}.problem.txt"
    assert await harness.ctx.clients.datasets.info(problem) is None


async def test_a_new_capacity_that_azure_refuses_is_told_beside_the_run_yaml() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    memory(harness).quota_left = 50
    told = await told_beside(harness, b"deployment: {sku: Standard, capacity: 60}\n")
    assert "It serves as before." in told
    assert f"`tunedrop deploy {run.id} --capacity 50`" in told
    known = await harness.known(run.id)
    assert (known.stage, known.spec.deployment.capacity) == (Stage.SERVING, 40)
    assert deployed(harness, run) == ("Standard", 40)
    assert (await version(harness, run)).capacity == 40


async def test_what_a_person_asked_for_stands_until_a_drop_says_otherwise_than_before() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    await asked(harness, run, capacity=5)
    assert (await redropped(harness, STANDARD)).spec.deployment.capacity == 5
    assert deployed(harness, run) == ("Standard", 5)
    changed = await redropped(harness, b"deployment: {sku: Standard, capacity: 60}\n")
    assert (changed.spec.deployment.capacity, changed.asked_deployment) == (60, None)
    assert deployed(harness, run) == ("Standard", 60)


async def test_another_deployment_of_a_run_cancelled_in_training_is_told_to_have_no_model() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, DEVELOPER), Stage.TRAINING)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    await harness.until_inactive()
    told = await told_beside(harness, STANDARD)
    assert "cancelled without a trained model" in told
    assert f"`tunedrop retry {run.id}`" in told
    known = await harness.known(run.id)
    assert (known.stage, known.spec.deployment.sku) == (Stage.CANCELLED, "Standard")
    assert len(memory(harness).jobs) == 1


# ---- runs of before, whose id was made of the deployment as well


async def as_before(harness: RunHarness, run: Run, short: bool = False) -> Run:
    """The run as an earlier version has entered it."""
    old = run.replace(id=ids.earlier_ids(run)[short], digest="" if short else "e" * 64)
    runs = harness.ctx.clients.runs
    moved = json.loads(old.model_dump_json())
    async for blob in runs.list(f"{run.id}/"):
        found = await runs.read(blob.name)
        assert found
        await runs.put(blob.name.replace(run.id, old.id), found.data, "application/json")
        await runs.delete(blob.name)
    await runs.put(f"{old.id}/run.json", json.dumps(moved).encode(), "application/json")
    await runs.delete(f"active/{run.id}")
    models = harness.ctx.clients.models
    record = await models.read(f"{run.model}.json")
    if record:
        text = record.data.decode().replace(run.id, old.id)
        await models.put(f"{run.model}.json", text.encode(), "application/json")
    return await harness.known(old.id)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("run_yaml", [STANDARD, b"deployment: {sku: GlobalStandard}\n"])
async def test_a_run_of_before_is_found_however_it_is_to_be_deployed(
    run_yaml: bytes, short: bool
) -> None:
    harness = limited()
    run = await refused_after_training(harness)
    await harness.until_inactive()
    old = await as_before(harness, run, short)
    assert old.id != run.id
    again = await redropped(harness, run_yaml)
    assert again.id == old.id
    assert (await harness.until(again, *ENDS)).stage is Stage.SERVING
    assert len(memory(harness).jobs) == 1


async def test_of_two_runs_of_before_the_one_that_has_a_model_is_deployed() -> None:
    harness = limited()
    run = await refused_after_training(harness)
    await harness.until_inactive()
    old = await as_before(harness, run)
    for number in (0, 9):
        never = old.replace(
            id=f"{old.model}-{str(number) * 32}",
            stage=Stage.RECEIVED,
            fine_tuned_model=None,
            job_id=None,
        )
        assert await harness.ledger.create(never)
    assert (await redropped(harness, STANDARD)).id == old.id


async def test_other_data_or_settings_are_another_run_as_before() -> None:
    harness = limited()
    run = await refused_after_training(harness)
    other = await redropped(harness, STANDARD + b"seed: 7\n")
    assert other.id != run.id
    assert ids.made_of(other) != ids.made_of(run)
