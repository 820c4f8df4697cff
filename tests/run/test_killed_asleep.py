"""A worker killed at any one call while a version is put to sleep, woken or makes room: whoever
comes next finishes it, nothing is deployed twice, and the registry says what the service has."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import Unavailable
from shared.model.registry import Hosted
from shared.run import reconciler, redeployments, upkeep
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.killed import WRITES, Killed, Killer
from tests.support.service_state import MemoryService
from tests.support.tended import HOUR, Tended

ON_DEMAND = "keep: on-demand\nidle_after: 24\n"
MAX_LIVES = 40
PUT = "deployments.put"
Story = Callable[[Killer], Awaitable[Tended]]


@asynccontextmanager
async def deadly(tended: Tended, killer: Killer) -> AsyncIterator[None]:
    """From here on, calls are counted and one of them kills."""
    killer.calls, killer.saved = 0, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryService, "call", killer.wrap(MemoryService.call))
        for name in WRITES:
            patch.setattr(MemoryContainer, name, killer.wrap(getattr(MemoryContainer, name)))
        yield


async def live(tended: Tended, done: Callable[[], Awaitable[bool]]) -> None:
    """The app's lives, a minute each, until it is done."""
    for _ in range(MAX_LIVES):
        try:
            for run_id in await tended.harness.ledger.active():
                await reconciler.advance(run_id, tended.harness.ctx)
            await upkeep.process(tended.harness.ctx)
            await redeployments.process(tended.harness.ctx)
            if await done():
                return
        except (Killed, Unavailable):
            tended.harness.break_claims()
        await tended.harness.pause(60)
    raise AssertionError("it does not come to an end")


async def idle() -> Tended:
    """A model that is to sleep."""
    tended = Tended.in_memory()
    await tended.look()
    await tended.dropped(run_yaml=ON_DEMAND)
    await tended.harness.pause(25 * HOUR)
    return tended


async def sleeping(killer: Killer) -> Tended:
    tended = await idle()

    async def done() -> bool:
        version = await tended.version()
        return bool(version.asleep_since) and not version.is_hosted and not tended.deployed()

    async with deadly(tended, killer):
        await live(tended, done)
    return tended


async def waking(killer: Killer) -> Tended:
    tended = await sleeping(Killer())
    puts = tended.service.journal.count(PUT)

    async def done() -> bool:
        return await tended.chat() and not [b async for b in tended.models.list("wake/")]

    async with deadly(tended, killer):
        await live(tended, done)
    assert tended.service.journal.count(PUT) == puts + 1, killer.at
    return tended


async def evicting(killer: Killer) -> Tended:
    tended = await idle()
    tended.service.configure(deployment_limit=1)
    tended.harness.model = "other"
    await tended.harness.drop(dataset(10, "other"))
    run = await tended.harness.until(await tended.harness.received(), Stage.TRAINED)

    async def done() -> bool:
        return (await tended.harness.known(run.id)).stage is Stage.SERVING

    async with deadly(tended, killer):
        await live(tended, done)
    return tended


async def check_asleep(tended: Tended, at: int) -> None:
    version = await tended.version(name="captain")
    (stretch,) = version.hosted
    asleep = version.asleep_since
    assert asleep, at
    assert stretch.until, at
    assert asleep <= stretch.until <= tended.harness.ctx.now(), at
    assert tended.deployed() == [], at


async def check_awake(tended: Tended, at: int) -> None:
    version = await tended.version(name="captain")
    assert version.asleep_since is None, at
    first, second = version.hosted
    assert first.until, at
    assert first.until < second.since, at
    assert second.until is None, at
    assert tended.deployed() == ["captain-v1"], at


async def check_evicted(tended: Tended, at: int) -> None:
    assert tended.deployed() == ["other-v1"], at
    await tended.look(8)
    captain, other = await tended.version(name="captain"), await tended.version(name="other")
    assert captain.asleep_since, at
    assert [stretch.until is None for stretch in captain.hosted] == [False], at
    assert [isinstance(stretch, Hosted) and stretch.until for stretch in other.hosted] == [None], at
    assert (await tended.model("captain")).champion == 1, at


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("story", "check"),
    [(sleeping, check_asleep), (waking, check_awake), (evicting, check_evicted)],
    ids=["sleep", "wake", "evict"],
)
async def test_a_kill_at_any_call_costs_nothing(
    story: Story, check: Callable[[Tended, int], Awaitable[None]], after: bool
) -> None:
    undisturbed = Killer()
    await check(await story(undisturbed), -1)
    assert undisturbed.calls > 7
    for at in range(undisturbed.calls):
        tended = await story(Killer(at, after))
        await check(tended, at)
