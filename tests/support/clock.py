"""The time of a test in memory."""

import asyncio
from datetime import UTC, datetime, timedelta

TURN = 0.001  # seconds of real time that a sleep takes: others have their turn meanwhile


class Clock:
    """It stands still until it is moved; whoever sleeps moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 2, 12, 0, 0, 500_000, UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def after(self, seconds: float) -> datetime:
        return self._now + timedelta(seconds=seconds)

    def advance_to(self, at: datetime) -> None:
        self._now = max(self._now, at)

    def set(self, at: datetime) -> None:
        self._now = at

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(TURN)
