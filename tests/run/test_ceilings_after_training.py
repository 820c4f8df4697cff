"""The ceiling of a model's hosting, and the largest capacity, hold for a run that is trained."""

import pytest

from shared.run.record import Action
from shared.run.stages import DEPLOYED, ENDS, Stage
from tests.support.limits import dropped, limited, spending, ticked, with_settings
from tests.support.runs import RunHarness

HOSTING = 1224.0  # USD a month of one deployment


def hosted(harness: RunHarness) -> float:
    return len(harness.service.deployments()) * HOSTING


async def trained_and_failed(harness: RunHarness, run_yaml: bytes = b"") -> str:
    """The id of a run whose deployment was refused, with no more care needed."""
    harness.service.arm("insufficient-quota", "deployments.put")
    run = await harness.until(await dropped(harness, run_yaml), Stage.FAILED)
    await harness.until_inactive()
    return run.id


async def test_a_run_whose_deployment_waits_keeps_its_place_under_the_ceiling_of_hosting() -> None:
    """Its version is in the registry and its deployment is not there; Azure's 429 or a full quota
    makes this last for hours."""
    harness = limited(hosting_budget=HOSTING)
    harness.service.arm("throttled", "deployments.put", count=None)
    first = await harness.until(await dropped(harness, examples=10), Stage.TRAINED)
    await harness.tick()
    second = await harness.until(await dropped(harness, examples=11), Stage.TRAINED, Stage.FAILED)
    harness.service.disarm()
    for run in (first, second):
        await harness.until(run, *ENDS)
    assert hosted(harness) == HOSTING


async def test_a_deployment_that_is_there_counts_once_while_its_run_goes_on() -> None:
    harness = limited(hosting_budget=2 * HOSTING)
    first = await harness.until(await dropped(harness, examples=10), Stage.DEPLOYING)
    assert hosted(harness) == HOSTING
    second = await harness.until(await dropped(harness, examples=11), Stage.SERVING, Stage.FAILED)
    assert second.stage is Stage.SERVING
    assert (await harness.until(first, *ENDS)).stage in DEPLOYED


async def test_a_retry_of_what_was_trained_asks_for_the_ceiling_of_hosting() -> None:
    harness = limited(hosting_budget=HOSTING)
    first = await harness.known(await trained_and_failed(harness))
    await harness.until(await dropped(harness, examples=11), Stage.SERVING)
    await harness.command(first, Action.RETRY)
    first = await harness.until(first, *ENDS)
    assert hosted(harness) == HOSTING
    assert first.failure
    assert "TUNEDROP_HOSTING_BUDGET allows $1,224.00" in first.failure.message
    assert first.failure.message.endswith("It is trained; its deployment was not asked for.")
    with_settings(harness, hosting_budget=2 * HOSTING)
    await harness.until_inactive()
    await harness.command(first, Action.RETRY)
    assert (await harness.until(first, *ENDS)).stage in DEPLOYED
    assert len(harness.service.jobs_of(first.id)) == 1


async def test_a_retry_of_what_was_trained_reserves_its_deployment() -> None:
    """Its deployment waits, and another run comes meanwhile."""
    harness = limited(hosting_budget=HOSTING)
    first = await harness.known(await trained_and_failed(harness))
    harness.service.arm("throttled", "deployments.put", count=None)
    await harness.command(first, Action.RETRY)
    await ticked(harness, first, times=2)
    second = await ticked(harness, await dropped(harness, examples=11))
    assert second.stage is Stage.FAILED
    harness.service.disarm()
    await harness.until(first, Stage.SERVING)
    assert harness.service.jobs_of(second.id) == []


async def test_a_retry_of_what_was_trained_asks_for_the_largest_capacity() -> None:
    """The owner has lowered TUNEDROP_MAX_CAPACITY meanwhile."""
    harness = limited()
    run = await harness.known(await trained_and_failed(harness, b"deployment: {capacity: 400}"))
    with_settings(harness, max_capacity=50)
    await harness.command(run, Action.RETRY)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "capacity of 400 is not allowed" in run.failure.message
    assert not harness.service.deployments()


@pytest.mark.parametrize("budget", [0.0, HOSTING])
async def test_a_retry_of_what_was_trained_is_no_job_of_its_day(budget: float) -> None:
    harness = limited(hosting_budget=budget, daily_runs=1)
    run = await harness.known(await trained_and_failed(harness))
    (before,) = (await spending(harness)).reservations
    await harness.command(run, Action.RETRY)
    await harness.until(run, Stage.SERVING)
    await harness.until_inactive()
    assert (await spending(harness)).reservations == (before,), "neither a job nor its USD twice"


async def test_a_retry_before_the_end_was_settled_leaves_nothing_reserved() -> None:
    """Its first attempt's place is closed with the second's, or it would count for ever."""
    harness = limited(hosting_budget=2 * HOSTING)
    harness.service.arm("throttled", "deployments.put", count=None)
    run = await harness.until(await dropped(harness), Stage.TRAINED)
    assert (await harness.command(run, Action.CANCEL)).stage is Stage.CANCELLED
    await harness.command(run, Action.RETRY)
    await ticked(harness, run, times=2)
    reserved = (await spending(harness)).reservations
    assert [(r.attempt, r.open) for r in reserved] == [(1, True), (2, True)]
    second = await ticked(harness, await dropped(harness, examples=11))
    assert second.stage is not Stage.FAILED, "both attempts are of one deployment"
    harness.service.disarm()
    for waiting in (run, second):
        await harness.until(waiting, Stage.SERVING)
    await harness.until_inactive()
    assert not [r for r in (await spending(harness)).reservations if r.open]
