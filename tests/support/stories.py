"""Stories of an app in memory that may be killed at any one of their calls.

A story begins with an app as it is, then somebody does something (or only time passes), and the
app goes on, a tick a minute, until there is nothing more to do. Killed, it goes on as another
process. Whoever was killed before the answer may ask again; otherwise what was ordered has happened
as a whole, or nothing of it.
"""

import os
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from shared.errors import CallerError
from tests.support.facts import Difference, Facts, facts_of, found_again, least
from tests.support.kills import Calls, Kill
from tests.support.mortal import MINUTE, Mortal

LEAST, MOST = 4, 60  # minutes of a life; undisturbed ones take a few


# What a model is and what it costs changes by these.
WEIGHTY = re.compile(r"deployments\.(put|delete)|models\.delete|jobs\.create|\w+ models/.+")
T = TypeVar("T")
Acts = Callable[[Mortal], Awaitable[object]]


def of_the_day(every: Sequence[T], count: int) -> Sequence[T]:
    """So many of them, others each day; all with TUNEDROP_EVERY_KILL=1."""
    if os.environ.get("TUNEDROP_EVERY_KILL"):
        return every
    stride = max(1, len(every) // count)
    return every[date.today().toordinal() % stride :: stride]


async def nothing(app: Mortal) -> None:
    """Only time passes."""


@dataclass(frozen=True)
class Story:
    """`begins` makes the app; `acts` is what somebody does then; whoever `insists` does it again
    where nobody was answered. `ends`: facts that are so when it is over, in which the story shows.
    `serves`: the champion answers at every minute.
    """

    name: str
    begins: Callable[[], Awaitable[Mortal]]
    acts: Acts = nothing
    ends: tuple[str, ...] = ()
    serves: bool = True
    insists: bool = False


@dataclass(frozen=True)
class Life:
    facts: Facts
    calls: tuple[str, ...]
    struck: bool
    answered: bool  # whoever acted has come to an end with it
    unserved: int  # minutes in which the champion did not answer


@dataclass
class Trial:
    """A story with what is known of its undisturbed lives."""

    story: Story
    app: Mortal
    saved: dict[str, Any]
    whole: Life = field(init=False)
    none: Life | None = field(default=None, init=False)  # where nobody acts

    @classmethod
    async def of(cls, story: Story) -> "Trial":
        app = await story.begins()
        trial = cls(story, app, app.saved())
        trial.whole = await trial.lived()
        if story.acts is not nothing:
            trial.none = await trial.lived(acts=nothing)
        return trial

    @cached_property
    def kills(self) -> list[Kill]:
        return [Kill(at, after) for at in range(len(self.whole.calls)) for after in (False, True)]

    def kills_of_the_day(self, count: int) -> list[Kill]:
        """All at which something weighty happens, and so many of the others."""
        weighty = [kill for kill in self.kills if WEIGHTY.fullmatch(self.whole.calls[kill.at])]
        others = [kill for kill in self.kills if kill not in weighty]
        return [*weighty, *of_the_day(others, count)]

    @property
    def tries(self) -> tuple[bool, ...]:
        """Whether whoever was not answered tries again: each kill has a life for both, where
        somebody acts and may leave it at that."""
        acts = self.story.acts is not nothing
        return (False, True) if acts and not self.story.insists else (False,)

    async def lived(
        self,
        kill: Kill | None = None,
        *,
        again: bool = False,
        acts: Acts | None = None,
    ) -> Life:
        app, acts = self.app, acts or self.story.acts
        app.restore(self.saved)
        calls = Calls(kill, app.container("runs"), app.container("models"))
        unserved = 0
        with calls.counted():
            answered = await _done(_told(acts, app), app, calls)
            if not answered and (again or self.story.insists):
                answered = await _done(_told(acts, app), app, calls)
            for minute in range(MOST):
                unserved += await _serves(app) is False
                app.clock.advance(MINUTE)
                await _done(app.minute(), app, calls)
                if minute >= LEAST and await app.settled():
                    break
        return Life(await facts_of(app), tuple(calls.names), calls.struck, answered, unserved)

    async def difference(self, kill: Kill, *, again: bool = False) -> Difference:
        """What was doubled or lost in a life with that kill."""
        life = await self.lived(kill, again=again)
        assert life.struck, "a life is the same until its kill"
        allowed = [self.whole.facts]
        if self.none and not life.answered:
            allowed.append(self.none.facts)
        if kill.lost:
            found = least(found_again(life.facts), map(found_again, allowed))
        else:
            found = least(life.facts, allowed)
        if self.story.serves and life.unserved:
            minutes = f"the champion did not answer in {life.unserved} minutes"
            found = Difference((*found.doubled,), (*found.lost, minutes))
        return found


async def _told(acts: Acts, app: Mortal) -> None:
    """What somebody does; that it is done already, or cannot be, is an answer."""
    with suppress(CallerError):
        await acts(app)


async def _done(work: Awaitable[object], app: Mortal, calls: Calls) -> bool:
    if await calls.survived(work):
        return True
    app.start_again()
    return False


async def _serves(app: Mortal) -> bool | None:
    """Whether the champion answers a chat at this moment; None where there is none."""
    model = await app.ctx.registry.load(app.harness.model)
    if model is None or model.champion is None:
        return None
    name = model.version(model.champion).deployment
    there = app.service.find_deployment(name)
    return there is not None and there.answers(app.clock.now())
