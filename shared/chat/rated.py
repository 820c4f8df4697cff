"""A model's rated answers, read out of what is remembered, page by page.

What is held at once are the ratings, a digest of each example, and a page. A line that cannot be
read is left out and counted, with the name of its blob in the app's log. Parsing runs in a thread:
it can take seconds, and other streams must go on.
"""

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, TypeVar

from shared.chat.examples import LeftOut, Method, Reason, rated_example, source
from shared.cloud.container import Container
from shared.printable import shown

log = logging.getLogger(__name__)

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

Read = TypeVar("Read")
Rated = tuple[str, str]  # an example, and where it comes from; each as a line of JSON


class Export(NamedTuple):
    """What is known while an export is made: the last rating of each answer by its id, what it is
    for, the digests of its examples, and how many rated answers are left out, by Reason."""

    ratings: dict[str, dict[str, Any]]
    method: Method
    seen: set[bytes]
    left_out: Counter[str]


async def pages(
    container: Container, model: str, method: Method, left_out: Counter[str]
) -> AsyncIterator[list[Rated]]:
    """Rated answers as examples, each with where it comes from. No example comes twice; the last
    rating of an answer counts. `left_out` is added to."""
    work = Export({}, method, set(), left_out)
    async for name, lines in _logs(container, f"ratings/{model}/"):
        await asyncio.to_thread(_ratings, name, lines, work)
    async for name, lines in _logs(container, f"conversations/{model}/"):
        if page := await asyncio.to_thread(_rated, name, lines, work):
            yield page


async def _logs(container: Container, prefix: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The lines of the logs that begin with this, however large those are, each page with the
    name of its log."""
    async for log_blob in container.list(prefix):
        async for lines in container.lines(log_blob.name):
            yield log_blob.name, lines


def _ratings(name: str, lines: list[bytes], work: Export) -> None:
    """Add those that are newer than what is there: the parts of a log come in no order of time."""
    for id, rating in _each(name, lines, lambda line: (str(line["id"]), dict(line)), work):
        known = work.ratings.get(id)
        if known is None or str(rating.get("at")) >= str(known.get("at")):
            work.ratings[id] = rating


def _rated(name: str, lines: list[bytes], work: Export) -> list[Rated]:
    """The examples that come of these conversations and are new; their digests are added to
    `seen`."""

    def read(conversation: dict[str, Any]) -> tuple[bytes, Rated] | None:
        rating = work.ratings.get(conversation["id"])
        made = rated_example(conversation, rating, work.method) if rating else None
        return _as_lines(made, source(conversation, rating)) if rating and made else None

    examples = []
    for digest, example in _each(name, lines, read, work):
        if digest not in work.seen:
            work.seen.add(digest)
            examples.append(example)
    return examples


def _as_lines(example: dict[str, Any], origin: dict[str, Any]) -> tuple[bytes, Rated]:
    """The example's digest, and both as they are written. Raises ValueError for what cannot be:
    half of a surrogate pair, a number that is none."""
    text = json.dumps(example, sort_keys=True, allow_nan=False)
    lines = (json.dumps(example, ensure_ascii=False), json.dumps(origin, ensure_ascii=False))
    "".join(lines).encode()
    return hashlib.sha256(text.encode()).digest(), lines


def _each(
    name: str, lines: list[bytes], read: Callable[[dict[str, Any]], Read | None], work: Export
) -> list[Read]:
    """What is read out of each line, without those that can be no example or cannot be read."""
    found, bad = [], 0
    for line in lines:
        try:
            if (one := read(json.loads(line))) is not None:
                found.append(one)
        except LeftOut as left:
            work.left_out[left.reason] += 1
        except UNREADABLE:
            bad += 1
    if bad:
        work.left_out[Reason.UNREADABLE] += bad
        log.error("%d lines of %s cannot be read and are left out", bad, shown(name))
    return found
