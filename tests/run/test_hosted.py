"""When a version had a deployment, which Azure bills by the hour: the registry's stretches are the
service's own."""

from datetime import datetime

import pytest

from shared.model.registry import Hosted, Version
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.champion import Champion
from tests.support.deploying import memory
from tests.support.runs import RunHarness


async def version_of(harness: RunHarness, run: Run) -> Version:
    model = await harness.ctx.registry.load(harness.model)
    assert model
    version = model.of_run(run.id)
    assert version
    return version


async def hosted(harness: RunHarness, run: Run) -> list[tuple[int, datetime, datetime | None]]:
    known = (await version_of(harness, run)).hosted
    return [(stretch.capacity, stretch.since, stretch.until) for stretch in known]


@pytest.fixture
async def champion(harness: RunHarness) -> Champion:
    await harness.drop()
    return Champion(harness, await harness.until(await harness.received(), Stage.SERVING))


async def test_it_begins_when_the_deployment_is_asked_for(champion: Champion) -> None:
    stages = {moment.stage: moment.at for moment in champion.run.timeline}
    (known,) = await hosted(champion.harness, champion.run)
    assert known == (champion.run.spec.deployment.capacity, stages[Stage.DEPLOYING], None)


@pytest.mark.parametrize("answer", ["error-after", "reset-after"])
async def test_it_begins_when_it_is_asked_for_also_where_the_answer_is_none(
    harness: RunHarness, answer: str
) -> None:
    harness.service.arm(answer, "deployments.put")
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SERVING)
    deployment = memory(harness).deployed[str(run.deployment)]
    ((_, since, _),) = await hosted(harness, run)
    assert since == deployment.asked_at


async def test_it_begins_so_where_it_is_made_anew(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("error-after", "deployments.put")
    await champion.ticks_until_it_answers()
    *_, (_, since, _) = await hosted(champion.harness, champion.run)
    assert since == champion.memory.deployed[str(champion.run.deployment)].asked_at


async def test_it_ends_where_the_deployment_is_deleted_before_it_answers(
    harness: RunHarness,
) -> None:
    memory(harness).configure(readiness_gap_seconds=3600)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    memory(harness).delete_deployment(str(run.deployment))
    await harness.pause(60)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "has disappeared" in run.failure.message
    await harness.until_inactive()
    assert (await hosted(harness, run))[-1][2] is not None


async def test_another_capacity_is_another_stretch(champion: Champion) -> None:
    harness = champion.harness
    await harness.pause(3600)
    changed = harness.ctx.now()
    await harness.command(champion.run, Action.DEPLOY, capacity=7)
    (first, second) = await hosted(harness, champion.run)
    assert (first[2], second) == (changed, (7, changed, None))
    await harness.command(champion.run, Action.DEPLOY, capacity=7)
    assert len(await hosted(harness, champion.run)) == 2, "the same once more"


async def test_one_that_is_made_anew_is_another_stretch(champion: Champion) -> None:
    harness = champion.harness
    await champion.loses_its_deployment()
    await harness.ctx.registry.note_unhosted(harness.model, 1, harness.ctx.now())
    gone = harness.ctx.now()
    await harness.pause(3600)
    await champion.ticks_until_it_answers()
    (first, second) = await hosted(harness, champion.run)
    assert first[2] == gone
    assert second[1] > gone
    assert second[2] is None


async def test_one_that_ends_failed_is_billed_until_it_is_deleted(champion: Champion) -> None:
    await champion.loses_its_deployment()
    await champion.harness.ctx.registry.note_unhosted(champion.harness.model, 1, champion.run.since)
    champion.memory.arm("provisioning-failed")
    await champion.ticks_until_it_answers(at_most=90)
    _, failed, again = await hosted(champion.harness, champion.run)
    assert failed[2]
    assert failed[2] <= again[1]
    assert again[2] is None


async def test_it_ends_with_a_run_that_is_cancelled(harness: RunHarness) -> None:
    harness.service.configure(creating_seconds=60)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    await harness.pause(60)
    asked = harness.ctx.now()
    await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    (known,) = await hosted(harness, run)
    assert known[2]
    assert asked <= known[2] <= harness.ctx.now()


async def test_another_sku_is_another_stretch(harness: RunHarness) -> None:
    harness.service.configure(creating_seconds=60)
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    await harness.pause(60)
    await harness.command(run, Action.DEPLOY, sku="DeveloperTier")
    await harness.pause(60)
    harness.service.configure(creating_seconds=0)
    await harness.until(run, Stage.SERVING)
    first, second = (await version_of(harness, run)).hosted
    assert (first.sku, second.sku) == ("GlobalStandard", "DeveloperTier")
    assert first.until
    assert first.until <= second.since


def test_a_stretch_never_ends_before_it_began_and_the_newest_are_kept() -> None:
    at = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
    version = Version(
        run_id="m-1",
        base_model="b",
        fine_tuned_model="ft",
        sku="Standard",
        capacity=1,
        created_at=at,
        dropped_at=at,
    )
    assert version.hosted_until(at) == version, "nothing to end"
    late = at.replace(hour=2)
    ended = version.hosted_from(late).hosted_until(at)
    assert ended.hosted == (Hosted(since=late, until=late, sku="Standard", capacity=1),)
    for _ in range(1_010):
        ended = ended.hosted_from(late).hosted_until(late)
    assert len(ended.hosted) == 1_000
