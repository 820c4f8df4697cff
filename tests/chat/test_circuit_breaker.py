"""The states of a circuit breaker: closed, open, half-open."""

from shared.chat.circuit_breaker import FAILURE_THRESHOLD, OPEN_SECONDS, CircuitBreaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[CircuitBreaker, Clock]:
    breaker = CircuitBreaker(clock := Clock())
    for _ in range(FAILURE_THRESHOLD):
        breaker.record_attempt()
        breaker.record_failure()
    return breaker, clock


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(Clock())
    for _ in range(3):
        for _ in range(FAILURE_THRESHOLD - 1):
            breaker.record_attempt()
            breaker.record_failure()
            assert breaker.retry_in() == 0
        breaker.record_success()
    breaker, clock = opened()
    assert breaker.retry_in() == OPEN_SECONDS
    assert breaker.open_until == clock.now + OPEN_SECONDS


def test_after_the_open_period_one_trial_is_allowed_and_others_wait() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    assert breaker.retry_in() == 0
    breaker.record_attempt()
    assert breaker.retry_in() == OPEN_SECONDS


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    breaker.record_attempt()
    breaker.record_success()
    assert breaker.retry_in() == 0
    breaker.record_attempt()
    breaker.record_failure()
    assert breaker.retry_in() == 0  # the count begins anew


def test_a_trial_that_fails_opens_it_at_once() -> None:
    breaker, clock = opened()
    clock.now += OPEN_SECONDS
    breaker.record_attempt()
    clock.now += 3
    breaker.record_failure()
    assert breaker.retry_in() == OPEN_SECONDS


def test_a_trial_without_an_outcome_does_not_keep_it_half_open() -> None:
    """A caller who leaves, or a throttled trial, is neither success nor failure."""
    breaker, clock = opened()
    for _ in range(3):
        clock.now += OPEN_SECONDS
        assert breaker.retry_in() == 0
        breaker.record_attempt()
