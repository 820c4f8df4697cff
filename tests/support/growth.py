"""How the time of a piece of work grows, for tests that nothing takes it with its square."""

import time
from collections.abc import Callable

MOST_GROWTH = 6  # times the time for four times the text; what is quadratic needs sixteen


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The least of some, of this thread's own time: others may use the processor as well."""
    times = []
    for _ in range(rounds):
        before = time.thread_time()
        work()
        times.append(time.thread_time() - before)
    return min(times)
