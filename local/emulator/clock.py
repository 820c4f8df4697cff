"""The emulator's time. Knows nothing of what is timed.

Every delay of the emulated service (a file being processed, a deployment being created) is computed
from a stored timestamp and this clock when somebody looks, so one object decides what time it is.
"""

import time


class Clock:
    """Seconds since the epoch, as the emulated service sees them."""

    def now(self) -> float:
        return time.time()

    def seconds(self) -> int:
        """Now, as the whole seconds that the API's timestamps are made of."""
        return int(self.now())
