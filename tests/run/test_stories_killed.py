"""A model's stories, killed at any one call, before its effect and after it: all that was ordered
has happened, once, or nothing of it; and the books agree with one another and with the service.

The short form tries a few calls of each story, others each day; all of them with
TUNEDROP_EVERY_KILL=1. `dev.py bench certificate` writes down what they come to.
"""

import os
from datetime import date

import pytest

from tests.support.kills import Kill
from tests.support.model_stories import STORIES
from tests.support.stories import Story, Trial, nothing

A_DAY = 4  # kills of a story


def chosen(trial: Trial) -> list[Kill]:
    if os.environ.get("TUNEDROP_EVERY_KILL"):
        return trial.kills
    stride = max(1, len(trial.kills) // A_DAY)
    return trial.kills[date.today().toordinal() % stride :: stride]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_a_kill_at_any_call_doubles_and_loses_nothing(story: Story) -> None:
    trial = await Trial.of(story)
    assert set(story.ends) <= set(trial.whole.facts), sorted(trial.whole.facts)
    assert not [fact for fact in trial.whole.facts if fact.startswith("WRONG")]
    assert not trial.whole.unserved
    for kill in chosen(trial):
        for again in (False, True) if story.acts is not nothing else (False,):
            found = await trial.difference(kill, again=again)
            name = trial.whole.calls[kill.at]
            assert not found, (story.name, str(kill), name, again)
