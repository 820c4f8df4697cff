"""Which drops were taken, and which only the sweep can take: their event was lost, or none comes.

    drops/<model>/<digest>   in the runs container: the folder was taken as it was then

The digest is of the names and etags of the folder's files, so two listings say everything: nothing
is read to find out that nothing was missed. What it holds tells what lay there, so that a folder of
which something was removed since is none that was missed. Knows what was taken, not what became of
it.
"""

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from shared.cloud.container import BlobInfo, BlobKind, Container
from shared.cloud.documents import Document, as_json
from shared.errors import TunedropError
from shared.run.context import Context
from shared.run.folder import DropRole, Everything, Folder, look_everywhere, problem_name
from shared.run.waiting import Obstacle, obstacles

log = logging.getLogger(__name__)

MOST = 200  # drops that one sweep takes; the next ones take the others
IN_A_ROW = 500  # names that are judged before others have their turn
GRACE_SECONDS = 60.0  # beyond the quiet period, in which the event may still come by itself


class Mark(Document):
    """That a folder was taken: its run, if it made one, the blobs of it that were `refused`, and
    each version of a blob that lay there, as digits."""

    run_id: str = ""
    refused: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


class Drops:
    def __init__(self, runs: Container) -> None:
        self.runs = runs

    async def taken(self, folder: Folder) -> bool:
        """Whether a run was made of the folder as it is. One that makes none is looked at again by
        each event, which explains it again, and not by the sweep."""
        mark = await self.mark(_name(folder))
        return mark is not None and mark.run_id != ""

    async def only_lacks(self, folder: Folder) -> bool:
        """Whether the folder was taken before, and nothing in it is new since: something was
        removed. Nobody has dropped anything, so nothing is to be trained."""
        names = [name async for name in self._names(f"{folder.model}/")]
        if _name(folder) in names:
            return False
        marks = [mark for name in names if (mark := await self.mark(name))]
        known = {version for mark in marks for version in mark.versions}
        return _versions(folder) <= known

    async def take(self, folder: Folder, run_id: str, refused: tuple[str, ...] = ()) -> None:
        """Note that the folder was taken as it is; `run_id` is empty where it makes no run. It is
        so from the first write on: marks of before are in nobody's way."""
        mark = Mark(run_id=run_id, refused=refused, versions=tuple(sorted(_versions(folder))))
        await self.runs.put(_name(folder), as_json(mark), "application/json")
        try:
            async for name in self._names(f"{folder.model}/"):
                if name != _name(folder):
                    await self.runs.delete(name)
        except TunedropError as error:
            log.warning("older marks of %s are left for now: %s", folder.model, error)

    async def mark(self, name: str) -> Mark | None:
        """What a mark holds. Earlier versions of the app wrote the run's id alone."""
        noted = await self.runs.read(name)
        if noted is None:
            return None
        try:
            return Mark.model_validate_json(noted.data)
        except ValidationError:
            return Mark(run_id=noted.data.decode(errors="replace"))

    async def all(self) -> set[str]:
        return {name async for name in self._names()}

    async def _names(self, under: str = "") -> AsyncIterator[str]:
        async for blob in self.runs.list(f"drops/{under}"):
            yield blob.name


@dataclass(frozen=True)
class Told:
    """A blob beside which it stands why it was not taken; `waits` where the app looks again."""

    blob: BlobInfo
    waits: bool = False


@dataclass(frozen=True)
class Due:
    """A path of each drop that should have been taken by now, and was not. Of those in `missed` the
    event was lost; those in `waited` had something in their way, which raises none when it ends.
    `seen` is what lay there; `explained`, of that, what was not taken; `stale`, the names of what
    was, although an explanation stands beside it."""

    missed: list[str]
    waited: list[str]
    seen: Everything
    explained: list[Told]
    stale: list[str]


