"""A folder that is touched again and again holds no event for longer than its quiet period."""

from dataclasses import replace

from shared.run import intake, reconciler
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY

QUIET = 5.0
PATH = "m/training.jsonl"


def harness_of() -> RunHarness:
    return RunHarness.in_memory(replace(IN_MEMORY, quiet_seconds=QUIET), "m")


async def taken(harness: RunHarness, touches: int) -> tuple[str | None, float]:
    """The run of an event whose folder is touched once in each wait, and how long it waited."""
    waited = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited, touches
        waited += seconds
        assert waited < 100 * QUIET, "it waits for ever"
        if touches:
            touches -= 1
            await harness.pause(seconds - 1)
            await harness.drop()
            await harness.pause(1)
        else:
            await harness.pause(seconds)

    async with replace(harness.ctx, sleep=sleep).with_copies() as ctx:
        return await intake.take(PATH, ctx), waited


async def test_an_event_whose_folder_is_touched_leaves_it_to_the_event_of_that_touch() -> None:
    harness = harness_of()
    await harness.drop()
    run_id, waited = await taken(harness, touches=10**6)
    assert run_id is None
    assert waited <= QUIET
    run_id, waited = await taken(harness, touches=0)
    assert run_id
    assert waited <= QUIET


async def test_the_sweep_takes_it_where_the_event_of_the_last_touch_is_lost() -> None:
    harness = harness_of()
    await harness.drop()
    await taken(harness, touches=1)
    await harness.pause(3600)
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1
