"""`tunedrop sleep` and `wake`, by an app: a version without a deployment costs nothing, and comes
back."""

from datetime import timedelta

from shared.run import redeployments, upkeep
from tests.support.decided import BY_RUN
from tests.support.management import served, tool
from tests.support.served import Versions


async def made_with(count: int) -> Versions:
    made = await Versions.serving(count)
    made.harness.set_policy(hosting_every=timedelta(minutes=5))
    made.ctx = made.harness.ctx
    return made


async def ticks(made: Versions, count: int = 4) -> None:
    for _ in range(count):
        await upkeep.process(made.ctx)
        await redeployments.process(made.ctx)
        made.clock.advance(60)


async def test_a_champion_is_put_to_sleep_and_woken() -> None:
    made = await made_with(2)
    async with served(made.ctx) as app:
        done = await tool(app, "sleep", "captain", "--why", "holidays", "--who", "Ada")
        assert done.output == "captain@2 sleeps: it has no deployment and costs nothing.\n"
        again = await tool(app, "sleep", "captain@2")
        assert again.output == done.output
        assert (await made.model()).version(2).asleep_since
        assert ("Ada (with the app's key)", "sleep") in await made.said(2)
        woken = await tool(app, "wake", "captain", "--who", "Bob")
        assert "usually takes 10 min" in woken.output
    made.clock.advance(60)
    assert list(made.service.deployments()) == ["captain-v1"]
    await ticks(made)
    assert sorted(made.service.deployments()) == ["captain-v1", "captain-v2"]
    assert (await made.model()).version(2).asleep_since is None


async def test_a_version_that_no_chat_wakes_is_woken_by_a_person() -> None:
    made = await made_with(3)
    await ticks(made, 8)
    assert sorted(made.service.deployments()) == ["captain-v2", "captain-v3"]
    async with served(made.ctx) as app:
        assert (await tool(app, "wake", "captain@1")).exit_code == 0
    await ticks(made, 3)
    assert "captain-v1" in made.service.deployments()
    assert (await made.model()).version(1).is_hosted


async def test_azure_that_is_busy_makes_the_order_no_other() -> None:
    made = await made_with(1)
    made.service.arm("request-conflict", "deployments.delete")
    async with served(made.ctx) as app:
        done = await tool(app, "sleep", "captain")
        assert done.output == "captain@1 sleeps; its deployment is being removed.\n"
    await ticks(made, 6)
    assert list(made.service.deployments()) == []
    version = (await made.model()).version(1)
    assert version.asleep_since
    assert not version.is_hosted


async def test_what_cannot_be_done_is_said() -> None:
    made = await made_with(1)
    await made.harness.drop(name="training.jsonl")
    run = await made.harness.received()
    async with served(made.ctx) as app:
        assert "no version 7" in (await tool(app, "sleep", "captain@7")).output
        assert "There is no model nobody" in (await tool(app, "wake", "nobody")).output
        await made.ctx.registry.withdraw("captain", 1, BY_RUN)
        assert "was withdrawn" in (await tool(app, "wake", "captain@1")).output
        assert "No version of captain serves" in (await tool(app, "sleep", "captain")).output
    assert not run.ended


async def test_a_version_whose_run_is_under_way_is_left_to_it() -> None:
    made = await made_with(1)
    await made.ctx.ledger.mark(made.runs[1].id)
    async with served(made.ctx) as app:
        for order in ("sleep", "wake"):
            assert "is under way" in (await tool(app, order, "captain@1")).output
    assert list(made.service.deployments()) == ["captain-v1"]
