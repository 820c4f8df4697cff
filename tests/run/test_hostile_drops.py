"""Whatever is dropped, the event loop goes on, and each drop comes to an end that is told."""

import asyncio
import json

import pytest

from shared.run import reconciler
from shared.run.stages import Stage
from tests.support.hostile_drops import (
    HOSTILE,
    HOSTILE_YAML,
    MOST_STALL,
    MOST_WORK,
    SIZE,
    hostile,
    watched_loop,
)
from tests.support.runs import RunHarness
from tests.support.workers import children, fresh_workers

__all__ = ["fresh_workers"]
pytestmark = pytest.mark.usefixtures("fresh_workers")


@pytest.mark.parametrize("file", ["{}/training.jsonl", "{}.jsonl"], ids=["", "lone"])
async def test_the_loop_goes_on_while_hostile_files_are_dropped(
    harness: RunHarness, file: str
) -> None:
    harness.set_policy(check_seconds=5 * SIZE, check_seconds_per_mb=0.5)
    paths = [file.format(name) for name in HOSTILE]
    for path, name in zip(paths, HOSTILE, strict=True):
        await harness.ctx.clients.datasets.put(path, hostile(name), "")
    async with watched_loop() as stalls:
        await asyncio.gather(*(reconciler.dataset_dropped(path, harness.ctx) for path in paths))
    print(f"longest stall: {stalls.clock:.3f} s; of the loop's own work: {stalls.work:.3f} s")
    assert len(children()) <= harness.ctx.policy.checks_at_once
    runs = {run.model: run for run in await harness.runs()}
    assert set(runs) == set(HOSTILE)
    for model, run in runs.items():
        assert run.stage not in (Stage.RECEIVED, Stage.FAILED), (model, run.waiting_for)
        assert run.failure is None or run.failure.blame == "caller", (model, run.failure)
    assert (stalls.work < MOST_WORK, stalls.clock < MOST_STALL) == (True, True), stalls


async def test_the_loop_goes_on_while_hostile_settings_are_dropped(harness: RunHarness) -> None:
    put = harness.ctx.clients.datasets.put
    for name, make in HOSTILE_YAML.items():
        await put(f"{name}/training.jsonl", b"no JSON\n", "")
        await put(f"{name}/run.yaml", make(SIZE), "")
    async with watched_loop() as stalls:
        for name in HOSTILE_YAML:
            await reconciler.dataset_dropped(f"{name}/training.jsonl", harness.ctx)
    print(f"longest stall: {stalls.clock:.3f} s; of the loop's own work: {stalls.work:.3f} s")
    for name in HOSTILE_YAML:
        problem = await harness.ctx.clients.datasets.read(f"{name}/run.yaml.problem.txt")
        assert problem, name
        assert len(problem.data) < 2_000, name
    assert await harness.runs() == []
    assert (stalls.work < MOST_WORK, stalls.clock < MOST_STALL) == (True, True), stalls


async def test_the_loop_goes_on_while_the_table_of_a_long_training_is_read(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small examples in batches of one make a million steps for little money."""
    rows = "".join(f"{step},{1 / step},-1\n" for step in range(1, 300_002))

    async def table(_: str) -> str:
        return f"step,train_loss,valid_loss\n{rows}"

    monkeypatch.setattr(harness.ctx.clients.finetuning, "text", table)
    await harness.drop()
    run = await harness.received()
    async with watched_loop() as stalls:
        run = await harness.until(run, Stage.SERVING)
    curve = json.loads(await harness.ledger.document(run.id, "curve.json") or b"")
    assert len(curve) <= 10_000
    assert curve[-1]["step"] == run.progress.step == 300_001
    kept = await harness.ledger.document(run.id, "metrics.csv")
    assert kept
    assert kept.count(b"\n") == 300_002, "the table has all of them"
    assert stalls.work < MOST_WORK, stalls
