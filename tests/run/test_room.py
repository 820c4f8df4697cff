"""Room for one more deployment: whose goes, and for what refusals."""

import pytest

from shared.errors import Refused, Unavailable
from shared.model.registry import Version
from shared.run import room
from tests.support.tended import Tended

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
        await room.make(version, error, tended.harness.ctx)
    assert tended.deployed() == ["captain-v1", "captain-v2"], "it takes a second"
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v2"]


@pytest.mark.parametrize(
    "other", [{"sku": "Standard"}, {"base_model": "gpt-4o-mini-2024-07-18"}], ids=["sku", "base"]
)
async def test_quota_of_something_else_is_no_help(other: dict[str, str]) -> None:
    tended, version = await crowded()
    await room.make(version.replace(**other), NO_QUOTA, tended.harness.ctx)
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v1", "captain-v2"]
    with pytest.raises(Unavailable):
        await room.make(version.replace(**other), NO_SLOT, tended.harness.ctx)


async def test_a_refusal_about_something_else_puts_nothing_to_sleep() -> None:
    tended, version = await crowded()
    await room.make(version, LOCKED, tended.harness.ctx)
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v1", "captain-v2"]


async def test_it_is_not_its_own_room() -> None:
    tended, _ = await crowded()
    await room.make(await tended.version(1), NO_SLOT, tended.harness.ctx)
    await tended.harness.pause(5)
    assert tended.deployed() == ["captain-v1", "captain-v2"]