async def due(ctx: Context) -> Due:
    """By storage's clock."""
    settings, datasets = ctx.settings, ctx.clients.datasets
    quiet = timedelta(seconds=settings.quiet_seconds)
    grace = quiet + timedelta(seconds=min(GRACE_SECONDS, settings.sweep_seconds))
    everything = await look_everywhere(datasets)
    drops = Drops(ctx.clients.runs)
    taken = await drops.all()
    marked = {name.split("/")[1] for name in taken}
    now = await datasets.time()
    missed, waited = [], []
    for folder in everything.folders:
        # Both times are cut to seconds: it may be a second later than is told.
        touched = folder.last_touched + grace >= now + timedelta(seconds=1)
        untaken = not touched and _name(folder) not in taken
        if untaken and not (folder.model in marked and await drops.only_lacks(folder)):
            found = list(obstacles(folder, now, quiet, ctx.policy))
            if not found and not _has_waited(folder):
                missed.append(_path(folder))
            elif not found or _is_untold(found, everything):
                waited.append(_path(folder))
        await asyncio.sleep(0)  # there may be very many: chats go on
    some = _some(missed, MOST)  # first, whoever may have filled the place with strange names
    others = _some(waited, MOST - len(some))
    left = MOST - len(some) - len(others)
    strange = await _unexplained(everything)
    unexplained = set(strange)
    explained = [Told(blob) for blob in everything.strange if blob.name not in unexplained]
    stale: list[str] = []
    for folder in everything.folders:
        told, settled = await _told(folder, everything, taken, drops)
        explained += told
        stale += settled
    return Due([*some, *_some(strange, left)], others, everything, explained, stale)


async def _told(
    folder: Folder, everything: Everything, taken: set[str], drops: Drops
) -> tuple[list[Told], list[str]]:
    """What stands beside the folder's files and is so; and beside which it is so no more."""
    blobs = [b for b in folder.newest.values() if problem_name(b.name) in everything.explained]
    if not blobs:
        return [], []
    name = _name(folder)
    mark = await drops.mark(name) if name in taken else None
    if mark is None or not (mark.run_id or mark.refused):
        waits = mark is None
        return [Told(blob, waits) for blob in blobs if everything.is_explained(blob)], []
    refused = [blob for blob in blobs if blob.name in mark.refused]
    return [Told(blob) for blob in refused], [b.name for b in blobs if b not in refused]


def _has_waited(folder: Folder) -> bool:
    """Whether no event could take it as it is: it has grown, or was rehydrated."""
    blobs = folder.newest.values()
    return any(b.kind is BlobKind.APPEND or _was_moved(b) for b in blobs)


def _was_moved(blob: BlobInfo) -> bool:
    """To another tier, after it was written; what was written to a tier has that time as well."""
    return blob.tier_changed is not None and blob.tier_changed > blob.modified


def _is_untold(found: list[Obstacle], everything: Everything) -> bool:
    return any(o.error and not everything.is_explained(o.blob) for o in found)


async def _unexplained(everything: Everything) -> list[str]:
    names = []
    for number, blob in enumerate(everything.strange):
        if not everything.is_explained(blob):
            names.append(blob.name)
        if number % IN_A_ROW == 0:
            await asyncio.sleep(0)
    return names


def _some(paths: list[str], most: int) -> list[str]:
    """By chance, so that none which fail again and again are always before the others."""
    return paths if len(paths) <= most else random.sample(paths, most)


def _path(folder: Folder) -> str:
    """The file to name when the folder is taken: its training file, if it has one."""
    blob = folder.newest.get(DropRole.TRAINING) or next(iter(folder.newest.values()))
    return blob.name


def _versions(folder: Folder) -> set[str]:
    """Of all that has a place in a drop, the older files too."""
    blobs = [*folder.newest.values(), *(blob for _, blob in folder.older)]
    return {hashlib.sha256(f"{b.name} {b.etag}".encode()).hexdigest()[:16] for b in blobs}


def _name(folder: Folder) -> str:
    parts = sorted(f"{blob.name} {blob.etag}" for blob in folder.newest.values())
    return f"drops/{folder.model}/{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:16]}"
