"""Refused requests: counted, and told in the log once a minute at most, however many there are.

A line for each would fill a day's log within hours, and then nothing else would be seen either.
Knows codes and names, not why a request was refused.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable

from shared import telemetry

log = logging.getLogger(__name__)

LINE_EVERY_SECONDS = 60.0  # for each code


class Refusals:
    """The refusals of one process. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._untold: Counter[str] = Counter()
        self._told_at: dict[str, float] = {}

    def add(self, code: str, caller: str, request_id: str) -> None:
        """Count a refusal. `code` is one of the stable ones, `caller` a key's name or empty."""
        telemetry.measure("tunedrop.chat.refusals", code=code, caller=caller)
        self._untold[code] += 1
        now = self.clock()
        if now - self._told_at.get(code, -LINE_EVERY_SECONDS) < LINE_EVERY_SECONDS:
            return
        self._told_at[code] = now
        count = self._untold.pop(code)
        log.info(
            "refused with %s since the last such line: %d, at last %s", code, count, request_id
        )
