"""While something is deleted: more is ordered, it is dropped again, and others are told."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from shared.model.deletion import Deletions, Dropped
from shared.model.states import Cause
from shared.run import deletion_plan, reconciler
from shared.run.deletion_plan import Target
from shared.run.outbox import Outbox
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.deleting import blobs, left, order, ticks, until_gone
from tests.support.deletion_stories import deletes_the_champion, deletes_the_model
from tests.support.mortal import Mortal
from tests.support.promotion_stories import two
from tests.support.runs import RunHarness
from tests.support.served import Versions
from tests.support.settings import IN_MEMORY


async def test_two_orders_are_one() -> None:
    made = await Versions.serving(1)
    first = await order(made, Target("captain"))
    second = await order(made, Target("captain"))
    assert first
    assert second
    assert first.id == second.id


async def test_datasets_that_are_asked_for_while_it_is_deleted_go_too() -> None:
    for begun in range(8):  # ticks of the first order
        made = await Versions.serving(1)
        await order(made, Target("captain"))
        await ticks(made, begun)
        if not await Deletions(made.ctx.clients.models).all():
            return
        await order(made, Target("captain"), datasets=True)
        await until_gone(made)
        assert await blobs(made.ctx.clients.datasets) == []
        assert await left(made) == []
    raise AssertionError("it was never done")


async def test_datasets_that_are_asked_for_at_the_very_end_go_too() -> None:
    """The worker that has just done all the rest does not take the order away."""
    made = await Versions.serving(1)
    store = Deletions(made.ctx.clients.models)
    first = await order(made, Target("captain"))
    assert first
    (dropped,) = [blob async for blob in made.ctx.clients.datasets.list()]
    more = (Dropped(name=dropped.name, etag=dropped.etag),)
    assert (await store.enter(first.replace(id="later", datasets=more))).id == first.id
    await store.done(first)
    noted = await store.note(first, waits="something")
    assert noted.datasets == more
    await store.note(noted, last=True)
    await until_gone(made)
    assert await blobs(made.ctx.clients.datasets) == []


async def test_what_is_dropped_again_while_its_run_is_deleted_is_not_taken_and_says_so() -> None:
    made = await Versions.serving(2)
    await order(made, await deletion_plan.target_of_model("captain", 2, made.ctx))
    made.clock.advance(5)
    await made.harness.drop(dataset(10, voice="captain 2"))
    async with made.ctx.with_copies() as ctx:
        await reconciler.dataset_dropped("captain/training.jsonl", ctx)
    said = await made.ctx.clients.datasets.read("captain/training.jsonl.problem.txt")
    assert said
    assert f"The run {made.runs[2].id} of these files is being deleted" in said.data.decode()
    await until_gone(made)
    made.clock.advance(60)
    await made.harness.drop(dataset(10, voice="captain 2"))
    run = await made.harness.until(await made.harness.received(), Stage.SERVING)
    assert (run.id, run.version) == (made.runs[2].id, 3)


async def test_others_are_told_once_that_it_is_deleted_and_by_whom() -> None:
    told = replace(IN_MEMORY, webhook_url="http://127.0.0.1:9/never-asked")
    made = Versions(RunHarness.in_memory(told, "captain"))
    async with made.ctx.clients:
        await made.train()
        await order(made, await deletion_plan.target_of_model("captain", 1, made.ctx))
        await until_gone(made)
    outbox = Outbox(made.ctx.clients.runs)
    read = [await outbox.read(blob.name) for blob in await outbox.waiting()]
    (gone,) = [found[0] for found in read if found and found[0].type.endswith("model.deleted")]
    assert (gone.data["model"], gone.data["version"], gone.data["who"]) == ("captain", 1, "Ada")


async def told_of(order: Callable[[Mortal], Awaitable[None]]) -> tuple[Mortal, list[str]]:
    """What others are told of it, in a quarter of an hour."""
    app = await two()
    before = set(app.receiver.said)
    await order(app)
    await app.minutes(15)
    return app, sorted(told for id, told in app.receiver.said.items() if id not in before)


async def test_others_are_told_who_answers_in_the_place_of_a_champion_that_is_deleted() -> None:
    app, told = await told_of(deletes_the_champion)
    change = (await app.model()).history[-1]
    assert (change.version, change.cause) == (1, Cause.WITHDRAWN)
    assert (change.who, change.why) == ("Ada", "it is to be deleted. over")
    assert [said.split()[0] for said in told] == ["model.deleted", "model.rolled-back"]


async def test_of_a_model_that_is_deleted_no_champion_is_told() -> None:
    _, told = await told_of(deletes_the_model)
    assert told == ["model.deleted captain"]


async def test_what_was_spent_counts_towards_the_ceilings_whatever_is_deleted() -> None:
    made = Versions(RunHarness.in_memory(replace(IN_MEMORY, daily_runs=1), "captain"))
    await made.train()
    await order(made, Target("captain"), datasets=True)
    await until_gone(made)
    made.clock.advance(60)
    await made.harness.drop(dataset(10, voice="captain 1"))
    run = await made.harness.received()
    await ticks(made, 5)
    again = await made.harness.known(run.id)
    assert (run.id, again.stage) == (made.runs[1].id, Stage.CHECKED)
    assert "1 jobs of today" in (again.waiting_for or "")


async def test_the_same_dataset_once_more_is_told_to_others_as_what_is_new() -> None:
    told = replace(IN_MEMORY, webhook_url="http://127.0.0.1:9/never-asked")
    made = Versions(RunHarness.in_memory(told, "captain"))
    outbox, ids = Outbox(made.ctx.clients.runs), list[list[str]]()
    async with made.ctx.clients:
        for _ in range(2):
            made.runs.clear()  # the same dataset each time
            await made.train()
            read = [await outbox.read(blob.name) for blob in await outbox.waiting()]
            kinds = ("run.serving", "model.promoted")
            ids.append([f[0].id for f in read if f and f[0].type.endswith(kinds)])
            await order(made, Target("captain"), datasets=True)
            await until_gone(made)
            made.clock.advance(60)
    assert len(ids[0]) == 2
    assert len(ids[1]) == len(set(ids[1])) == 4, "the second time is no repetition of the first"


async def test_what_is_refused_while_all_goes_is_not_taken_once_it_is_gone() -> None:
    made = await Versions.serving(1)
    await order(made, Target("captain"), datasets=True)
    made.clock.advance(5)
    await made.harness.drop(dataset(10, voice="captain 2"))
    async with made.ctx.with_copies() as ctx:
        await reconciler.dataset_dropped("captain/training.jsonl", ctx)
    assert await made.ctx.clients.datasets.read("captain/training.jsonl.problem.txt")
    await until_gone(made)
    for _ in range(20):
        made.clock.advance(600)
        await reconciler.tick(made.ctx)
    assert await made.ctx.registry.load("captain") is None
    assert await made.harness.ledger.active() == []
