"""What a caller sees of a backend that throttles, fails, stalls or is gone."""

import asyncio
from datetime import UTC, datetime

import openai
import pytest

from shared.chat.protocol import parse_chat
from shared.chat.routing import Backend
from shared.chat.unanswered import NoDeployment
from shared.errors import Denied, Throttled, TunedropError, Unavailable
from shared.model.redeploy import Redeployment, RedeployRequests
from tests.chat import upstream as up
from tests.chat.conftest import QUESTION, ChatHarness


@pytest.mark.parametrize(
    "problem",
    [
        up.error(500),
        up.error(503, "", "retry-after: 0"),
        up.error(429, "", "retry-after-ms: 10"),
        up.reset,
        up.reply(200, b'{"half": ', length=5000),
    ],
    ids=["500", "503", "429", "reset", "short-body"],
)
async def test_a_passing_problem_before_the_first_byte_is_retried(
    harness: ChatHarness, problem: up.Behaviour
) -> None:
    harness.upstream.plan("captain-v2", problem)
    response = await harness.ask()
    assert (response.status_code, response.headers["x-tunedrop-model"]) == (200, "captain@2")
    assert harness.upstream.asked() == ["captain-v2"] * 2


async def test_a_fallback_answers_for_a_throttled_champion_and_a_header_says_so(
    harness: ChatHarness,
) -> None:
    harness.upstream.plan("captain-v2", up.error(429, "", "retry-after: 60"))
    response = await harness.ask()
    assert response.status_code == 200
    assert response.headers["x-tunedrop-model"] == "captain@1"
    assert response.headers["x-tunedrop-fallback-for"] == "captain@2"
    assert harness.upstream.asked() == ["captain-v2", "captain-v1"]


async def test_throttling_without_a_way_out_is_passed_on_with_its_retry_after(
    harness: ChatHarness,
) -> None:
    harness.upstream.plan("base", up.error(429, "", "retry-after: 60"))
    with pytest.raises(openai.RateLimitError) as throttled:
        await harness.openai.chat.completions.create(model="base", messages=QUESTION)
    assert throttled.value.code == "upstream_throttled"
    assert throttled.value.response.headers["retry-after"] == "60"
    assert harness.upstream.asked() == ["base"]


