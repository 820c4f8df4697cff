"""The emulator's time, which can be moved forward. Knows nothing of what is timed.

Every delay of the emulated service (a file being processed, a deployment being created, the life of
a deployment) is computed from a stored timestamp and this clock when it is asked for. So one object
decides what time it is, and one call can move it forward by fifteen days.
"""

import time
from datetime import UTC, datetime

from .store import Store


def iso_date(seconds: float) -> str:
    """A moment in the control plane's format."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


class Clock:
    """Seconds since the epoch, as the emulated service sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        stored = store.get("setting", "clock")
        self._ahead: float = stored["ahead"] if stored else 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def seconds(self) -> int:
        """Now, as the whole seconds that the API's timestamps are made of."""
        return int(self.now())

    @property
    def ahead(self) -> float:
        """How far this clock is in front of the machine's."""
        return self._ahead

    def advance(self, seconds: float) -> None:
        self._set(self._ahead + seconds)

    def reset(self) -> None:
        self._set(0.0)

    def _set(self, ahead: float) -> None:
        self._ahead = ahead
        self._store.put("setting", "clock", {"ahead": ahead})
