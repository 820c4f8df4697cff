"""Listings that come in pages: each item once, and an end even where the pages have none.

A gateway that ignores the cursor, or a service whose index lags, gives the same page again and
says each time that there is more; an SDK's own iteration would ask for ever. Knows no listing.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import TypeVar

T = TypeVar("T")


async def each_once(listed: AsyncIterable[T], key: Callable[[T], object]) -> AsyncIterator[T]:
    """The items in their order. The listing is over once as many in a row as are known have brought
    nothing new: that is one page more where the first is repeated."""
    known: set[object] = set()
    repeated = 0
    async for item in listed:
        if key(item) not in known:
            known.add(key(item))
            repeated = 0
            yield item
            continue
        repeated += 1
        if repeated >= len(known):
            return
