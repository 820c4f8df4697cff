"""Runs that come at once to an account with room for one: nobody pays for what finds no place."""

import pytest

from shared.run.record import Run
from shared.run.stages import Stage
from tests.support.deploying import memory
from tests.support.limits import dropped, limited, of_another_model, ticked
from tests.support.offered import offers, quotas, tuned_deployments
from tests.support.runs import RunHarness


def tell(harness: RunHarness, others: int, left: float = 250) -> None:
    """The account has so many deployments of others, and those that the runs have made by now."""
    service = memory(harness)
    there = (*tuned_deployments(others), *service.deployed.values())
    used = sum(deployment.capacity for deployment in service.deployed.values())
    service.offers = offers(deployments=there, quotas=quotas(left=left - used))


async def at_once(harness: RunHarness, count: int) -> list[Run]:
    return [await dropped(of_another_model(harness, f"m{number}")) for number in range(count)]


async def known(harness: RunHarness, runs: list[Run]) -> list[Run]:
    return [await harness.known(run.id) for run in runs]


async def moved(harness: RunHarness, runs: list[Run], others: int, left: float = 250) -> list[Run]:
    for _ in range(40):
        tell(harness, others, left)
        await harness.tick()
        await harness.pause(60)
    return await known(harness, runs)


async def one_trains(harness: RunHarness, runs: list[Run]) -> list[Run]:
    """The one that was first, then the others."""
    while not any(run.stage is Stage.TRAINING for run in await known(harness, runs)):
        await harness.tick()
        await harness.pause(1)
    return sorted(await known(harness, runs), key=lambda run: run.stage is not Stage.TRAINING)


@pytest.mark.parametrize(("others", "left"), [(9, 250), (0, 70)])
async def test_one_of_five_runs_at_once_is_paid_for_where_there_is_room_for_one(
    others: int, left: float
) -> None:
    harness = limited()
    tell(harness, others, left)
    runs = await moved(harness, await at_once(harness, 5), others, left)
    assert sorted(run.stage for run in runs) == [*[Stage.FAILED] * 4, Stage.SERVING]
    assert len(memory(harness).jobs) == 1
    refused = [run.failure.message for run in runs if run.failure]
    assert all(message.endswith("Nothing was sent.") for message in refused)


async def test_who_waits_for_a_slot_goes_on_where_the_one_before_it_gets_none() -> None:
    harness = limited()
    tell(harness, 9)
    first, second = await one_trains(harness, await at_once(harness, 2))
    assert second.stage is Stage.CHECKED
    assert "1 other run comes first and has no deployment yet" in str(second.waiting_for)
    memory(harness).jobs[str(first.job_id)].status = "cancelled"
    await harness.until(first, Stage.CANCELLED)
    await harness.until(second, Stage.SERVING)


async def test_a_run_with_its_deployment_counts_once() -> None:
    harness = limited()
    tell(harness, 8)
    memory(harness).arm("provisioning-stuck")
    first = await harness.until(await dropped(harness), Stage.DEPLOYING)
    tell(harness, 8)
    second = await ticked(harness, await dropped(of_another_model(harness, "other")), 20)
    assert len(memory(harness).jobs_of(second.id)) == 1
    assert (await harness.known(first.id)).stage is Stage.DEPLOYING


async def test_a_run_keeps_its_place_before_those_that_came_later() -> None:
    """Its job waits for the queue over night: what it has reserved becomes a place of today."""
    harness = limited()
    tell(harness, 9)
    memory(harness).configure(queue_limit=0)
    runs = await moved(harness, await at_once(harness, 3), 9)
    (first,) = [run for run in runs if run.stage is Stage.SUBMITTING]
    await harness.pause(24 * 3600)
    await moved(harness, runs, 9)
    memory(harness).configure(queue_limit=10)
    await harness.until(first, Stage.SERVING)
    assert len(memory(harness).jobs) == 1
