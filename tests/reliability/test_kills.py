"""Killed anywhere, a run goes on and ends the same: one run, one job, one deployment; and what is
ordered of a model that serves is done once, or nothing of it.

The short form tries a few of the outside calls of one story, others each day; so many of every
story with TUNEDROP_KILLS, all of them with TUNEDROP_EVERY_KILL=1 (see docs/reliability.md).
(In memory, tests/run/test_stories_killed.py has more stories, and the simulation kills in lives
with commands.)
"""

import os
from datetime import date

import pytest

from tests.reliability.kill_harness import EVERY, Told, calls_of, live_killed
from tests.reliability.life import Kill
from tests.reliability.orders import Ordered
from tests.support.stack import StackHarness


def chosen(calls: int, story: Told) -> list[Kill]:
    every = [Kill(call, after) for call in range(1, calls + 1) for after in (False, True)]
    if os.environ.get("TUNEDROP_EVERY_KILL"):
        return every
    short = isinstance(story, Ordered) or story.commands
    wanted = int(os.environ.get("TUNEDROP_KILLS", "1" if short else "2"))
    stride = max(1, len(every) // wanted)
    return every[date.today().toordinal() % stride :: stride]


def told() -> list[Told]:
    """On demand all of them, otherwise one that changes by the day."""
    if {"TUNEDROP_KILLS", "TUNEDROP_EVERY_KILL"} & set(os.environ):
        return list(EVERY)
    return [EVERY[date.today().toordinal() % len(EVERY)]]


@pytest.mark.parametrize("story", told(), ids=lambda story: story.name)
def test_killed_anywhere_a_run_ends_the_same(stack: StackHarness, story: Told) -> None:
    calls = calls_of(stack, story)
    print(story.name, calls, "outside calls", flush=True)
    for kill in chosen(calls, story):
        print(story.name, kill, flush=True)
        live_killed(stack, story, kill)
