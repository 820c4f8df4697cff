"""`tunedrop delete`, by an app in memory: shown, confirmed by name, carried out."""

import asyncio
import json

from shared.model.deletion import Deletions
from shared.run import deletions, reconciler
from tests.support.management import served, tool
from tests.support.served import Versions
from tunedrop.app import App


async def ticks(made: Versions, count: int = 10) -> None:
    for _ in range(count):
        made.clock.advance(30)
        await reconciler.tick(made.ctx)
        await deletions.process(made.ctx)


async def test_the_plan_is_shown_and_the_name_is_asked_for() -> None:
    made = await Versions.serving(2, b"deployment: {sku: Standard}\n")
    async with served(made.ctx) as app:
        refused = await tool(app, "delete", "captain", typed="capitan\n")
        assert refused.exit_code == 2
        assert "that is not captain: nothing was deleted." in refused.output
        assert await Deletions(made.ctx.clients.models).all() == []
        done = await tool(app, "delete", "captain", "--why", "over", typed="captain\n")
        assert done.exit_code == 0
        for told in (
            "deployment           captain-v1  Standard, $1,",
            "fine-tuned model     gpt-4.1-nano",
            "dataset              captain/training.jsonl  unless it is asked for",
            "Its deployments cost $",
            "captain is being deleted, and the app goes on with it.",
        ):
            assert told in done.output
        page = await tool(app, "models", "captain")
        assert "captain is being deleted" in page.output
        await ticks(made)
        gone = await tool(app, "models", "captain")
        again = await tool(app, "delete", "captain", "--yes", "captain")
    assert "There is no model 'captain'" in gone.output
    assert "There is no model captain" in again.output


async def test_a_version_and_a_run_are_deleted_by_their_names() -> None:
    made = await Versions.serving(3)
    first = made.runs[1].id
    async with served(made.ctx) as app:
        done = await tool(app, "delete", "captain@2", "--yes", "captain@2", "--who", "Ada")
        assert "captain@2 is being deleted" in done.output
        short = first[: len("captain-") + 8]
        asked = await tool(app, "delete", short, "--yes", "captain@1")
        assert "captain@1 is being deleted" in asked.output
        await ticks(made)
    assert [version.version for version in (await made.model()).versions] == [3]


async def test_of_a_version_that_is_being_deleted_that_is_said() -> None:
    """It was said that its run was ended and that `deploy` deploys it."""
    made = await Versions.serving(2)
    async with served(made.ctx) as app:
        await tool(app, "delete", "captain@1", "--yes", "captain@1", "--who", "Ada")
        for order in ("promote", "sleep", "wake"):
            refused = await tool(app, order, "captain@1")
            assert refused.exit_code == 2
            assert "captain@1 is being deleted, by Ada" in refused.output
            assert "deploy" not in refused.output
        page = await tool(app, "models", "captain")
    first, second = page.output.splitlines()[:2]
    assert first.endswith("  is being deleted. Chats that have begun are finished first.")
    assert "deleted" not in second


async def test_a_body_that_says_something_else_is_refused() -> None:
    made = await Versions.serving(1)
    async with served(made.ctx) as app:
        client = App(app)
        for path, body, says in (
            ("models/captain/delete", {"datasets": "yes"}, b"datasets is yes"),
            ("models/captain/delete", {"digest": 7}, b"digest is 7"),
            ("models/captain/delete", {"model": "x"}, b"model is not a key of delete"),
            ("models/captain/delete", {"digest": "0" * 32}, b"is not as in the plan"),
            ("models/captain/destroy", {}, b"'destroy' is not an order"),
            ("models/captain/promote", {"version": True}, b"no number of a version"),
            ("models/captain/promote", {}, b"Which version"),
            ("runs/captain-00000000/delete", {}, b"There is no run"),
        ):
            sent = json.dumps(body).encode()
            status, answer = await asyncio.to_thread(client.request, f"api/{path}", sent)
            assert 400 <= status < 500
            assert says in answer
    assert (await made.model()).deleting is None
