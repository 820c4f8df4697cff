"""Very many blobs that nobody took: a sweep takes some, and fills neither the log nor the loop."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator

import pytest

from shared.cloud.container import BlobInfo
from shared.cloud.memory_container import MemoryContainer
from shared.run import drops, reconciler
from shared.run.folder import PROBLEM
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY


def filled(names: list[str]) -> RunHarness:
    harness = RunHarness.in_memory(IN_MEMORY, "m")
    datasets = harness.ctx.clients.datasets
    assert isinstance(datasets, MemoryContainer)
    for name in names:
        datasets._write(name, b"x")
    listed = datasets.list

    async def in_pages(prefix: str = "") -> AsyncIterator[BlobInfo]:
        number = 0
        async for blob in listed(prefix):
            number += 1
            if number % 100 == 0:
                await asyncio.sleep(0)  # as storage's pages come
            yield blob

    datasets.list = in_pages  # type: ignore[method-assign]
    return harness


async def longest_stall(work: asyncio.Task[None]) -> float:
    """Seconds of processor time that the loop was held at a time while that was done."""
    longest, before = 0.0, time.process_time()
    while not work.done():
        await asyncio.sleep(0)
        now = time.process_time()
        longest, before = max(longest, now - before), now
    await work
    return longest


NAMES = {
    "strange": [f"m/{number}" for number in range(20_000)],
    "explained": [f"m/{number}{end}" for number in range(20_000) for end in ("", PROBLEM)],
    "models": [f"m{number}.jsonl" for number in range(20_000)],
}


@pytest.mark.parametrize("kind", NAMES)
async def test_many_names_do_not_stop_the_loop_or_fill_the_log(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    harness = filled(NAMES[kind])
    await harness.pause(3600)
    taken: list[str] = []

    async def take(path: str, ctx: object) -> None:
        taken.append(path)  # what it is about is what comes before

    monkeypatch.setattr(reconciler, "_take", take)
    caplog.set_level(logging.INFO)
    gc.freeze()  # a collection looks through everything that the tests of this process have loaded
    stall = await longest_stall(asyncio.create_task(reconciler.sweep(harness.ctx)))
    gc.unfreeze()
    assert stall < 0.5
    assert len(taken) == (0 if kind == "explained" else drops.MOST)
    assert len(caplog.records) == (0 if kind == "explained" else 1)
    assert all(len(record.getMessage()) < 1000 for record in caplog.records)


async def test_strange_names_do_not_keep_a_sweep_from_a_drop() -> None:
    harness = filled([f"a/{number}" for number in range(1000)])
    await harness.drop_without_event(dataset(10, "m"))
    await harness.pause(3600)
    assert len((await drops.due(harness.ctx)).missed) == drops.MOST
    await reconciler.sweep(harness.ctx)
    assert len(await harness.runs()) == 1


async def test_the_next_sweeps_take_what_one_has_left(caplog: pytest.LogCaptureFixture) -> None:
    harness = filled([f"m/{number}" for number in range(drops.MOST + 10)])
    for _ in range(2):
        await reconciler.sweep(harness.ctx)
    assert (await drops.due(harness.ctx)).missed == []
    told = [r.getMessage() for r in caplog.records if "not taken when dropped" in r.getMessage()]
    assert ["190 more" in told[0], len(told[1].split(", "))] == [True, 10]


async def test_what_fails_again_and_again_is_not_always_before_the_others() -> None:
    harness = filled([f"m/{number:04}" for number in range(2 * drops.MOST)])
    found = [frozenset((await drops.due(harness.ctx)).missed) for _ in range(5)]
    assert len(set(found)) > 1
