"""What is told of a drop that was not taken: in its `….problem.txt` beside it, and in the list of
refusals, which is written first: what is explained beside a blob is not looked at again.

Knows how it is told, not what is wrong.
"""

import logging

from shared.errors import Conflict, DropError, Refused, TunedropError
from shared.printable import shown
from shared.run import notify
from shared.run.context import Context
from shared.run.folder import Folder, problem_name
from shared.run.refusals import Kind, Refusals, refusal

log = logging.getLogger(__name__)


async def explain(path: str, error: DropError, ctx: Context, *, waits: bool = False) -> None:
    """`waits` where the app looks again by itself."""
    log.warning("drop not taken: %s", error.message)
    await notify.of_refusal(path, error, ctx, waits=waits)
    await _tell(path, error, ctx, waits=waits)


async def not_taken(path: str, error: Exception, ctx: Context) -> None:
    """The host calls again up to five times, then the sweep does; the reason is beside it."""
    kind = type(error).__name__
    log.error("%s could not be taken: %s", shown(path), kind)
    reason = f"{kind}: {error}" if isinstance(error, TunedropError) else f"{kind}."
    message = f"{shown(path)} could not be taken yet. {reason}"
    told = DropError(message, "It is tried again by itself.")
    try:
        if not await _is_explained(path, ctx):  # or else by what is wrong with the drop itself
            await _put(path, told, ctx)
            await _note(path, told, ctx, waits=True)
    except Exception as second:  # noqa: BLE001 - storage may be what is wrong; the first counts
        log.error("nor could that be told: %s", type(second).__name__)


async def leave_out(names: list[str], ctx: Context) -> None:
    """Files that are in no run, for newer ones of their kind were taken."""
    for name in names:
        message = f"{shown(name)} is left out: a drop has one such file, and a newer one was taken."
        error = DropError(
            message, "Put all lines into one file, or delete the newer and drop this again."
        )
        await _tell(name, error, ctx, Kind.LEFT_OUT)


async def gone(name: str, ctx: Context) -> None:
    """What was in the way of an earlier drop, or of this one for a while, is so no more."""
    await _remove(name, ctx)
    await Refusals(ctx.clients.runs).forget(name)


async def settle(folder: Folder, refused: tuple[str, ...], ctx: Context) -> None:
    """A folder was taken, but for the files that were refused: nothing else of its drops is in
    anybody's way. What was left out is told of for as long as it lies there and is older."""
    listed = Refusals(ctx.clients.runs)
    noted = await listed.of_model(folder.model, Kind.DROP) - set(refused)
    left = await listed.of_model(folder.model, Kind.LEFT_OUT)
    noted |= left - {blob.name for _, blob in folder.older}
    for name in sorted({blob.name for blob in folder.newest.values()} - {*refused, *noted}):
        await _remove(name, ctx)
    for name in sorted(noted):
        await gone(name, ctx)


async def _remove(name: str, ctx: Context) -> None:
    """An explanation that somebody keeps from being deleted (a lease, a policy) keeps nothing from
    being taken, nor in the list."""
    try:
        await ctx.clients.datasets.delete(problem_name(name))
    except (Conflict, Refused) as error:
        log.warning("%s stays: %s", shown(problem_name(name)), error)


async def _is_explained(path: str, ctx: Context) -> bool:
    blob = await ctx.clients.datasets.info(path)
    beside = await ctx.clients.datasets.info(problem_name(path))
    return bool(blob and beside and beside.modified >= blob.modified)


async def _tell(
    path: str, error: DropError, ctx: Context, kind: Kind | None = None, *, waits: bool = False
) -> None:
    await _note(path, error, ctx, kind, waits=waits)
    await _put(path, error, ctx)


async def _note(
    path: str, error: DropError, ctx: Context, kind: Kind | None = None, *, waits: bool = False
) -> None:
    noted = refusal(path, error, ctx.now(), waits=waits)
    await Refusals(ctx.clients.runs).note(noted, kind)


async def _put(path: str, error: DropError, ctx: Context) -> None:
    await ctx.clients.datasets.put(
        problem_name(path), f"{error}\n".encode(), "text/plain; charset=utf-8"
    )
