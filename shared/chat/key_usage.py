"""How much is used by which key: requests and tokens by day and model, in a log for each day.

    keys/usage/<day>.jsonl   in the models container; `forget` deletes what is old

It is counted in this process and written now and then, a line for all that has come since, beside
the answers: none waits for it or fails with it. A process that is killed loses what it has counted
since the last line. A line bears a name of its own, for one that was written without an
acknowledgement stands there twice. Knows names of keys and models, and nothing of what was said.
"""

import asyncio
import contextvars
import json
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.chat.request_ids import utc_now
from shared.cloud.container import Container
from shared.errors import TunedropError

log = logging.getLogger(__name__)

PLACE = "keys/usage/"
FLUSH_SECONDS = 20.0
LAST_SECONDS = 0.7  # for what is left when the process is ended; the host waits for little more
KEPT_DAYS = 400
MOST_OF_A_LINE = 1_000  # rows; the longest names make less than LONGEST_LINE of them


class Used(NamedTuple):
    """What is counted for itself. `id` is empty for keys of the setting, and `key` for people who
    have signed in, who are counted together."""

    day: str
    key: str
    id: str
    model: str


@dataclass(slots=True)
class Amount:
    requests: int = 0
    tokens: int = 0
    last: str = ""  # when, ISO 8601 in UTC


class KeyUsage:
    def __init__(self, models: Container, clock: Callable[[], datetime] = utc_now) -> None:
        self.models, self.clock = models, clock
        self._counted: dict[Used, Amount] = {}
        self._written: list[tuple[str, str]] = []  # lines that are not acknowledged, by day
        self._process, self._lines = uuid.uuid4().hex[:12], 0
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._away = False  # told already

    def note(self, key: str, id: str, model: str, tokens: int) -> None:
        """A request was answered, or not, and has cost so many tokens. On the event loop; waits for
        nothing."""
        now = self.clock()
        amount = self._counted.setdefault(Used(f"{now:%Y-%m-%d}", key, id, model), Amount())
        amount.requests += 1
        amount.tokens += tokens
        amount.last = now.isoformat(timespec="seconds")
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(
                self._flush_while_there_is_any(), context=contextvars.Context()
            )

    async def flush(self) -> None:
        """Write what was counted. Raises nothing: what cannot be written waits on."""
        async with self._writing:
            try:
                while self._written or self._counted:
                    self._written = self._written or self._lines_of_all()
                    day, line = self._written[0]
                    await self.models.append(f"{PLACE}{day}.jsonl", line)
                    del self._written[0]
                self._away = False
            except TunedropError as error:
                if not self._away:
                    log.warning("the usage of keys is not written yet: %s", error)
                self._away = True
            except Exception:
                log.exception("the usage of keys could not be written")

    async def forget(self) -> None:
        """Delete what is older than KEPT_DAYS, by storage's clock."""
        oldest = await self.models.time() - timedelta(days=KEPT_DAYS)
        async for blob in self.models.list(PLACE):
            if blob.modified < oldest:
                await self.models.delete(blob.name)

    def _lines_of_all(self) -> list[tuple[str, str]]:
        """Takes what was counted; while its lines wait, more is added up behind them."""
        counted, self._counted = self._counted, {}
        lines = []
        for day in sorted({used.day for used in counted}):
            of_day = [(used, amount) for used, amount in counted.items() if used.day == day]
            for start in range(0, len(of_day), MOST_OF_A_LINE):
                lines.append((day, self._line(of_day[start : start + MOST_OF_A_LINE])))
        return lines

    def _line(self, used: list[tuple[Used, Amount]]) -> str:
        self._lines += 1
        rows = [
            [one.key, one.id, one.model, amount.requests, amount.tokens, amount.last]
            for one, amount in used
        ]
        return json.dumps({"line": f"{self._process}-{self._lines}", "used": rows})

    async def _flush_while_there_is_any(self) -> None:
        try:
            while self._counted or self._written:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        except asyncio.CancelledError:  # the process is about to end
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self.flush()
            raise
