"""Every story of a model, killed at every call, before its effect and after it: what was doubled,
what was lost. `python3 dev.py bench certificate`.

In memory at each call: the stories are those of tests/run/test_stories_killed.py, whose short form
has some of these lives. Each kill is a life; where a person acts and was not answered, two: in one
the person leaves it at that, in the other the same is ordered once more. Then real processes, at a
few calls, on Azurite and the emulated service (tests/reliability/test_kills.py can do them all).
"""

import asyncio
import logging
import platform
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import options
from tests.reliability.kill_harness import EVERY, Told, calls_of, live_killed
from tests.reliability.life import Kill as RealKill
from tests.support.kills import Kill
from tests.support.model_stories import STORIES
from tests.support.promotion_stories import A_RUN
from tests.support.stack import StackHarness, running_stack
from tests.support.stories import Story, Trial

SHORT = 10  # kills of a story
REAL = 4  # kills of a story in real processes
LOST = (1, 4, 12)  # acknowledged writes
LOSING = "a run, and storage loses its last writes"
WHEN = {False: "before", True: "after"}


async def certificate(short: bool) -> dict[str, Any]:
    """`stories`: each with its calls and, for kills before and after their effect, the lives that
    were tried and what in them was doubled or lost. The last is of storage that loses writes."""
    told = {story.name: await tried(story, short) for story in STORIES}
    told[LOSING] = await tried(A_RUN, short, LOST)
    sides = [side[when] for side in told.values() for when in WHEN.values()]
    total = {"stories": len(told), "calls": sum(side["calls"] for side in told.values())}
    total |= {what: sum(len(side[what]) for side in sides) for what in ("doubled", "lost")}
    return {"stories": told, "total": {**total, "lives": sum(side["lives"] for side in sides)}}


async def tried(story: Story, short: bool, lost: Iterable[int] = (0,)) -> dict[str, Any]:
    trial = await Trial.of(story)
    calls = range(len(trial.whole.calls))
    told: dict[str, Any] = {"calls": len(calls)}
    for after, when in WHEN.items():
        at = calls[:: max(1, len(calls) // SHORT)] if short else calls
        kills = [Kill(number, after, writes) for number in at for writes in lost]
        told[when] = await side(trial, kills)
        print(f"· {story.name}, {when}: {told[when]['lives']} lives", file=sys.stderr)
    return told


async def side(trial: Trial, kills: list[Kill]) -> dict[str, Any]:
    lives = [(kill, again) for kill in kills for again in trial.tries]
    found = [(kill, await trial.difference(kill, again=again)) for kill, again in lives]
    return {
        "lives": len(lives),
        "doubled": [said for kill, one in found for said in _said(trial, kill, one.doubled)],
        "lost": [said for kill, one in found for said in _said(trial, kill, one.lost)],
    }


def _said(trial: Trial, kill: Kill, facts: Iterable[str]) -> list[str]:
    return [f"{kill}, {trial.whole.calls[kill.at]}: {fact}" for fact in facts]


def in_real_processes() -> dict[str, Any]:
    """`calls`: outside calls of the story; `wrong`: what was not as it must be after a kill."""
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        return {story.name: killed(stack, story) for story in EVERY}


def killed(stack: StackHarness, story: Told) -> dict[str, Any]:
    calls, wrong = calls_of(stack, story), []
    kills = [RealKill(1 + calls * n // REAL, after=bool(n % 2)) for n in range(REAL)]
    for kill in kills:
        try:
            live_killed(stack, story, kill)
        except AssertionError as error:
            wrong.append(str(error))
    print(f"· {story.name}, in real processes: {len(kills)} lives", file=sys.stderr)
    return {"calls": calls, "lives": len(kills), "wrong": wrong}


def main() -> int:
    wanted = options.parser("certificate").parse_args()
    logging.disable(logging.CRITICAL)  # what a killed app says of it
    found = asyncio.run(certificate(wanted.short))
    real = {} if wanted.short else in_real_processes()
    result = {
        "command": "python3 dev.py bench certificate",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in ("pydantic", "openai")},
        **found,
        "real_processes": real,
    }
    options.tell("certificate", result, wanted.save)
    wrong = [said for story in real.values() for said in story["wrong"]]
    return int(bool(found["total"]["doubled"] or found["total"]["lost"] or wrong))


if __name__ == "__main__":
    sys.exit(main())
