"""Room for one more deployment: whose goes, and for what refusals."""

import pytest

from shared.errors import Refused, Unavailable
from shared.model import waking
from shared.model.redeploy import RedeployRequests
from shared.model.registry import Version
from shared.run import room, sleep_orders
from tests.support.tended import HOUR, Tended

NO_QUOTA = Refused("Azure refuses it.", code="InsufficientQuota")
NO_SLOT = Refused("Azure refuses it.", code="DeploymentLimitExceeded")
LOCKED = Refused("Azure refuses it.", code="ScopeLocked")


async def crowded() -> tuple[Tended, Version]:
    """One retired version beside its champion; and a version that is to be deployed."""
    tended = Tended.in_memory()
    await tended.look()
    await tended.dropped(10)
    await tended.dropped(11)
    await tended.harness.pause(60)
    version = await tended.version(2)
    return tended, version.replace(run_id="other-1", deployment="other-v1")


@pytest.mark.parametrize("error", [NO_QUOTA, NO_SLOT], ids=["quota", "slot"])
async def test_what_is_missed_least_is_put_to_sleep(error: Refused) -> None:
    tended, version = await crowded()
    with pytest.raises(Unavailable, match=r"captain@1 is put to sleep to make room for other-v1"):
        await room.make(version, error, tended.harness.ctx, champion=True)
    assert tended.deployed() == ["captain-v1", "captain-v2"], "it takes a second"
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v2"]


@pytest.mark.parametrize(
    "other", [{"sku": "Standard"}, {"base_model": "gpt-4o-mini-2024-07-18"}], ids=["sku", "base"]
)
async def test_quota_of_something_else_is_no_help(other: dict[str, str]) -> None:
    tended, version = await crowded()
    await room.make(version.replace(**other), NO_QUOTA, tended.harness.ctx, champion=True)
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v1", "captain-v2"]
    with pytest.raises(Unavailable):
        await room.make(version.replace(**other), NO_SLOT, tended.harness.ctx, champion=True)


async def test_a_refusal_about_something_else_puts_nothing_to_sleep() -> None:
    tended, version = await crowded()
    await room.make(version, LOCKED, tended.harness.ctx, champion=True)
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v1", "captain-v2"]


async def test_it_is_not_its_own_room() -> None:
    tended, _ = await crowded()
    await room.make(await tended.version(1), NO_SLOT, tended.harness.ctx, champion=True)
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v1", "captain-v2"]


async def test_nothing_that_was_needed_within_the_hour_goes_for_one_that_is_no_champion() -> None:
    """Two that are both used would take each other's place for ever."""
    tended, version = await crowded()
    await room.make(version, NO_SLOT, tended.harness.ctx, champion=False)
    await tended.harness.pause(HOUR)
    with pytest.raises(Unavailable, match="captain@1 is put to sleep"):
        await room.make(version, NO_SLOT, tended.harness.ctx, champion=False)


async def test_two_that_are_used_and_have_one_place_do_not_take_it_from_each_other() -> None:
    tended, _ = await crowded()
    await tended.dropped(10, model="other")
    await tended.dropped(11)
    tended.service.configure(deployment_limit=3)
    await sleep_orders.sleep(sleep_orders.Asked("other", 1, "Ada"), tended.harness.ctx)
    await tended.look(3)
    answered = {"captain": 0, "other": 0}
    puts = tended.service.journal.count("deployments.put")
    for _ in range(120):
        for name in answered:
            answered[name] += await tended.chat(1, name)
        await tended.look()
    assert answered == {"captain": 120, "other": 0}
    assert tended.service.journal.count("deployments.put") - puts < 45, "asked now and then"
    assert [s.until for s in (await tended.version(1, "captain")).hosted] == [None]


async def test_how_long_there_was_no_room_is_not_how_long_a_wake_up_usually_takes() -> None:
    tended = Tended.in_memory()
    await tended.dropped()
    await sleep_orders.sleep(sleep_orders.Asked("captain", None, "Ada"), tended.harness.ctx)
    full = {"status": 400, "code": NO_SLOT.code, "message": "10 is the limit."}
    tended.service.arm("refused", "deployments.put", count=None, **full)
    await tended.chat()
    await tended.look(60)
    tended.service.disarm()
    assert await tended.awake() < 10
    await tended.look()
    assert await RedeployRequests(tended.models).requested() == []
    assert await waking.usual_seconds(tended.models) == waking.USUAL.total_seconds()
