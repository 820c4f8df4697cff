"""A caller's limits as numbers: what is taken, reserved, given back and owed. No app, no calls."""

from typing import Any

import pytest

from shared.chat import cost
from shared.chat.apis import CHAT
from shared.chat.limits import Limits, TokenBucket
from shared.chat.protocol import RateLimitExceeded, error_response


class Seconds:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def limits(clock: Seconds) -> Limits:
    return Limits(clock)


def level(limits: Limits, unit: str = "tokens") -> float:
    return limits.buckets["ada", unit].level


def test_a_bucket_begins_full_and_refills_evenly_within_a_minute() -> None:
    bucket = TokenBucket(per_minute=120, filled_at=0.0)
    assert bucket.take(120, 0.0) == 0.0
    assert bucket.level == 0
    assert bucket.take(1, 0.25) == pytest.approx(0.25), "half a token is there"
    assert bucket.take(1, 0.5) == 0.0, "one is"
    assert bucket.take(0, 10.5) == 0.0
    assert bucket.level == pytest.approx(20)
    assert bucket.take(0, 1000.0) == 0.0
    assert bucket.level == 120, "never fuller than a minute's"


def test_a_debt_is_waited_out() -> None:
    bucket = TokenBucket(per_minute=60, filled_at=0.0)
    assert bucket.take(90, 0.0) == 0.0
    assert bucket.level == -30
    assert bucket.take(1, 0.0) == pytest.approx(31)
    assert bucket.take(1, 30.9) > 0
    assert bucket.take(1, 31.1) == 0.0


def test_who_has_no_limit_is_not_counted(limits: Limits) -> None:
    assert limits.take("ada", "tokens", None, 10**9) is None
    reserved = limits.reserve("ada", None, 10**9)
    assert (reserved.bucket, reserved.tokens) == (None, 0)
    assert limits.buckets == {}


def test_no_call_takes_more_than_a_full_bucket_holds(limits: Limits) -> None:
    limits.take("ada", "tokens", 100, 10**6)
    assert level(limits) == 0


def test_each_name_and_each_unit_has_a_bucket_of_its_own(limits: Limits) -> None:
    limits.take("ada", "tokens", 100, 100)
    assert limits.take("ada", "requests", 1, 1)
    assert limits.take("bob", "tokens", 100, 100)


def test_who_has_used_a_limit_is_told_which_and_how_long(limits: Limits, clock: Seconds) -> None:
    limits.take("ada", "requests", 2, 1)
    limits.take("ada", "requests", 2, 1)
    with pytest.raises(RateLimitExceeded) as refused:
        limits.take("ada", "requests", 2, 1)
    assert refused.value.message.startswith("ada may use 2 requests per minute")
    assert refused.value.fix == "Try again in 30 seconds."
    assert (round(refused.value.retry_after), refused.value.caller) == (30, "ada")
    clock.now += 31
    assert limits.take("ada", "requests", 2, 1)


@pytest.mark.parametrize(
    ("per_minute", "says"), [(600, "1 second."), (26, "3 seconds."), (1, "60 seconds.")]
)
def test_the_wait_that_is_told_is_that_of_the_header(
    limits: Limits, per_minute: int, says: str
) -> None:
    """It said 0 seconds of a tenth, and 2 of 2.3."""
    for _ in range(per_minute):
        limits.take("ada", "requests", per_minute, 1)
    with pytest.raises(RateLimitExceeded) as refused:
        limits.take("ada", "requests", per_minute, 1)
    assert refused.value.fix == f"Try again in {says}"
    header = error_response(refused.value, "id").headers["retry-after"]
    assert header == says.partition(" ")[0]


def test_what_is_reserved_is_gone_until_it_is_known_what_the_chat_has_cost(
    limits: Limits, clock: Seconds
) -> None:
    reserved = limits.reserve("ada", 1000, 400)
    assert (reserved.tokens, reserved.made_at, level(limits)) == (400, clock.now, 600)
    reserved.settle(150)
    assert level(limits) == 850
    reserved.settle(1)
    assert level(limits) == 850, "only the first end counts"


