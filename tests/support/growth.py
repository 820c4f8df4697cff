"""How the time of a piece of work grows, for tests that nothing takes it with its square."""

import time
from collections.abc import Callable

# Times the time for four times the text: caches and sorting add to four, and what is quadratic
# needs sixteen.
MOST_GROWTH = 9
FLOOR = 0.005  # seconds; what takes less is taken for that long
TRIES = 5


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The least of some, of this thread's own time: others may use the processor as well."""
    times = []
    for _ in range(rounds):
        before = time.thread_time()
        work()
        times.append(time.thread_time() - before)
    return min(times)


def too_slow(
    few: Callable[[], object], many: Callable[[], object], floor: float = FLOOR
) -> str | None:
    """What is to be said if `many`, which has four times as much to do as `few`, takes more than
    MOST_GROWTH times its time.

    The least times of some tries count: others, who empty the processor's caches, only add to one.
    """
    small = large = float("inf")
    for _ in range(TRIES):
        large = min(large, seconds(many, 1))
        if large <= MOST_GROWTH * floor:
            return None
        small = min(small, seconds(few))
        if large <= MOST_GROWTH * max(small, floor):
            return None
    return f"{small:.4f} s, and {large:.4f} s for four times as much"
