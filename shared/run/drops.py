"""Which drops were taken, and which were missed because their event was lost.

    drops/<model>/<digest>   in the runs container: the folder was taken as it was then

The digest is of the names and etags of the folder's files, so two listings say everything: nothing
is read to find out that nothing was missed. Knows what was taken, not what became of it.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from datetime import timedelta

from shared.cloud.container import Container
from shared.run.context import Context
from shared.run.folder import DropRole, Folder, look_everywhere

MOST = 200  # drops that one sweep takes; the next ones take the others
GRACE_SECONDS = 60.0  # beyond the quiet period, in which the event may still come by itself


class Drops:
    def __init__(self, runs: Container) -> None:
        self.runs = runs

    async def taken(self, folder: Folder) -> bool:
        """Whether a run was made of the folder as it is. One that makes none is looked at again by
        each event, which explains it again, and not by the sweep."""
        if [name async for name in self._names(f"{folder.model}/")] != [_name(folder)]:
            return False
        noted = await self.runs.read(_name(folder))
        return noted is not None and noted.data != b""

    async def take(self, folder: Folder, run_id: str) -> None:
        """Note that the folder was taken as it is; `run_id` is empty where it makes no run."""
        await self.runs.put(_name(folder), run_id.encode(), "text/plain")
        async for name in self._names(f"{folder.model}/"):
            if name != _name(folder):
                await self.runs.delete(name)

    async def all(self) -> set[str]:
        return {name async for name in self._names()}

    async def _names(self, under: str = "") -> AsyncIterator[str]:
        async for blob in self.runs.list(f"drops/{under}"):
            yield blob.name


async def missed(ctx: Context) -> list[str]:
    """A path of each drop that should have been taken by now, by storage's clock, and was not."""
    settings = ctx.settings
    grace = settings.quiet_seconds + min(GRACE_SECONDS, settings.sweep_seconds)
    folders, strange = await look_everywhere(ctx.clients.datasets)
    paths: list[str] = []
    taken = await Drops(ctx.clients.runs).all()
    # Both times are cut to seconds: it may be a second later than is told.
    before = await ctx.clients.datasets.time() + timedelta(seconds=1 - grace)
    for folder in folders:
        if folder.last_touched < before and _name(folder) not in taken:
            paths.append(_path(folder))
        await asyncio.sleep(0)  # there may be very many: chats go on
    some = _some(paths, MOST)  # first, whoever may have filled the place with strange names
    return [*some, *_some(strange, MOST - len(some))]


def _some(paths: list[str], most: int) -> list[str]:
    """By chance, so that none which fail again and again are always before the others."""
    return paths if len(paths) <= most else random.sample(paths, most)


def _path(folder: Folder) -> str:
    """The file to name when the folder is taken: its training file, if it has one."""
    blob = folder.newest.get(DropRole.TRAINING) or next(iter(folder.newest.values()))
    return blob.name


def _name(folder: Folder) -> str:
    parts = sorted(f"{blob.name} {blob.etag}" for blob in folder.newest.values())
    return f"drops/{folder.model}/{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:16]}"
