"""The ceiling of a model's hosting stops a run before anything of it is sent."""

import pytest

from shared.model.registry import Version
from shared.run.record import Action
from shared.run.spec import DeploymentSpec, Spec
from shared.run.stages import Stage
from tests.support.decided import BY_RUN
from tests.support.limits import dropped, limited, of_another_model, ticked

HOSTING = 1224.0  # USD a month of one deployment


async def test_a_deployment_too_many_is_refused_before_anything_is_sent() -> None:
    harness = limited(hosting_budget=2 * HOSTING)
    for examples in (10, 11):
        await harness.until(await dropped(harness, examples=examples), Stage.SERVING)
    uploads = harness.service.uploads(0)
    run = await ticked(harness, await dropped(harness, examples=12))
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "TUNEDROP_HOSTING_BUDGET allows $2,448.00" in run.failure.message
    assert "$3,672.00" in run.failure.message
    assert harness.service.uploads(0) == uploads
    other = of_another_model(harness, "two")
    await other.until(await dropped(other), Stage.SERVING)


async def test_a_developer_deployment_costs_nothing_by_the_hour() -> None:
    harness = limited(hosting_budget=1.0)
    await harness.until(await dropped(harness, b"deployment: {sku: developertier}"), Stage.SERVING)


async def test_a_deployment_that_is_gone_makes_room_but_the_champions_comes_back() -> None:
    harness = limited(hosting_budget=2 * HOSTING)
    first = await harness.until(await dropped(harness, examples=10), Stage.SERVING)
    second = await harness.until(await dropped(harness, examples=11), Stage.SERVING)
    await harness.ctx.clients.deployments.delete(str(second.deployment))
    harness.service.wait_for(lambda: second.deployment not in harness.service.deployments())
    run = await ticked(harness, await dropped(harness, examples=12))
    assert run.stage is Stage.FAILED
    await harness.ctx.clients.deployments.delete(str(first.deployment))
    harness.service.wait_for(lambda: first.deployment not in harness.service.deployments())
    await harness.command(run, Action.RETRY)
    await harness.until(run, Stage.SERVING)


async def test_two_runs_of_a_model_do_not_share_the_last_deployment() -> None:
    harness = limited(hosting_budget=HOSTING)
    harness.service.arm("job-stuck", count=None)
    await harness.until(await dropped(harness, examples=10), Stage.SUBMITTED)
    second = await ticked(harness, await dropped(harness, examples=11))
    assert second.stage is Stage.FAILED


async def test_a_version_that_was_withdrawn_does_not_count() -> None:
    harness = limited(hosting_budget=HOSTING)
    at = harness.ctx.now()
    version = Version(
        run_id="one-older",
        base_model="gpt-4.1-nano-2025-04-14",
        fine_tuned_model="x",
        sku="GlobalStandard",
        capacity=1,
        created_at=at,
        dropped_at=at,
    )
    entered = await harness.ctx.registry.add_version("one", version)
    await harness.ctx.registry.withdraw("one", entered.version, BY_RUN)
    await harness.until(await dropped(harness), Stage.SERVING)


@pytest.mark.parametrize(("sku", "capacity"), [("ProvisionedManaged", 1), ("Standard", 10**20)])
async def test_a_run_from_before_the_limit_stays_readable_and_is_refused(
    sku: str, capacity: int
) -> None:
    harness = limited()
    run = await ticked(harness, await dropped(harness, b"start: manual"))
    old = run.spec.model_copy(update={"deployment": DeploymentSpec(sku=sku, capacity=capacity)})
    run = await harness.rewrite(run, spec=old)
    await harness.command(run, Action.START)
    run = await ticked(harness, run)
    assert run.spec == old
    assert run.stage is Stage.FAILED
    assert run.failure
    assert f"{sku!r} with a capacity of {str(capacity)[:20]} is not allowed" in run.failure.message
    assert "TUNEDROP_MAX_CAPACITY" in run.failure.fix
    assert harness.service.uploads(0) == 0


def test_a_spec_that_an_older_version_wrote_stays_readable() -> None:
    old = b"""{"base_model": "a b", "method": "supervised", "hyperparameters": {"n_epochs": 3,
      "learning_rate_multiplier": 1}, "seed": -1, "budget": null, "training_type": "cheap",
      "deployment": {"sku": "Provisioned", "capacity": 100000000000000000000}, "start": "auto"}"""
    assert Spec.model_validate_json(old).deployment.capacity == 10**20
