"""A champion that is kept always and has lost its deployment: when it is back, what is told."""

from datetime import timedelta

import pytest

from shared.run import sleep_orders
from tests.support.tended import Tended

DEVELOPER = "deployment:\n  sku: DeveloperTier\n"


@pytest.fixture
async def tended() -> Tended:
    tended = Tended.in_memory()
    await tended.look()  # a new app
    return tended


async def test_one_that_nobody_has_used_for_15_days_comes_back_by_a_chat_alone(
    tended: Tended,
) -> None:
    run = await tended.dropped()
    made = (await tended.version()).hosted[0].since
    await tended.later(14 * 24)
    assert tended.deployed() == ["captain-v1"]
    await tended.later(2 * 24)
    assert tended.deployed() == [], "it would cost by the hour for nobody"
    assert (await tended.version()).hosted[0].until == made + timedelta(days=15)
    (told,) = await tended.losses(run)
    assert "captain-v1 was removed at" in told
    assert "nobody has chatted with for 15 days" in told
    assert not await tended.chat()
    await tended.awake()
    assert await tended.chat()


async def test_a_champion_of_the_developer_tier_is_back_minutes_after_its_day(
    tended: Tended,
) -> None:
    run = await tended.dropped(run_yaml=DEVELOPER)
    made = (await tended.version()).hosted[0].since
    await tended.later(23)
    assert await tended.chat(), "it is used, and goes all the same"
    left = made + timedelta(hours=24) - tended.harness.ctx.now()
    await tended.harness.pause(left.total_seconds() - 4 * 60)
    await tended.look(7)
    first, second = (await tended.version()).hosted
    assert first.until == made + timedelta(hours=24)
    assert second.since - first.until <= timedelta(minutes=1), "looked for each minute by then"
    assert await tended.awake() < 5
    (told,) = await tended.losses(run)
    assert "DeveloperTier 24 hours after it was made" in told


async def test_a_day_of_the_developer_tier_that_does_not_end_is_not_looked_at_for_ever(
    tended: Tended,
) -> None:
    await tended.dropped(run_yaml=DEVELOPER)
    version = await tended.version()
    tended.service.deployed[version.deployment].sku = "Standard"  # Azure forgets that
    await tended.later(24.2)
    looks = tended.service.journal.count("deployments.list")
    await tended.look(10)
    assert tended.service.journal.count("deployments.list") - looks == 10
    await tended.later(2)
    looks = tended.service.journal.count("deployments.list")
    await tended.look(10)
    assert tended.service.journal.count("deployments.list") - looks == 2


async def test_one_that_somebody_has_deleted_is_told_of_and_comes_back_by_a_chat(
    tended: Tended,
) -> None:
    run = await tended.dropped()
    await tended.look(2)
    tended.service.delete_deployment("captain-v1")
    await tended.look(12)
    assert tended.deployed() == []
    (told,) = await tended.losses(run)
    assert "not by this app" in told
    assert not await tended.chat()
    await tended.awake()
    assert await tended.chat()


async def test_one_that_a_person_has_put_to_sleep_stays_asleep(tended: Tended) -> None:
    run = await tended.dropped()
    await sleep_orders.sleep(sleep_orders.Asked("captain", None, "Ada"), tended.harness.ctx)
    await tended.look(20)
    assert tended.deployed() == []
    assert await tended.losses(run) == []