def test_a_chat_that_cost_more_than_was_reserved_is_charged_whole(limits: Limits) -> None:
    limits.reserve("ada", 1000, 400).settle(1500)
    assert level(limits) == -500


def test_no_more_is_reserved_or_given_back_than_a_minute_has(limits: Limits) -> None:
    reserved = limits.reserve("ada", 1000, 10**6)
    assert (reserved.tokens, level(limits)) == (1000, 0)
    reserved.settle(0)
    assert level(limits) == 1000


def test_who_leaves_is_charged_for_what_may_have_been_made_by_then(
    limits: Limits, clock: Seconds
) -> None:
    reserved = limits.reserve("ada", 100_000, 50_000)
    clock.now += 2
    reserved.abandon(come=10, prompt=100, answers=3)
    made = 100 + 3 * cost.TOKENS_PER_SECOND * (2 + cost.SECONDS_UNTIL_NOTICED)
    assert level(limits) == 100_000 - made


@pytest.mark.parametrize(("reserved", "come", "charged"), [(500, 10, 500), (500, 700, 700)])
def test_who_leaves_is_charged_what_came_or_at_most_what_was_reserved(
    limits: Limits, reserved: int, come: int, charged: int
) -> None:
    limits.reserve("ada", 100_000, reserved).abandon(come=come, prompt=0, answers=1)
    assert level(limits) == 100_000 - charged


# ---- what a chat counts as


def said(*parts: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}, {"role": "x", "content": "hi"}]}


def test_a_prompt_counts_by_its_bytes_and_never_as_nothing() -> None:
    assert cost.of_prompt([], 403) == 100
    assert cost.of_prompt([], 0) == 1


def test_a_picture_counts_as_one_and_not_by_its_bytes() -> None:
    url = "data:" + "A" * 3995
    picture = {"type": "image_url", "image_url": {"url": url}}
    chat = said(picture, {"type": "text", "text": "what?"}, "text")
    assert cost.of_prompt(CHAT.pictures(chat), 4400) == 100 + cost.PICTURE_TOKENS
    both = said(picture, {"image_url": url}, {"image_url": {"url": 7}}, {"image_url": None})
    assert cost.of_prompt(CHAT.pictures(both), 8400) == 100 + 4 * cost.PICTURE_TOKENS


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        ({}, cost.ANSWER_TOKENS),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 8, "max_tokens": 7}, 8),
        ({"max_completion_tokens": None, "max_tokens": 7, "n": 3}, 21),
        ({"max_tokens": 0}, cost.ANSWER_TOKENS),
        ({"max_tokens": True, "n": True}, cost.ANSWER_TOKENS),
        ({"max_tokens": "7", "n": -2}, cost.ANSWER_TOKENS),
        ({"n": 4}, 4 * cost.ANSWER_TOKENS),
        ({"max_tokens": 1, "n": 1}, 1),
    ],
)
def test_an_answer_counts_as_long_as_it_may_be(asked: dict[str, object], tokens: int) -> None:
    assert CHAT.answer_tokens(asked) == tokens


def test_an_event_counts_as_one_token_or_as_its_text() -> None:
    assert cost.of_event(b"data: {}") == 1
    assert cost.of_event(b": comment") == 0
    assert cost.of_event(b"data:" + b"x" * (cost.EVENT_FRAME_BYTES + 400 - 5)) == 100
    assert cost.of_text(11) == 2


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [
        (b'{"usage": {"total_tokens": 42}}', 42),
        (b'{"total_tokens":1} {"total_tokens" : 7}', 7),
        (b'{"total_tokens": 0}', None),
        (b"{}", None),
        (b'"total_tokens": 42' + b" " * cost.ACCOUNT_BYTES, None),
        (b" " * cost.ACCOUNT_BYTES + b'"total_tokens": 42', 42),
    ],
)
def test_the_account_stands_at_the_end_of_an_answer(answer: bytes, tokens: int | None) -> None:
    assert cost.counted(answer) == tokens
