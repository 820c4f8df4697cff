"""`dev.py simulate`: lives of many seeds, side by side; of one that breaks a rule, the smallest
story."""

import sys
import time
from collections import Counter

from tests.simulation import options, plan
from tests.simulation.life import live
from tests.simulation.many import BATCH, Lived, side_by_side
from tests.simulation.plan import Known
from tests.simulation.shrink import shrunk
from tests.simulation.story import story

MOST_SHOWN = 3  # stories of one call


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
    print(f"{totals.calls} calls; {troubles}", flush=True)


def main(arguments: list[str]) -> int:
    asked = options.simulate().parse_args(arguments)
    known = frozenset(Known(name) for name in asked.known)
    if asked.seed is not None:
        return one(asked.seed, known, asked.story)
    return many(asked.first, asked.seeds, known, asked.processes, asked.story)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
