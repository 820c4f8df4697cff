"""The list of all runs by age: an empty blob for each, `newest/<time>-<run id>`. The younger the
run, the smaller the name. Knows names, not records.
"""

import logging
import re
from datetime import datetime

from shared.cloud.container import Container
from shared.errors import TunedropError, Unreadable
from shared.printable import shown

log = logging.getLogger(__name__)

PREFIX = "newest/"
CURSOR = re.compile(r"\d{10}-[a-z0-9-]{1,120}")  # the time and the run's id
FAR_FUTURE = 10**10  # epoch seconds; the list counts down from here


async def enter(runs: Container, run_id: str, at: datetime) -> None:
    await runs.put(f"{PREFIX}{cursor_of(at)}-{run_id}", b"", "text/plain")


def cursor_of(at: datetime) -> str:
    """How the cursor begins of what was entered then: the later, the smaller."""
    return f"{FAR_FUTURE - int(at.timestamp()):010d}"


async def cursors(runs: Container, problems: list[TunedropError]) -> dict[str, str]:
    """The cursor of each run by its id, the newest first; what is no entry goes to `problems`."""
    found: dict[str, str] = {}
    async for blob in runs.list(PREFIX):
        cursor = blob.name.removeprefix(PREFIX)
        if CURSOR.fullmatch(cursor):
            # It stands here twice if a worker died between this entry and the run itself.
            found.setdefault(cursor.partition("-")[2], cursor)
        else:
            problems.append(_no_entry(f"{runs.name}/{blob.name}"))
    return found


async def entered_since(runs: Container, since: datetime) -> list[str]:
    """Ids of the runs that were entered since then, the youngest first; the older ones are not even
    listed."""
    oldest = FAR_FUTURE - int(since.timestamp())
    found = []
    async for blob in runs.list(PREFIX):
        at, _, run_id = blob.name.removeprefix(PREFIX).partition("-")
        if CURSOR.fullmatch(f"{at}-{run_id}"):
            if int(at) > oldest:
                break
            found.append(run_id)
    return found


async def remove(runs: Container, run_id: str) -> None:
    """Costs a listing."""
    names = [blob.name async for blob in runs.list(PREFIX)]
    for name in names:
        if name.removeprefix(PREFIX).partition("-")[2] == run_id:
            await runs.delete(name)


def _no_entry(name: str) -> Unreadable:
    error = Unreadable(
        f"{shown(name)} is no entry of the list of runs.",
        "Delete that blob: the app has not made it.",
    )
    log.error("%s", error)
    return error
