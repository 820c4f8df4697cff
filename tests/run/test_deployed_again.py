"""Of versions that are no champion, and of runs that are held: deployed in another way, or anew."""

import pytest

from shared.errors import NotNow
from shared.run import redeployments
from shared.run.record import Action
from shared.run.stages import Stage
from tests.support.decided import BY_RUN
from tests.support.deploying import STANDARD, asked, deployed, memory, version
from tests.support.limits import dropped, limited


@pytest.mark.parametrize("gone", [False, True])
async def test_a_person_has_any_version_deployed_in_another_way(gone: bool) -> None:
    """It was refused: advice to deploy one that a rollback waited for could not be followed."""
    harness = limited()
    first = await harness.until(await dropped(harness, STANDARD, 10), Stage.SERVING)
    for examples in (11, 12):
        await harness.until(await dropped(harness, STANDARD, examples), Stage.SERVING)
    if gone:
        del memory(harness).deployed[str(first.deployment)]
    await asked(harness, first, capacity=2)
    await redeployments.process(harness.ctx)
    assert deployed(harness, first) == ("Standard", 2)
    assert (await version(harness, first)).capacity == 2


async def test_a_version_that_is_gone_is_not_deployed() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, STANDARD), Stage.SERVING)
    await harness.ctx.registry.withdraw(run.model, 1, BY_RUN)
    for action in (Action.DEPLOY, Action.RETRY):
        with pytest.raises(NotNow, match="no version of the run"):
            await harness.command(run, action)


async def test_a_retry_has_the_deployment_of_any_version_that_has_served_made_anew() -> None:
    harness = limited()
    first = await harness.until(await dropped(harness, STANDARD, 10), Stage.SERVING)
    for examples in (11, 12):
        await harness.until(await dropped(harness, STANDARD, examples), Stage.SERVING)
    del memory(harness).deployed[str(first.deployment)]
    await harness.command(first, Action.RETRY)
    await redeployments.process(harness.ctx)
    assert deployed(harness, first) == ("Standard", 40)


# ---- a version that is held


HELD = b"promote: manual\n" + STANDARD


@pytest.mark.parametrize("gone", [False, True])
async def test_a_held_version_is_deployed_in_another_way_and_stays_held(gone: bool) -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, HELD), Stage.HELD)
    await harness.until_inactive()
    if gone:
        memory(harness).deployed.clear()
    run = await asked(harness, run, capacity=2)
    await redeployments.process(harness.ctx)
    assert (run.stage, run.spec.deployment.capacity) == (Stage.HELD, 2)
    assert deployed(harness, run) == ("Standard", 2)
    found = await version(harness, run)
    assert (found.capacity, found.is_hosted, found.asleep_since) == (2, True, None)
    assert await harness.ledger.active() == []


async def test_a_held_version_whose_new_capacity_azure_refuses_is_left_as_it_is() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, HELD), Stage.HELD)
    memory(harness).quota_left = 50
    with pytest.raises(NotNow, match="It is deployed as before"):
        await asked(harness, run, capacity=60)
    assert deployed(harness, run) == ("Standard", 40)
    assert (await harness.known(run.id)).spec.deployment.capacity == 40
