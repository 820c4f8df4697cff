"""Five hundred lives of the suite, and that the simulation itself can be relied upon."""

import os
import subprocess
import sys
import tomllib
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from tests.simulation import plan
from tests.simulation.life import Ended, live
from tests.simulation.plan import STORM, Known, Plan
from tests.simulation.shrink import rule_of, shrunk
from tests.simulation.story import story

SEEDS = int(os.environ.get("TUNEDROP_SEEDS", "500"))
BATCH = 50
HERE = Path(__file__).resolve().parent
KEPT = tomllib.loads((HERE / "seeds.toml").read_text(encoding="utf-8"))["seed"]
DOUBLE_JOB = 13  # a seed in which a worker that was frozen makes a second paid job


def told(ended: Ended) -> str:
    return "\n".join(story(ended))


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_every_rule_holds_in_every_life(first: int) -> None:
    for seed in range(first, min(first + BATCH, SEEDS)):
        ended = live(plan.make(seed))
        assert not ended.broken, told(shrunk(ended, live))


@pytest.mark.parametrize("kept", KEPT, ids=[str(kept["seed"]) for kept in KEPT])
def test_what_was_mended_stays_so(kept: dict[str, object]) -> None:
    known = frozenset(Known(str(name)) for name in kept.get("known", []))  # type: ignore[attr-defined]
    ended = live(plan.make(int(str(kept["seed"])), known))
    assert not ended.broken, f"{kept['mended']}\n{told(ended)}"


def test_lives_come_to_every_end_and_troubles_of_every_kind_strike() -> None:
    """Or five hundred lives in which nothing happens would show as much."""
    lives = [live(plan.make(seed)) for seed in range(150)]
    ends = {stage for ended in lives for stage in ended.stages}
    assert ends == {"serving", "rejected", "failed", "cancelled", "superseded"}
    struck = {kind.partition(" ")[2] for ended in lives for kind in ended.struck}
    assert struck == set(plan.Kind)


# ---- the same seed is the same life


SCRIPT = """
from hashlib import sha256
from tests.simulation import plan
from tests.simulation.life import live
print(*[sha256(repr(live(plan.make(seed)).story).encode()).hexdigest() for seed in range(12)])
"""


def test_a_seed_is_the_same_life_each_time_and_in_each_process() -> None:
    here = [sha256(repr(live(plan.make(n)).story).encode()).hexdigest() for n in range(12)]
    for hash_seed in ("1", "2"):
        elsewhere = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            check=True,
        )
        assert elsewhere.stdout.split() == here


# ---- what is known


def test_a_worker_that_was_frozen_before_it_asks_for_a_job_makes_a_second_one() -> None:
    """Until that is mended: then this fails, Known.STALE_COSTS goes, and the seed is kept."""
    made = plan.make(DOUBLE_JOB, frozenset({Known.STALE_COSTS}))
    smallest = shrunk(live(made), live)
    assert "jobs at once" in smallest.broken
    assert [t.kind for t in smallest.plan.troubles] == [plan.Kind.FREEZE_BEFORE]
    assert not live(plan.make(DOUBLE_JOB)).broken


# ---- shrinking


def test_what_does_not_matter_is_taken_out_of_a_story() -> None:
    made = next(p for p in map(plan.make, range(1000)) if len(p.troubles) >= 5 and p.orders)
    needed = made.troubles[2]

    def lived(of: Plan) -> Ended:
        broken = f"ada-{len(of.orders)} has 2 jobs" if needed in of.troubles else ""
        return Ended(of, broken, (), (), Counter(), STORM)

    smallest = shrunk(lived(made), lived).plan
    assert smallest.troubles == (needed,)
    assert (smallest.orders, smallest.outages, smallest.fates, smallest.deadline) == ((),) * 3 + (
        None,
    )
    assert (len(smallest.drops), len(smallest.clocks)) == (1, 1)


def test_a_rule_is_the_same_whoever_breaks_it() -> None:
    assert rule_of("ada-1f has 2 jobs: ['J1']") == rule_of("bob-9 has 3 jobs: ['J2', 'J3']")
    assert rule_of("ada-1f has 2 jobs: ['J1']") != rule_of("ada-1f is in no list")
