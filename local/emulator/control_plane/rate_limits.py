"""What a deployment has used of its requests and tokens in the last minute, and the headers that
tell it (S-HEADERS).

Counted always; calls beyond the limit are refused only if the settings say so. Kept in memory: a
minute is over soon after a restart. Knows no chat.
"""

from collections import deque
from dataclasses import dataclass, field

from ..core.errors import InferenceError

TOKENS_PER_UNIT = 1000  # one unit of capacity is 1K tokens per minute
RENEWAL_SECONDS = 60


@dataclass
class Used:
    """Of one deployment: when, and how many tokens; a request is noted before its tokens are."""

    requests: deque[float] = field(default_factory=deque)
    tokens: deque[tuple[float, int]] = field(default_factory=deque)

    def forget(self, now: float) -> None:
        while self.requests and self.requests[0] <= now - RENEWAL_SECONDS:
            self.requests.popleft()
        while self.tokens and self.tokens[0][0] <= now - RENEWAL_SECONDS:
            self.tokens.popleft()


class RateLimits:
    def __init__(self) -> None:
        self._used: dict[str, Used] = {}

    def request(self, name: str, capacity: int, now: float, *, enforced: bool) -> None:
        """Counts a call. Raises InferenceError if it is one too many."""
        used = self._by_now(name, now)
        if enforced and len(used.requests) >= capacity:
            raise _too_many(capacity, max(1, int(used.requests[0] + RENEWAL_SECONDS - now) + 1))
        used.requests.append(now)

    def headers(self, name: str, capacity: int, now: float, tokens: int) -> dict[str, str]:
        """After so many more tokens."""
        used = self._by_now(name, now)
        used.tokens.append((now, tokens))
        limit, taken = capacity * TOKENS_PER_UNIT, sum(count for _, count in used.tokens)
        return {
            "x-ratelimit-limit-requests": str(capacity),
            "x-ratelimit-limit-tokens": str(limit),
            "x-ratelimit-remaining-requests": str(max(0, capacity - len(used.requests))),
            "x-ratelimit-remaining-tokens": str(max(0, limit - taken)),
        }

    def _by_now(self, name: str, now: float) -> Used:
        used = self._used.setdefault(name.lower(), Used())
        used.forget(now)
        return used


def _too_many(capacity: int, pause: int) -> InferenceError:
    refusal = InferenceError(
        429, "429", "Requests have exceeded the call rate limit of the deployment."
    )
    refusal.headers = {
        "Retry-After": str(pause),
        "retry-after-ms": str(pause * 1000),
        "x-ratelimit-limit-requests": str(capacity),
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": str(pause),
    }
    return refusal
