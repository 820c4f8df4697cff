"""How many checks at once, and how long their processes are kept."""

import asyncio

import psutil
import pytest

from shared.run import reconciler, workers
from shared.run.policy import Policy
from shared.run.workers import Workers
from tests.processes import PATIENCE_SECONDS
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.workers import checked, children, fresh_workers, gone, while_read

__all__ = ["fresh_workers"]
pytestmark = pytest.mark.usefixtures("fresh_workers")


async def test_two_lone_datasets_do_not_wait_for_each_other(harness: RunHarness) -> None:
    """Splitting needs a process, and so does the check that comes after."""
    harness.set_policy(checks_at_once=1)
    for model in ("lone-a", "lone-b", "lone-c"):
        await harness.ctx.clients.datasets.put(f"{model}.jsonl", dataset(40, model), "")
    drops = [f"lone-{letter}.jsonl" for letter in "abc"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(reconciler.dataset_dropped(name, harness.ctx) for name in drops))
    assert len(await harness.runs()) == 3
    assert len(children()) == 1


async def test_no_more_processes_than_allowed_have_work(harness: RunHarness) -> None:
    shared, at_work = Workers(Policy(checks_at_once=2)), 0

    async def work() -> int:
        nonlocal at_work
        async with shared.session("x", 0):
            at_work += 1
            most = at_work
            await asyncio.sleep(0.02)
            at_work -= 1
            return most

    assert max(await asyncio.gather(*(work() for _ in range(6)))) == 2
    assert len(children()) == 2


async def test_whoever_waits_longest_comes_next() -> None:
    shared, order = Workers(Policy(checks_at_once=1)), []

    async def work(number: int) -> None:
        async with shared.session("x", 0):
            order.append(number)

    await asyncio.gather(*map(work, range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_a_process_that_has_grown_is_not_kept(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await checked(harness)
    assert len(children()) == 1
    monkeypatch.setattr(workers, "GROWN", 1 << 20)
    await harness.drop(dataset(20))
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    assert children() == []


async def test_a_process_is_not_taken_for_as_large_as_its_app(
    harness: RunHarness,
) -> None:
    large = bytearray(300 << 20)
    large[::4096] = b"x" * len(large[::4096])  # or the system would not really give it
    await checked(harness)
    assert len(children()) == 1


async def test_a_check_that_is_cancelled_leaves_no_process(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[psutil.Process] = []

    def cancel() -> None:
        busy.extend(children())
        task.cancel()

    while_read(harness, monkeypatch, cancel)
    await harness.drop()
    drop = reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    task = asyncio.create_task(drop)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert busy
    assert await asyncio.to_thread(gone, busy)
