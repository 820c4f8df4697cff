"""A circuit breaker: a backend that keeps failing is not called for a while, so it costs no time.

Closed: calls are allowed. Open: calls are refused until `open_until`. Half-open: one trial call is
allowed; success closes the breaker, failure opens it again. A trial that ends in neither (its
caller left, the backend throttles) decides nothing: the next trial is allowed after OPEN_SECONDS,
so the breaker never stays half-open. Knows nothing of what a call is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURE_THRESHOLD = 5  # failures in a row
OPEN_SECONDS = 15.0


@dataclass(slots=True)
class CircuitBreaker:
    """The breaker of one backend. `clock` is in seconds."""

    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    open_until: float = 0.0

    def retry_in(self) -> float:
        """Seconds until a call is allowed; 0 if it is allowed now."""
        return max(0.0, self.open_until - self.clock())

    def record_attempt(self) -> None:
        """An allowed call begins. After an open period it is the trial: other calls must wait."""
        self._open_if_failing()

    def record_success(self) -> None:
        self.failures = 0
        self.open_until = 0.0

    def record_failure(self) -> None:
        self.failures += 1
        self._open_if_failing()

    def _open_if_failing(self) -> None:
        if self.failures >= FAILURE_THRESHOLD:
            self.open_until = self.clock() + OPEN_SECONDS
