"""Deletions in tests: ordered, gone on with by ticks, and what is left then."""

from typing import Any

from shared.model.deletion import Deletion, Deletions
from shared.run import deletions, reconciler
from shared.run.deletion_plan import Plan, Target
from tests.support.served import Versions


async def planned(made: Versions, target: Target, *, datasets: bool = False) -> Plan:
    plan, entered = await deletions.give(target, datasets, None, "Ada", "", made.ctx)
    assert entered is None
    return plan


async def order(made: Versions, target: Target, *, datasets: bool = False) -> Deletion | None:
    plan = await planned(made, target, datasets=datasets)
    _, entered = await deletions.give(target, datasets, plan.digest, "Ada", "over", made.ctx)
    return entered


async def ticks(made: Versions, count: int) -> None:
    for _ in range(count):
        await reconciler.tick(made.ctx)
        await deletions.process(made.ctx)
        made.clock.advance(30)


async def until_gone(made: Versions, at_most: int = 30) -> int:
    for count in range(at_most):
        if not await Deletions(made.ctx.clients.models).all():
            return count
        await ticks(made, 1)
    raise AssertionError(await Deletions(made.ctx.clients.models).all())


async def blobs(container: Any) -> list[str]:
    return [blob.name async for blob in container.list()]


async def left(made: Versions) -> list[str]:
    """What anything still knows of `captain`, but for its datasets and what is not the app's."""
    clients, service = made.ctx.clients, made.service
    containers = clients.models, clients.runs, clients.feedback
    names = [name for container in containers for name in await blobs(container)]
    names = [name for name in names if "captain" in name and not name.startswith(KEPT)]
    models = {job.model for job in service.jobs.values() if job.status == "succeeded"}
    models -= service.deleted_models
    return [*names, *service.deployed, *service.files, *models]


KEPT = ("deleted/", "drops/", "outbox/")


def items(plan: Plan, kind: str) -> list[str]:
    return [item.name for item in plan.goes if item.what == kind]
