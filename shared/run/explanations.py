"""What is told of drops that were not taken, held against what lies there at each sweep: what holds
no longer goes; what stands beside a blob, and was pushed out of the list by others, comes back into
it where there is room; and what has none is counted.

Knows what was told, not why.
"""

import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from shared.errors import DropError, Newer, TunedropError, Unreadable
from shared.printable import shown
from shared.run import problems
from shared.run.context import Context
from shared.run.drops import Due
from shared.run.folder import problem_name
from shared.run.refusals import KEPT, Kind, Refusals, paths, place, refusal, still_there

log = logging.getLogger(__name__)

LONGEST = 2_000  # characters of an explanation that the list repeats


async def sweep(due: Due, ctx: Context) -> None:
    """By what lay there when `due` was found: who came since has told or settled it."""
    listed = Refusals(ctx.clients.runs)
    there = {path for name in due.seen.names for path in paths(name)}
    for path in await listed.entries():
        await _each(_clear(path, there, listed, ctx), path)
    for name in due.stale:
        await _each(_settle(name, due, ctx), name)
    await listed.keep_hidden(await _list_again(due, listed, ctx))


async def _each(work: Coroutine[Any, Any, None], name: str) -> None:
    """One that cannot be cleared keeps no other from it."""
    try:
        await work
    except TunedropError as error:
        log.error("what is told of %s stays as it is: %s", shown(name), error)


async def _clear(path: str, there: set[str], listed: Refusals, ctx: Context) -> None:
    """What is no longer there needs no explanation; what cannot be read is none."""
    try:
        one = await listed.entry(path)
    except Newer:
        return
    except Unreadable:
        await listed.remove(path)
        return
    if one and path not in there and not await still_there(one.name, ctx.clients.datasets):
        await problems.gone(one.name, ctx)


async def _settle(name: str, due: Due, ctx: Context) -> None:
    """Unless it was told anew since."""
    beside = await ctx.clients.datasets.info(problem_name(name))
    if beside and beside.modified == due.seen.explained[beside.name]:
        await problems.gone(name, ctx)


async def _list_again(due: Due, listed: Refusals, ctx: Context) -> Counter[str]:
    """The newest first, as far as there is room; how many of each model have none."""
    entries = set(await listed.entries())
    room = Counter({kind.value: KEPT for kind in Kind})
    room.subtract(entry.split("/")[1] for entry in entries)
    hidden = Counter[str]()
    told = [told for told in due.explained if entries.isdisjoint(paths(told.blob.name))]
    for one in sorted(told, key=lambda one: one.blob.modified, reverse=True):
        model, kind = place(one.blob.name)
        if room[kind] <= 0:
            hidden[model] += 1
        elif text := await ctx.clients.datasets.read(problem_name(one.blob.name)):
            said = DropError(text.data.decode(errors="replace").strip()[:LONGEST])
            await listed.note(refusal(one.blob.name, said, ctx.now(), waits=one.waits))
            room[kind] -= 1
    return hidden
