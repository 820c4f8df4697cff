"""What a caller sees of a backend that throttles, fails, stalls or is gone."""

import asyncio

import openai
import pytest

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
async def test_passing_trouble_before_the_first_byte_is_not_seen(
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
    assert [note.name async for note in harness.cloud.models.list("wake/")] == ["wake/captain"]


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
    response = await harness.ask()
    assert response.status_code == 503
    assert "did not answer within 3 s" in response.json()["error"]["message"]


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