async def test_a_version_that_was_named_has_no_stand_in(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v1", *[up.error(500)] * 2)
    response = await harness.ask("captain@1")
    assert response.status_code == 503
    assert set(harness.upstream.asked()) == {"captain-v1"}


async def test_a_missing_deployment_is_asked_for_again(harness: ChatHarness) -> None:
    harness.upstream.plan("captain-v1", up.error(404, "DeploymentNotFound"))
    response = await harness.ask("captain@1")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "model_not_ready"
    assert int(response.headers["retry-after"]) > 0
    assert [n.name async for n in harness.cloud.models.list("wake/")] == ["wake/captain@1"]


async def test_who_meets_a_missing_deployment_is_told_that_none_could_be_made(
    harness: ChatHarness,
) -> None:
    """Not what Azure says of the subscription: that is for whoever runs the app."""
    problem = "Azure Resource Manager answered 409 ScopeLocked: /subscriptions/1234 is locked."
    at = datetime(2026, 11, 27, 17, 30, tzinfo=UTC)
    state = Redeployment(model="captain@1", version=1, problem=problem, not_before=at)
    await RedeployRequests(harness.cloud.models).keep(state)
    harness.upstream.plan("captain-v1", up.error(404, "DeploymentNotFound"))
    message = (await harness.ask("captain@1")).json()["error"]["message"]
    assert "None could be made yet" in message
    assert "2026-11-27 17:30 UTC" in message
    assert "1234" not in message


async def test_a_deployment_that_keeps_failing_is_left_alone(harness: ChatHarness) -> None:
    harness.upstream.plan("base", *[up.error(500)] * 20)
    for _ in range(4):
        assert (await harness.ask("base")).status_code == 503
    assert len(harness.upstream.calls) == 5
    assert int((await harness.ask("base")).headers["retry-after"]) > 0
    assert (await harness.ask("captain")).status_code == 200


async def test_nobody_waits_longer_than_the_deadline(harness: ChatHarness) -> None:
    never = asyncio.Event()
    for deployment in ("captain-v2", "captain-v1", "base"):
        harness.upstream.plan(deployment, up.silence(never))
    response = await asyncio.wait_for(harness.ask(), 20)
    assert response.status_code == 503
    for said in ("captain@2 did not answer within 1.5 s", "captain@1 did not", "base did not"):
        assert said in response.json()["error"]["message"]


async def test_the_callers_own_mistake_is_passed_on_as_the_service_says_it(
    harness: ChatHarness,
) -> None:
    harness.upstream.plan("captain-v2", up.error(400, "content_filter"))
    with pytest.raises(openai.BadRequestError) as refused:
        await harness.openai.chat.completions.create(model="captain", messages=QUESTION)
    assert refused.value.code == "content_filter"
    assert harness.upstream.asked() == ["captain-v2"]


async def test_a_role_that_the_app_lacks_is_not_blamed_on_the_caller(harness: ChatHarness) -> None:
    for deployment in ("captain-v2", "captain-v1", "base"):
        harness.upstream.plan(deployment, up.error(401, "PermissionDenied"))
    response = await harness.ask()
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_refused"


# ---- retries


async def test_a_long_retry_after_of_a_broken_backend_is_not_waited_for(
    harness: ChatHarness,
) -> None:
    """The default deadline is 100 s: a fallback must not wait for a minute."""
    harness.relay.upstream.deadline_seconds = 200
    harness.upstream.plan("captain-v2", up.error(503, "", "retry-after: 60"))
    response = await asyncio.wait_for(harness.ask(), 10)
    assert response.headers["x-tunedrop-model"] == "captain@1"
    assert harness.upstream.asked() == ["captain-v2", "captain-v1"]


async def test_there_is_a_pause_between_attempts_and_none_before_a_fallback(
    harness: ChatHarness,
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    harness.relay.upstream.sleep = sleep
    harness.upstream.plan("captain-v2", *[up.error(500, "", "retry-after: 1")] * 2)
    assert (await harness.ask()).headers["x-tunedrop-model"] == "captain@1"
    assert harness.upstream.asked() == ["captain-v2", "captain-v2", "captain-v1"]
    (pause,) = pauses
    assert 1 <= pause <= 1.5  # well within the deadline of three seconds


# ---- errors by their type


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Throttled), (401, Denied), (403, Denied), (404, NoDeployment), (500, Unavailable)],
)
async def test_each_status_has_its_type_of_error(
    harness: ChatHarness, status: int, kind: type[TunedropError]
) -> None:
    harness.upstream.plan("base", *[up.error(status, "", "retry-after: 60")] * 2)
    chat = parse_chat(b'{"model": "base", "messages": [{"role": "user"}]}')
    with pytest.raises(kind) as raised:
        await harness.relay.upstream.answer(chat, [Backend("base", "base")])
    assert type(raised.value) is kind


# ---- circuit breakers


@pytest.mark.parametrize("status", [401, 404, 410, 423, 429])
async def test_a_backend_that_answers_an_error_of_its_own_is_not_broken(
    harness: ChatHarness, status: int
) -> None:
    harness.upstream.plan("base", *[up.error(status, "", "retry-after: 60")] * 6)
    for _ in range(6):
        await harness.ask("base")
    assert (await harness.ask("base")).status_code == 200
    assert len(harness.upstream.calls) == 7


async def test_a_backend_that_works_again_closes_its_breaker(harness: ChatHarness) -> None:
    breaker = harness.relay.upstream.breakers["base"]
    breaker.clock = lambda: 0.0
    harness.upstream.plan("base", *[up.error(500)] * 5)
    for _ in range(3):
        assert (await harness.ask("base")).status_code == 503
    assert breaker.retry_in() > 0
    breaker.clock = lambda: 60.0
    assert (await harness.ask("base")).status_code == 200
    assert breaker.retry_in() == 0


def unending(status: int) -> up.Behaviour:
    """An error that is a stream and does not end."""

    async def behave(call: up.Call) -> None:
        lines = f"HTTP/1.1 {status} No\r\ncontent-type: text/event-stream\r\n"
        await call.send(f"{lines}retry-after: 60\r\n\r\ndata: {{}}\n\n".encode())
        await call.ended.wait()

    return behave


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_reply_that_is_not_passed_on_is_closed(harness: ChatHarness, status: int) -> None:
    harness.upstream.plan("captain-v2", unending(status))
    assert (await harness.ask()).headers["x-tunedrop-model"] == "captain@1"
    await asyncio.wait_for(harness.upstream.calls[0].ended.wait(), 10)
