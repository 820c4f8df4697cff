"""Drops that make no run: what is taken of them, and what stands beside them."""

from dataclasses import replace
from typing import Any

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.run import intake
from shared.run.folder import PROBLEM, problem_name
from shared.run.record import Run
from tests.support.runs import RunHarness


def storage(harness: RunHarness) -> MemoryContainer:
    """Where people drop, in memory: what storage alone can do to a blob is done to it."""
    datasets = harness.ctx.clients.datasets
    assert isinstance(datasets, MemoryContainer)
    return datasets


async def explanations(harness: RunHarness) -> list[str]:
    """The names of all that stand beside drops."""
    return [b.name async for b in storage(harness).list() if b.name.endswith(PROBLEM)]


async def taken(harness: RunHarness, path: str) -> Run | None:
    async with harness.ctx.with_copies() as ctx:
        run_id = await intake.take(path, ctx)
    return await harness.known(run_id) if run_id else None


async def problem(harness: RunHarness, path: str) -> str:
    """What stands beside a blob that was refused; empty where nothing does."""
    found = await harness.ctx.clients.datasets.read(problem_name(path))
    return found.data.decode() if found else ""


async def refusal(harness: RunHarness, path: str) -> str:
    """Take a drop that makes no run; what stands beside it."""
    known = await harness.runs()
    assert await taken(harness, path) is None
    assert await harness.runs() == known
    return await problem(harness, path)


def set_settings(harness: RunHarness, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    settings = replace(harness.ctx.settings, **changes)
    monkeypatch.setattr(harness.ctx.clients, "settings", settings)
