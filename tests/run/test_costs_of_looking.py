"""What looking after runs costs: each thing is read once, however long a run has been active."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.model.registry import Model, Registry
from shared.run import reconciler
from shared.run.stages import Stage
from shared.run.workers import Workers
from tests.support.datasets import dataset
from tests.support.runs import RunHarness


async def test_a_lone_dataset_is_downloaded_and_split_once(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets, counts = harness.ctx.clients.datasets, Counter[str]()
    stream, split = datasets.stream, Workers.split

    async def streamed(name: str, etag: str) -> AsyncIterator[bytes]:
        counts["downloads"] += 1
        async for chunk in stream(name, etag):
            yield chunk

    async def split_once(*arguments: Any) -> None:
        counts["splits"] += 1
        await split(*arguments)

    monkeypatch.setattr(datasets, "stream", streamed)
    monkeypatch.setattr(Workers, "split", split_once)
    await harness.drop(dataset(40, harness.model), "lone")
    await reconciler.dataset_dropped(f"{harness.model}.jsonl", harness.ctx)
    (run,) = await harness.runs()
    assert run.stage in (Stage.SUBMITTED, Stage.TRAINING)
    assert counts == {"downloads": 1, "splits": 1}


async def test_local_copies_of_a_lone_dataset_are_removed(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    await harness.drop(dataset(40, harness.model), "lone")
    await reconciler.dataset_dropped(f"{harness.model}.jsonl", harness.ctx)
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_run_that_has_been_active_for_hours_costs_no_more(harness: RunHarness) -> None:
    await harness.queued()
    runs, counts = harness.ctx.clients.runs, Counter[str]()
    for name in ("read", "lease", "put", "replace", "append", "delete"):
        method = getattr(runs, name)

        def counted(*arguments: Any, name: str = name, method: Any = method) -> Any:
            counts[name] += 1
            return method(*arguments)

        setattr(runs, name, counted)
    await harness.tick()
    young = dict(counts)
    await harness.pause(timedelta(hours=3).total_seconds())
    counts.clear()
    await harness.tick()
    assert dict(counts) == young


class SlowContainer(MemoryContainer):
    """Notes how many reads are under way at once."""

    reading = most = 0

    async def read(self, name: str) -> Any:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0.01)
        try:
            return await super().read(name)
        finally:
            self.reading -= 1


async def test_models_are_read_side_by_side() -> None:
    container = SlowContainer("models")
    for number in range(20):
        model = Model(name=f"m{number}")
        await container.put(f"m{number}.json", model.model_dump_json().encode(), "")
    assert len(await Registry(container).all()) == 20
    assert 2 <= container.most <= 16
