"""How much a caller may use: requests and tokens per minute, counted in this process.

What a chat will cost is known when it has ended. Until then an estimate is reserved: otherwise
a hundred chats at once would all be admitted by the last token of a bucket. Knows neither HTTP nor
keys.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from shared.chat import cost
from shared.chat.protocol import RateLimitExceeded


@dataclass(slots=True)
class TokenBucket:
    """Refills evenly, up to the amount of one minute. Its level may be negative: a debt, which has
    to be waited out."""

    per_minute: float
    filled_at: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.per_minute

    def change(self, per_minute: float) -> None:
        """Another limit counts from now on: as full as it was, a debt is waited out as long as it
        would have been."""
        self.level *= per_minute / self.per_minute
        self.per_minute = per_minute

    def take(self, amount: float, now: float) -> float:
        """Take the amount and return 0, or take nothing from an empty bucket and return the seconds
        until there is something in it. The amount may be more than what is there."""
        per_second = self.per_minute / 60
        self.level = min(self.per_minute, self.level + (now - self.filled_at) * per_second)
        self.filled_at = now
        if self.level < 1:
            return (1 - self.level) / per_second
        self.level -= amount
        return 0.0


@dataclass(slots=True)
class Reservation:
    """Tokens that are out of a bucket until it is known what a chat has cost. `clock` is in
    seconds."""

    bucket: TokenBucket | None
    tokens: int
    clock: Callable[[], float]
    made_at: float
    settled: bool = False
    note: Callable[[int], None] | None = None

    def settle(self, tokens: int) -> None:
        """Charge that much instead, and note it. Of a chat only the first call counts."""
        if self.settled:
            return
        self.settled = True
        if self.bucket:
            self.bucket.level += self.tokens - tokens
        if self.note:
            self.note(tokens)

    def abandon(self, come: int, prompt: int, answers: int) -> None:
        """Nobody waits for the chat any more: charge what it may have cost by now, at most what is
        reserved, and at least what has come: otherwise a caller who leaves would have the service
        work for nothing."""
        made = prompt + cost.of_unfinished(answers, self.clock() - self.made_at)
        self.settle(max(come, min(self.tokens, made)))


class Limits:
    """The buckets of all callers, by their names. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.buckets: dict[tuple[str, str], TokenBucket] = {}

    def take(self, name: str, unit: str, per_minute: int | None, amount: int) -> TokenBucket | None:
        """Take from a caller's bucket, never more than it holds when full; the bucket, or None
        where there is no limit. Raises RateLimitExceeded if it is empty."""
        if per_minute is None:
            return None
        key, now = (name, unit), self.clock()
        bucket = self.buckets.setdefault(key, TokenBucket(per_minute, now))
        if bucket.per_minute != per_minute:
            bucket.change(per_minute)
        if wait := bucket.take(min(amount, per_minute), now):
            raise RateLimitExceeded(
                f"{name} may use {per_minute} {unit} per minute; they are used, or reserved for "
                "chats under way.",
                "Try again in 1 second." if wait <= 1 else f"Try again in {ceil(wait)} seconds.",
                wait,
                name,
            )
        return bucket

    def reserve(self, name: str, per_minute: int | None, tokens: int) -> Reservation:
        """Raises RateLimitExceeded."""
        bucket = self.take(name, "tokens", per_minute, tokens)
        return Reservation(bucket, min(tokens, per_minute or 0), self.clock, self.clock())
