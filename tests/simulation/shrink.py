"""The smallest plan that still breaks the same rule: entries are taken out of it, one after the
other, as long as it does. Knows that a plan is data, not what is in it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.life import Ended
from tests.simulation.plan import Drop, Plan

NAMES = re.compile(r"\b(ada|bob)[-\w.@]*|\d+|'[^']*'|\[.*?\]")
MOST_LIVES = 400


def rule_of(broken: str) -> str:
    """What was broken, without whose it was."""
    return NAMES.sub("…", broken)


def shrunk(ended: Ended, live: Callable[[Plan], Ended]) -> Ended:
    """Raises nothing: a plan that cannot be made smaller is its own smallest."""
    rule, smallest, lives = rule_of(ended.broken), ended, 0
    smaller = _smaller(smallest.plan)
    while lives < MOST_LIVES and (plan := next(smaller, None)):
        lives += 1
        found = live(plan)
        if rule_of(found.broken) == rule:
            smallest, smaller = found, _smaller(plan)
    return smallest


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Each plan that has one thing less."""
    for name in ("outages", "troubles", "fates", "orders", "drops"):
        entries = getattr(plan, name)
        for at in range(len(entries)):
            if name != "drops" or len(entries) > 1:
                yield replace(plan, **{name: entries[:at] + entries[at + 1 :]})
    if len(plan.clocks) > 1:
        yield replace(plan, clocks=plan.clocks[:-1])
    if plan.deadline:
        yield replace(plan, deadline=None)
    for at, drop in enumerate(plan.drops):
        for less in _smaller_drop(drop):
            yield replace(plan, drops=(*plan.drops[:at], less, *plan.drops[at + 1 :]))


def _smaller_drop(drop: Drop) -> Iterator[Drop]:
    if len(drop.files) > 1:
        yield replace(drop, files=drop.files[:-1])
    if len(drop.events) > 1:
        yield replace(drop, events=drop.events[:1])
