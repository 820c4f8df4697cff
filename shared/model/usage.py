"""When versions were last chatted with: a blob for each, empty, whose time is what it tells.

    used/<model>@<n>   in the models container

Written a minute after the last time at the soonest, by each process, beside the answers: none waits
for it or fails with it. Chats that go to the deployment past this app are not seen.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable
from datetime import datetime

from shared.cloud.container import Container
from shared.errors import TunedropError

log = logging.getLogger(__name__)

USED = "used/"
PAUSE_SECONDS = 60.0  # between two writes of a process for one version


class LastUses:
    """`clock` is in seconds."""

    def __init__(self, models: Container, clock: Callable[[], float] = time.monotonic) -> None:
        self.models, self.clock = models, clock
        self._noted: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, name: str) -> None:
        """Somebody was answered by NAME@VERSION. Waits for nothing."""
        last = self._noted.get(name)
        if last is not None and self.clock() - last < PAUSE_SECONDS:
            return
        self._noted[name] = self.clock()
        # With a context of its own: it is no part of the chat's trace.
        task = asyncio.get_running_loop().create_task(
            self._write(name), context=contextvars.Context()
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def written(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._tasks)

    async def _write(self, name: str) -> None:
        try:
            await note_use(self.models, name)
        except TunedropError as error:
            self._noted.pop(name, None)  # the next chat tries again
            log.warning("that %s is used could not be noted: %s", name, error)
        except Exception:
            log.exception("noting that %s is used went wrong", name)


async def note_use(models: Container, name: str) -> None:
    """NAME@VERSION is used now. Raises Unavailable."""
    await models.put(f"{USED}{name}", b"", "text/plain")


async def last_uses(models: Container, name: str = "") -> dict[tuple[str, int], datetime]:
    """By model and number, in UTC, by storage's clock; of one model or of all. One listing. Raises
    Unavailable."""
    found = dict[tuple[str, int], datetime]()
    async for blob in models.list(f"{USED}{name}@" if name else USED):
        model, _, number = blob.name.removeprefix(USED).partition("@")
        if number.isdecimal() and len(number) <= 9:
            found[model, int(number)] = blob.modified
    return found
