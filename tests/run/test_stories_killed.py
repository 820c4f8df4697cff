"""A model's stories, killed at any one call, before its effect and after it: all that was ordered
has happened, once, or nothing of it; and the books agree with one another and with the service.

The short form tries those calls of each story by which a model changes, or what it costs, and some
of the others each day; all of them with TUNEDROP_EVERY_KILL=1. What they come to is written down by
`dev.py bench certificate`.
"""

import asyncio

import pytest

from shared.model.history import Decision
from shared.model.registry import Model
from tests.support.facts import Difference, Facts
from tests.support.kills import Kill
from tests.support.model_stories import STORIES
from tests.support.mortal import Mortal
from tests.support.promotion_stories import two
from tests.support.stories import Story, Trial

A_DAY = 6  # other kills of a story


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_kill_at_any_call_doubles_and_loses_nothing(story: Story) -> None:
    trial = await Trial.of(story)
    assert Facts(story.ends) <= trial.whole.facts, sorted(trial.whole.facts)
    assert not [fact for fact in trial.whole.facts if fact.startswith("WRONG")]
    assert not (story.serves and trial.whole.unserved)
    for kill in trial.kills_of_the_day(A_DAY):
        for again in trial.tries:
            found = await trial.difference(kill, again=again)
            assert not found, (str(kill), trial.whole.calls[kill.at], again)


# ---- what would be wrong is noticed


async def halves(app: Mortal) -> None:
    """Two writes that belong together, and nobody who finishes them."""
    await app.clients.models.put("one half", b"", "text/plain")
    await app.clients.models.put("other half", b"", "text/plain")


async def crowns(app: Mortal) -> None:
    """A change that is made again by whoever asks again."""
    decision = Decision(app.clock.now(), who="Ada", id="1")

    def crown(model: Model | None) -> Model | None:
        return model and model.with_champion(1, decision)

    await app.clients.models.update("captain.json", Model, crown)
    await app.clients.models.put("done", b"", "text/plain")


async def undeploys(app: Mortal) -> None:
    """Without a word to the registry."""
    await app.clients.deployments.delete("captain-v2")


async def found(story: Story, kill: Kill, *, again: bool = False) -> Difference:
    return await (await Trial.of(story)).difference(kill, again=again)


async def test_what_is_half_done_is_noticed() -> None:
    story = Story("halves", two, halves)
    assert not await found(story, Kill(0, after=False))
    cut = await found(story, Kill(0, after=True))
    assert not await found(story, Kill(0, after=True), again=True)
    assert len(cut.doubled + cut.lost) == 1


async def test_a_dead_process_does_nothing_more() -> None:
    async def both(app: Mortal) -> None:
        put = app.clients.models.put
        await asyncio.gather(*(put(name, b"", "text/plain") for name in ("one", "other")))

    assert not await found(Story("both", two, both), Kill(0, after=False))


async def test_what_is_done_twice_is_noticed() -> None:
    twice = await found(Story("crowns", two, crowns), Kill(0, after=True), again=True)
    assert "WRONG: captain's history has a change twice" in twice.doubled
    assert "captain: 2 became 1, released by Ada: ''" not in twice.lost


async def test_a_champion_that_does_not_answer_and_books_that_differ_are_noticed() -> None:
    async def on_demand() -> Mortal:
        """A champion that the app does not make anew without a chat."""
        app = await two()
        await app.ctx.registry.keep_as("captain", 2, "on-demand", 0.0)
        return app

    trial = await Trial.of(Story("undeploys", on_demand, undeploys))
    assert trial.whole.unserved > 1
    # the next look at what is deployed has it
    assert "WRONG: captain@2 is the champion and has no deployment" in trial.whole.facts
    assert trial.whole.facts["captain@2: 1 stretches of hosting, not deployed"] == 1


async def test_whoever_was_answered_has_it_done() -> None:
    """What was acknowledged may not be as if nothing had been ordered."""

    async def promises(app: Mortal) -> None:
        """It is kept in mind only."""
        promised.append(1)

    async def minute(app: Mortal) -> None:
        if promised:
            promised.clear()
            await app.clients.models.put("kept", b"", "text/plain")

    class Forgetful(Mortal):
        async def minute(self) -> None:
            await minute(self)
            await super().minute()

    async def begins() -> Mortal:
        return Forgetful()

    promised: list[int] = []
    trial = await Trial.of(Story("promises", begins, promises))
    assert (await trial.difference(Kill(0, after=False))).lost == ("blob models/kept",)
