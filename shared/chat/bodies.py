"""Bodies of requests under way: one budget of bytes for all of them, in this process.

Work on large ones is done in threads, a few at a time. Without that, some dozens of large requests
at once would take all of the memory. Knows sizes, not what is in a body or who sent it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import ParamSpec, TypeVar

from shared.errors import Unavailable

T = TypeVar("T")
P = ParamSpec("P")

LARGE_BYTES = 64 * 2**10  # a text of this size is parsed or written within a few milliseconds
# Held twice while a deployment has not answered: as it came, and as it is sent.
MAX_BYTES_UNDER_WAY = 64 * 2**20
RETRY_AFTER_SECONDS = 5.0
# Two: what is made of a body while it is parsed or written may take ten times its bytes.
_FOR_LARGE = ThreadPoolExecutor(2, "large-body")


class Overloaded(Unavailable):
    """The app itself has no memory left for a request of this size."""


@dataclass(slots=True)
class Bodies:
    """`held`: bytes of all bodies under way that are larger than LARGE_BYTES; smaller ones are
    always admitted."""

    held: int = 0

    def hold(self) -> "Held":
        return Held(self)


@dataclass(slots=True)
class Held:
    """What one request holds of the budget, until it is released; released also by `with`."""

    bodies: Bodies
    size: int = 0

    def grow(self, size: int) -> None:
        """The body has that many bytes by now. Raises Overloaded where the budget has no room."""
        more = size - self.size if size > LARGE_BYTES else 0
        if self.bodies.held + more > MAX_BYTES_UNDER_WAY:
            raise Overloaded(
                f"The app has {MAX_BYTES_UNDER_WAY:,} bytes of large requests under way.",
                f"Try again in {RETRY_AFTER_SECONDS:.0f} seconds; a request of up to "
                f"{LARGE_BYTES:,} bytes is taken at once.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self.size += more
        self.bodies.held += more

    def pass_on(self) -> "Held":
        """The same bytes, for work that goes on when this one is released."""
        other = Held(self.bodies, self.size)
        self.size = 0
        return other

    def release(self) -> None:
        """Only the first call counts."""
        self.bodies.held -= self.size
        self.size = 0

    def __enter__(self) -> "Held":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


async def in_thread_if_large(
    size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Do the work where it does not stop other streams; a small one is quicker done here."""
    if size <= LARGE_BYTES:
        return work(*args, **kwargs)
    within = partial(copy_context().run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_FOR_LARGE, within)
