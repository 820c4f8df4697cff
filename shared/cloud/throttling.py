"""What a service says about when to ask again. Knows headers and sentences, not who asks."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
# Azure has spelled the second kind with and without a hyphen; gateways use either.
_RESETS = ("x-ratelimit-reset-", "x-rate-limit-reset-")
_REMAINING = "x-ratelimit-remaining-"
_DURATION = re.compile(
    r"\A(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_SENTENCE = re.compile(r"(?:retry after|try again in) (\d{1,9}(?:\.\d+)?) ?s", re.IGNORECASE)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now; None where nothing readable was said.

    Azure OpenAI sends `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` in seconds or as a
    date, or none of them.
    """
    for name in _MILLISECONDS:
        if (milliseconds := _number(headers.get(name, ""))) is not None:
            return milliseconds / 1000
    said = headers.get("retry-after", "")
    if (seconds := _number(said)) is not None:
        return seconds
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    return None


def throttled_for(headers: Mapping[str, str], sentence: str = "") -> float | None:
    """The same of an answer with status 429. Where it has no pause, the time until its limits are
    reset, or what its `sentence` says ("Please retry after 45 seconds")."""
    said = retry_after(headers)
    if said is None:
        said = max(_resets(headers), default=None)
    if said is None and (found := _SENTENCE.search(sentence)):
        said = float(found[1])
    return said


def _resets(headers: Mapping[str, str]) -> Iterator[float]:
    """Seconds until a limit is reset: of those that are used up, otherwise of all. 0 or less is
    what the service sends where it does not know."""
    resets = {kind: found for kind in ("requests", "tokens") if (found := _reset(headers, kind))}
    used_up = [kind for kind in resets if headers.get(f"{_REMAINING}{kind}") == "0"]
    return (resets[kind] for kind in used_up or resets)


def _reset(headers: Mapping[str, str], kind: str) -> float | None:
    said = next((headers[f"{r}{kind}"] for r in _RESETS if f"{r}{kind}" in headers), "").strip()
    if said and (parts := _DURATION.fullmatch(said)):
        units = (3600.0, 60.0, 1.0, 0.001)
        seconds = (float(p) * unit for p, unit in zip(parts.groups("0"), units, strict=True))
        return _number(str(sum(seconds)))
    return _number(said)


def _number(said: str) -> float | None:
    """At least 0; None for what is no number, or for infinity: nobody can wait for that."""
    with suppress(ValueError):
        number = float(said)
        return max(0.0, number) if isfinite(number) else None
    return None
