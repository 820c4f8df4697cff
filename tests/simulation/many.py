"""The lives of many seeds, side by side: batch by batch, each in one of some processes."""

import gc
from collections import Counter
from collections.abc import Iterable
from multiprocessing import get_context
from typing import NamedTuple

from tests.simulation import plan
from tests.simulation.life import live
from tests.simulation.plan import Known

BATCH = 50  # seeds that a process is given at once


class Lived(NamedTuple):
    """Of some seeds: how their runs ended, what struck, and which broke a rule."""

    stages: Counter[str]
    struck: Counter[str]
    calls: int
    broken: list[tuple[int, str]]


def lived(first: int, seeds: int, known: frozenset[Known]) -> Lived:
    found = Lived(Counter(), Counter(), 0, [])
    for seed in range(first, first + seeds):
        ended = live(plan.make(seed, known))
        found.stages.update(ended.stages)
        found.struck.update(ended.struck)
        found = found._replace(calls=found.calls + len(ended.story))
        if ended.broken:
            found.broken.append((seed, ended.broken))
    gc.collect()
    return found


def _lived(asked: tuple[int, int, frozenset[Known]]) -> Lived:
    return lived(*asked)


def side_by_side(
    first: int, seeds: int, known: frozenset[Known], processes: int
) -> Iterable[Lived]:
    starts = range(first, first + seeds, BATCH)
    asked = [(start, min(BATCH, first + seeds - start), known) for start in starts]
    if processes == 1:
        yield from map(_lived, asked)
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(_lived, asked)
