"""Runs whose trained model is deployed in another way, moved by hand in memory."""

from typing import Any

from shared.model.registry import Version
from shared.run import reconciler
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.limits import dropped, limited
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService

DEVELOPER = b"deployment: {sku: DeveloperTier, capacity: 40}\n"
STANDARD = b"deployment: {sku: Standard, capacity: 40}\n"


def memory(harness: RunHarness) -> MemoryService:
    assert isinstance(harness.service, MemoryService)
    return harness.service


async def refused_after_training(harness: RunHarness, run_yaml: bytes = DEVELOPER) -> Run:
    """A run that was trained, and whose SKU the account has for no model."""
    memory(harness).unsupported_skus = ("DeveloperTier",)
    run = await harness.until(await dropped(harness, run_yaml), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.fine_tuned_model
    return run


async def asked(harness: RunHarness, run: Run, **values: Any) -> Run:
    return await harness.command(run, Action.DEPLOY, **values)


async def redropped(harness: RunHarness, run_yaml: bytes) -> Run:
    await harness.drop(run_yaml, "run.yaml")
    return await harness.received("run.yaml")


async def told_beside(harness: RunHarness, run_yaml: bytes) -> str:
    """What stands beside a run.yaml that is dropped alone and refused."""
    await harness.drop(run_yaml, "run.yaml")
    async with harness.ctx.with_copies() as ctx:
        await reconciler.dataset_dropped(harness.path("run.yaml"), ctx)
    told = await harness.ctx.clients.datasets.read(f"{harness.path('run.yaml')}.problem.txt")
    assert told
    return told.data.decode()


async def version(harness: RunHarness, run: Run) -> Version:
    model = await harness.ctx.registry.load(run.model)
    assert model
    found = model.of_run(run.id)
    assert found
    return found


def deployed(harness: RunHarness, run: Run) -> tuple[str, int]:
    found = memory(harness).deployed[str(run.deployment)]
    return found.sku, found.capacity


async def withdrawn() -> tuple[RunHarness, Run]:
    """A version whose run was cancelled before it answered."""
    harness = limited()
    harness.service.configure(readiness_gap_seconds=60)
    run = await harness.until(await dropped(harness), Stage.PROBING)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    await harness.until_inactive()
    return harness, run


def refused(harness: RunHarness, operation: str, answer: dict[str, object]) -> None:
    harness.service.arm("refused", operation, count=None, **answer)
