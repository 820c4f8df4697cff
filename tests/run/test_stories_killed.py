"""A model's stories, killed at any one call, before its effect and after it: all that was ordered
has happened, once, or nothing of it; and the books agree with one another and with the service.

The short form tries some calls of each story, others each day; all of them with
TUNEDROP_EVERY_KILL=1. `dev.py bench certificate` writes down what they come to.
"""

import pytest

from tests.support.model_stories import STORIES
from tests.support.stories import Story, Trial, of_the_day

A_DAY = 10  # kills of a story


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_kill_at_any_call_doubles_and_loses_nothing(story: Story) -> None:
    trial = await Trial.of(story)
    assert set(story.ends) <= set(trial.whole.facts), sorted(trial.whole.facts)
    assert not [fact for fact in trial.whole.facts if fact.startswith("WRONG")]
    assert not (story.serves and trial.whole.unserved)
    for kill in of_the_day(trial.kills, A_DAY):
        for again in trial.tries:
            found = await trial.difference(kill, again=again)
            assert not found, (str(kill), trial.whole.calls[kill.at], again)
