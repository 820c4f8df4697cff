"""`tunedrop promote`, `rollback`, `models MODEL`, and what is told of versions, by an app."""

import time
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared import model_api
from shared.run import promotions
from shared.run.context import Context
from shared.run.promotions import Asked
from tests.support.decided import BY_RUN
from tests.support.management import served, tool
from tests.support.served import Versions


async def test_promote_and_rollback_say_who_serves_in_whose_place() -> None:
    made = await Versions.serving(2)
    async with served(made.ctx) as app:
        done = await tool(app, "promote", "captain@1", "--why", "kinder", "--who", "Ada")
        assert done.output == "captain@1 is the champion, in the place of captain@2.\n"
        again = await tool(app, "promote", "captain@1")
        assert again.output == "captain@1 is the champion already.\n"
        back = await tool(app, "rollback", "captain", "--who", "Bob")
        assert back.output == "captain@2 is the champion, in the place of captain@1.\n"
        page = await tool(app, "models", "captain")
    lines = page.output.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["@1", "retired"], ["@2", "champion"]]
    assert lines[-2].endswith("captain@2 → captain@1  promoted by Ada (with the app's key): kinder")
    assert lines[-1].endswith("captain@1 → captain@2  rolled back by Bob (with the app's key)")


async def test_nothing_is_changed_where_another_was_quicker_than_the_tool() -> None:
    made = await Versions.serving(3)

    async def model(request: Request, ctx: Context) -> Response:
        """Right after the tool has looked, Bob decides."""
        seen = await model_api.model(request, ctx)
        await promotions.give(Asked("captain", 2, "Bob"), ctx)
        return seen

    async with served(made.ctx, model=model) as app:
        late = await tool(app, "promote", "captain@1")
    assert late.exit_code == 2
    assert "The champion is captain@2 by now (promoted by Bob" in late.output
    assert (await made.model()).champion == 2


async def test_who_served_at_a_moment_is_told_and_so_is_what_is_not_known() -> None:
    made = await Versions.serving(1)
    between = made.clock.now()
    await made.train()
    first = (await made.model()).history[0].at
    async with served(made.ctx) as app:
        then = await tool(app, "models", "captain", "--at", between.isoformat())
        early = (first - timedelta(seconds=1)).isoformat()
        before = await tool(app, "models", "captain", "--at", early)
        now = await tool(app, "models", "captain", "--at", made.clock.now().isoformat())
        wrong = await tool(app, "models", "captain", "--at", "yesterday")
        later = (made.clock.now() + timedelta(minutes=1)).isoformat()
        ahead = await tool(app, "models", "captain", "--at", later)
    assert then.output.startswith("captain@1 was the champion at ")
    assert now.output.startswith("captain@2 was the champion at ")
    assert before.output.startswith("Who was the champion of captain at ")
    assert before.output.endswith(" is not known.\n")
    assert "yesterday is no moment" in wrong.output
    assert "has not come yet" in ahead.output
    assert (wrong.exit_code, ahead.exit_code) == (2, 2)


async def test_the_moments_that_are_shown_are_those_that_can_be_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They were the machine's own, without a zone, while `--at` reads UTC."""
    made = await Versions.serving(2)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        async with served(made.ctx) as app:
            page = await tool(app, "models", "captain")
            shown = page.output.splitlines()[-1].partition("  ")[0]
            made.clock.advance(60)
            then = await tool(app, "models", "captain", "--at", shown.removesuffix(" UTC") + ":59")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert shown == f"{(await made.model()).history[-1].at:%Y-%m-%d %H:%M} UTC"
    assert then.output.startswith("captain@2 was the champion at ")


async def test_a_moment_without_a_champion_says_so() -> None:
    made = await Versions.serving(1)
    await made.ctx.registry.withdraw("captain", 1, BY_RUN)
    async with served(made.ctx) as app:
        none = await tool(app, "models", "captain", "--at", made.clock.now().isoformat())
    assert none.output.startswith("No version of captain served at ")


async def test_an_order_that_waits_is_told_with_what_it_waits_for() -> None:
    made = await Versions.serving(2)
    made.loses(1)
    async with served(made.ctx) as app:
        done = await tool(app, "rollback", "captain")
        page = await tool(app, "models", "captain")
        back = await tool(app, "promote", "captain@2")
    already = "captain@2 is the champion already. The order for captain@1 is taken back.\n"
    assert back.output == already
    assert "captain@1 has no deployment that answers: it is being deployed." in done.output
    assert "captain@1 is to be the champion." in page.output


async def test_what_is_no_version_is_told_before_anything_is_asked_for() -> None:
    made = await Versions.serving(1)
    async with served(made.ctx) as app:
        unnamed = await tool(app, "promote", "captain")
        odd = await tool(app, "promote", "captain@first")
        missing = await tool(app, "promote", "captain@7")
        stranger = await tool(app, "rollback", "Pirate")
    assert "which version of captain?" in unnamed.output
    assert "captain@first names no version" in odd.output
    assert "captain has no version 7. It has: 1." in missing.output
    assert "There is no model" in stranger.output
    assert {r.exit_code for r in (unnamed, odd, missing, stranger)} == {2}


async def test_an_old_dataset_dropped_again_says_which_version_it_is_and_who_serves() -> None:
    """It said that it serves, while a newer version did."""
    made = await Versions.serving(2)
    first = made.runs[1]
    told = "captain@1 is retired; captain@2 serves. `tunedrop promote captain@1` makes it"
    await made.drop_again(1)
    assert (await made.known(1)).stage == "serving"
    assert f"same content dropped again; it is known: {told} the champion." in [
        message for _, message in await made.said(1)
    ]
    async with served(made.ctx) as app:
        listed = await tool(app, "runs")
        watched = await tool(app, "watch", first.id)
    assert "captain@1, retired; captain@2 serves" in listed.output
    assert told in watched.output
    await promotions.give(Asked("captain", 1, "Ada"), made.ctx)
    async with served(made.ctx) as app:
        watched = await tool(app, "watch", first.id)
    assert "captain@1 serves." in watched.output


async def test_a_run_that_is_held_says_why_and_who_serves() -> None:
    made = await Versions.serving(1)
    run = await made.train(b"promote: manual\n")
    async with served(made.ctx) as app:
        watched = await tool(app, "watch", run.id)
        listed = await tool(app, "runs")
    assert "captain@2 is candidate; captain@1 serves." in watched.output
    assert "promote: manual" in watched.output
    assert "captain@2, candidate; captain@1 serves" in listed.output
    assert watched.exit_code == 1
