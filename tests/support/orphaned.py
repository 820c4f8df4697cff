"""Runs placed so that something at the service is nobody's."""

from dataclasses import replace
from typing import Any

from shared.run import orphans
from shared.run.stages import Stage
from tests.support.placed import PlacedRun


def owned(placed: PlacedRun, run_id: str = "m-1") -> str:
    """How the double writes down whose a job is."""
    return f"{run_id} {placed.ctx.app_id}"


def wished(placed: PlacedRun) -> None:
    placed.clients.settings = replace(placed.clients.settings, end_orphans="on")


async def found(placed: PlacedRun) -> list[tuple[str, str]]:
    await orphans.look(placed.ctx)
    return [(o.kind, o.id) for o in await orphans.known(placed.clients.runs)]


async def training(placed: PlacedRun, **values: Any) -> None:
    placed.jobs.put("running", owned(placed))
    await placed.run(Stage.TRAINING, job_id="J1", **values)


async def ended(placed: PlacedRun, stage: Stage = Stage.CANCELLED, **values: Any) -> None:
    await placed.run(stage, **values)
    await placed.clients.runs.delete("active/m-1")
    placed.jobs.names.clear()
