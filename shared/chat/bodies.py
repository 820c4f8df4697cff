"""Bodies of requests under way: one budget of bytes for all of them, in this process.

Work on large ones is done in threads, a few at a time. Without that, some dozens of large requests
at once would take all of the memory. Knows sizes, not what is in a body or who sent it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import ParamSpec, TypeVar

from shared.errors import Unavailable

T = TypeVar("T")
P = ParamSpec("P")

LARGE_BYTES = 64 * 2**10  # a text of this size is parsed or written within a few milliseconds
# Held twice while a deployment has not answered: as it came, and as it is sent.
MAX_BYTES_UNDER_WAY = 96 * 2**20
# So whatever one caller does, there is room for the largest request of another.
MAX_BYTES_OF_ONE_CALLER = 64 * 2**20
RETRY_AFTER_SECONDS = 5.0
# Two: what is made of a body while it is parsed or written may take ten times its bytes.
_FOR_LARGE = ThreadPoolExecutor(2, "large-body")


class Overloaded(Unavailable):
    """The app itself has no memory left for a request of this size."""


@dataclass(slots=True)
class Bodies:
    """`held`: bytes of all bodies under way that are larger than LARGE_BYTES, and those of each
    caller by name; smaller ones are always admitted."""

    held: int = 0
    by_caller: Counter[str] = field(default_factory=Counter)

    def hold(self) -> "Held":
        return Held(self)


@dataclass(slots=True)
class Held:
    """What one request of `caller` holds of the budget, until it is released; released also by
    `with`."""

    bodies: Bodies
    size: int = 0
    caller: str = ""

    def grow(self, size: int) -> None:
        """The body has that many bytes by now. Raises Overloaded where the budget has no room."""
        more = size - self.size if size > LARGE_BYTES else 0
        if self.bodies.by_caller[self.caller] + more > MAX_BYTES_OF_ONE_CALLER:
            raise _overloaded(f"{self.caller} has", MAX_BYTES_OF_ONE_CALLER)
        if self.bodies.held + more > MAX_BYTES_UNDER_WAY:
            raise _overloaded("The app has", MAX_BYTES_UNDER_WAY)
        self._add(more)

    def pass_on(self) -> "Held":
        """The same bytes, for work that goes on when this one is released."""
        other = Held(self.bodies, self.size, self.caller)
        self.size = 0
        return other

    def release(self) -> None:
        """Only the first call counts."""
        self._add(-self.size)

    def _add(self, size: int) -> None:
        self.size += size
        self.bodies.held += size
        self.bodies.by_caller[self.caller] += size
        if not self.bodies.by_caller[self.caller]:
            del self.bodies.by_caller[self.caller]

    def __enter__(self) -> "Held":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _overloaded(who: str, size: int) -> Overloaded:
    return Overloaded(
        f"{who} {size:,} bytes of large requests under way, as many as there may be.",
        f"Try again in {RETRY_AFTER_SECONDS:.0f} seconds; a request of up to {LARGE_BYTES:,} bytes "
        "is taken at once.",
        retry_after=RETRY_AFTER_SECONDS,
    )


async def in_thread_if_large(
    size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Do the work where it does not stop other streams; a small one is quicker done here."""
    if size <= LARGE_BYTES:
        return work(*args, **kwargs)
    within = partial(copy_context().run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_FOR_LARGE, within)
