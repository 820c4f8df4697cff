"""`dev.py simulate`: lives of many seeds, side by side; of one that breaks a rule, the smallest
story."""

import gc
import sys
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing import get_context
from typing import NamedTuple

from tests.simulation import options, plan
from tests.simulation.life import live
from tests.simulation.plan import Known
from tests.simulation.shrink import shrunk
from tests.simulation.story import story

BATCH = 50  # seeds that a process is given at once
MOST_SHOWN = 3  # stories of one call


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


def one(seed: int, known: frozenset[Known], whole: bool) -> int:
    ended = live(plan.make(seed, known))
    print(*story(ended, whole=whole), sep="\n")
    return 1 if ended.broken else 0


def many(first: int, seeds: int, known: frozenset[Known], processes: int, whole: bool) -> int:
    began, done, broken = time.monotonic(), 0, []
    totals = Lived(Counter(), Counter(), 0, [])
    for batch in side_by_side(first, seeds, known, processes):
        done = min(done + BATCH, seeds)
        totals = Lived(
            totals.stages + batch.stages,
            totals.struck + batch.struck,
            totals.calls + batch.calls,
            [],
        )
        broken += batch.broken
        _progress(done, seeds, len(broken), began)
    _summary(totals, done, time.monotonic() - began)
    for seed, rule in broken[:MOST_SHOWN]:
        print(f"\nseed {seed} breaks a rule: {rule}\nits smallest story:")
        smallest = shrunk(live(plan.make(seed, known)), live)
        print(*story(smallest, whole=whole), sep="\n")
    if broken:
        print(f"\n{len(broken)} of {done} seeds break a rule:", *sorted(s for s, _ in broken))
    return 1 if broken else 0


def _progress(done: int, seeds: int, broken: int, began: float) -> None:
    if sys.stderr.isatty():
        rate = done / (time.monotonic() - began)
        print(f"\r{done} of {seeds}, {broken} broken, {rate:.0f} lives/s ", end="", file=sys.stderr)


def _summary(totals: Lived, done: int, seconds: float) -> None:
    ends = ", ".join(f"{count} {stage}" for stage, count in totals.stages.most_common())
    print(f"{done} lives in {seconds:.0f} s, {done / seconds:.0f} a second: {ends}")
    troubles = f"{totals.struck.total()} troubles of {len(totals.struck)} kinds struck"
    print(f"{totals.calls} calls; {troubles}")


def main(arguments: list[str]) -> int:
    asked = options.simulate().parse_args(arguments)
    known = frozenset(Known(name) for name in asked.known)
    if asked.seed is not None:
        return one(asked.seed, known, asked.story)
    return many(asked.first, asked.seeds, known, asked.processes, asked.story)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
