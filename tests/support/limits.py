"""Runs under the app's ceilings, moved by hand in memory."""

import json
from dataclasses import replace
from typing import Any

from shared.run import ceilings
from shared.run.record import Run
from shared.run.spending import Spending
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.settings import IN_MEMORY


def limited(**settings: Any) -> RunHarness:
    return RunHarness.in_memory(replace(IN_MEMORY, **settings), "one")


def of_another_model(harness: RunHarness, model: str) -> RunHarness:
    return RunHarness(harness.ctx, model, harness.service, harness.clock)


def with_settings(harness: RunHarness, **settings: Any) -> None:
    clients = harness.ctx.clients
    clients.settings = replace(clients.settings, **settings)


async def dropped(harness: RunHarness, run_yaml: bytes = b"", examples: int = 10) -> Run:
    if run_yaml:
        await harness.drop(run_yaml, "run.yaml")
    await harness.drop(dataset(examples, harness.model))
    return await harness.received()


async def ticked(harness: RunHarness, run: Run, times: int = 6) -> Run:
    for _ in range(times):
        await harness.tick()
        await harness.pause(1)
    return await harness.known(run.id)


async def spending(harness: RunHarness) -> Spending:
    found = await harness.ctx.clients.runs.record(ceilings.NAME, Spending)
    assert found
    return found[0]


async def estimate(harness: RunHarness, run: Run) -> float:
    report = json.loads(await harness.ledger.document(run.id, "report.json") or b"")
    return float(report["price"]["training"])
