"""Remembers which deployments have lately failed, so that a broken one costs nobody any time."""

import time
from collections.abc import Callable

FAILURES = 5  # in a row
REST_SECONDS = 15.0


class Circuits:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._failures: dict[str, int] = {}
        self._closed_until: dict[str, float] = {}

    def rests(self, deployment: str) -> float:
        """Seconds for which the deployment should be left alone; 0 if it may be asked.

        After a rest the first caller tries it: `began` shuts it again until that try has ended.
        """
        return max(0.0, self._closed_until.get(deployment, 0.0) - self.now())

    def began(self, deployment: str) -> None:
        if self._failures.get(deployment, 0) >= FAILURES:
            self._closed_until[deployment] = self.now() + REST_SECONDS

    def worked(self, deployment: str) -> None:
        self._failures.pop(deployment, None)
        self._closed_until.pop(deployment, None)

    def failed(self, deployment: str) -> None:
        self._failures[deployment] = self._failures.get(deployment, 0) + 1
        if self._failures[deployment] >= FAILURES:
            self._closed_until[deployment] = self.now() + REST_SECONDS
