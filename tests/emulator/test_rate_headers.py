"""What a deployment's rate limits say of themselves, in the headers of an answer."""

import pytest

from local.emulator.control_plane.rate_limits import RateLimits
from local.emulator.core.errors import InferenceError

LIMITS = ("x-ratelimit-limit-requests", "x-ratelimit-limit-tokens")
LEFT = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens")


def asked(rates: RateLimits, now: float, tokens: int = 100, name: str = "mine") -> dict[str, str]:
    rates.request(name, 3, now, enforced=False)
    return rates.headers(name, 3, now, tokens)


def left(headers: dict[str, str]) -> list[int]:
    return [int(headers[name]) for name in LEFT]


def test_what_is_left_becomes_less_and_comes_back_after_a_minute() -> None:
    rates = RateLimits()
    first = asked(rates, 0)
    assert [first[name] for name in LIMITS] == ["3", "3000"]
    assert left(first) == [2, 2900]
    assert left(asked(rates, 30)) == [1, 2800]
    assert left(asked(rates, 61)) == [1, 2800]  # the first is forgotten
    assert left(asked(rates, 200)) == [2, 2900]


def test_it_is_never_less_than_nothing() -> None:
    rates = RateLimits()
    for _ in range(5):
        headers = asked(rates, 0, tokens=1000)
    assert left(headers) == [0, 0]


def test_each_deployment_has_its_own_under_any_case_of_its_name() -> None:
    rates = RateLimits()
    asked(rates, 0)
    assert left(asked(rates, 0, name="Mine")) == [1, 2800]
    assert left(asked(rates, 0, name="other")) == [2, 2900]


def test_one_too_many_says_when_there_is_room_again() -> None:
    rates = RateLimits()
    for moment in (0, 10, 20):
        rates.request("mine", 3, moment, enforced=True)
    with pytest.raises(InferenceError) as refusal:
        rates.request("mine", 3, 25, enforced=True)
    headers = refusal.value.headers or {}
    pause = int(headers["Retry-After"])
    assert headers["x-ratelimit-reset-requests"] == str(pause)
    assert headers["x-ratelimit-remaining-requests"] == "0"
    rates.request("mine", 3, 25 + pause, enforced=True)
