"""A promotion, a rollback and a deletion, killed at any one call, before its effect and after it:
the ticks that follow carry the order out, or nothing of it has happened."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.model.deletion import Deletions
from shared.model.orders import Orders
from shared.run import deletion_plan, deletions, promotions, reconciler
from shared.run.deletion_plan import Target
from shared.run.promotions import Asked
from shared.run.stages import Stage
from tests.support.killed import WRITES, Killed, Killer
from tests.support.served import Versions
from tests.support.service_state import MemoryService

MAX_TICKS = 30
Ordered = Callable[[Versions], Awaitable[object]]


async def story(made: Versions, ordered: Ordered, killer: Killer) -> bool:
    """An order, with one kill on the way, and all ticks that it takes; whether it was entered."""
    killer.calls = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryService, "call", killer.wrap(MemoryService.call))
        for name in WRITES:
            patch.setattr(MemoryContainer, name, killer.wrap(getattr(MemoryContainer, name)))
        with suppress(Killed):
            await ordered(made)
        clients = made.ctx.clients
        for _ in range(MAX_TICKS):
            waiting = [*await Orders(clients.models).all(), *await Deletions(clients.models).all()]
            if not waiting:
                return True
            made.clock.advance(30)
            for work in (reconciler.tick, promotions.process, deletions.process):
                try:
                    await work(made.ctx)
                except Killed:
                    break
    raise AssertionError(waiting)


async def promotes(made: Versions) -> None:
    await promotions.give(Asked("captain", 2, "Ada", "kinder"), made.ctx)


async def rolls_back(made: Versions) -> None:
    await promotions.give(Asked("captain", None, "Ada", "rude"), made.ctx)


async def deletes(made: Versions) -> None:
    target = Target("captain")
    plan = await deletion_plan.plan(target, False, made.ctx)
    await deletions.give(target, False, plan.digest, "Ada", "", made.ctx)


async def deletes_the_champion(made: Versions) -> None:
    target = await deletion_plan.target_of_model("captain", 2, made.ctx)
    plan = await deletion_plan.plan(target, False, made.ctx)
    await deletions.give(target, False, plan.digest, "Ada", "", made.ctx)


async def held() -> Versions:
    made = await Versions.serving(1)
    await made.train(b"promote: manual\n")
    return made


async def undeployed() -> Versions:
    made = await Versions.serving(2)
    made.loses(1)
    return made


async def remembered() -> Versions:
    made = await Versions.serving(1)
    await made.remembers("chatcmpl-1")
    return made


async def two() -> Versions:
    return await Versions.serving(2)


async def promoted(made: Versions, at: int) -> None:
    """All of it, or nothing where it was killed before the order was entered."""
    model, run = await made.model(), await made.known(2)
    orders = [change for change in model.history if change.who == "Ada"]
    if not orders:
        assert (model.champion, run.stage) == (1, Stage.HELD), at
        return
    assert (model.champion, run.stage, len(orders)) == (2, Stage.SERVING, 1), at
    assert ("Ada", "serving: promote command") in await made.said(2), at


async def rolled_back(made: Versions, at: int) -> None:
    model = await made.model()
    orders = [change for change in model.history if change.who == "Ada"]
    assert (model.champion, len(orders)) in [(2, 0), (1, 1)], at
    if orders:
        assert "captain-v1" in made.service.deployments(), at
        said = ("Ada", "captain@1 is the champion, in the place of captain@2")
        assert said in await made.said(1), at


async def gone(made: Versions, at: int) -> None:
    clients, service = made.ctx.clients, made.service
    left = [blob.name async for blob in clients.runs.list() if "captain-" in blob.name]
    left = [name for name in left if not name.startswith(("deleted/", "drops/"))]
    left += [blob.name async for blob in clients.models.list()]
    left += [blob.name async for blob in clients.feedback.list() if "captain/" in blob.name]
    made_models = {job.model for job in service.jobs.values()} - service.deleted_models
    if await clients.models.info("captain.json"):
        assert (await made.model()).champion == 1, at  # killed before it was entered: all is there
        assert (await made.known(1)).stage is Stage.SERVING, at
        assert list(service.deployed) == ["captain-v1"], at
        return
    assert (left, list(service.deployed), made_models) == ([], [], set()), at


async def version_gone(made: Versions, at: int) -> None:
    model = await made.model()
    if model.champion == 2:
        assert len(model.versions) == 2, at
        return
    assert (model.champion, [v.version for v in model.versions]) == (1, [1]), at
    assert list(made.service.deployments()) == ["captain-v1"], at
    assert [run.id for run in await made.harness.runs()] == [made.runs[1].id], at
    assert len(made.service.deleted_models) == 1, at


STORIES = {
    "promote": (held, promotes, promoted),
    "rollback": (undeployed, rolls_back, rolled_back),
    "delete": (remembered, deletes, gone),
    "delete-version": (two, deletes_the_champion, version_gone),
}


@pytest.mark.parametrize("name", STORIES)
async def test_a_kill_at_any_call_leaves_all_of_an_order_or_nothing(name: str) -> None:
    begin, ordered, check = STORIES[name]
    made = await begin()
    restore, undisturbed = made.saved(), Killer()
    assert await story(made, ordered, undisturbed)
    await check(made, -1)
    assert undisturbed.calls > 5
    for at in range(undisturbed.calls):
        for after in (False, True):
            restore()
            await story(made, ordered, Killer(at, after))
            await check(made, at)
