"""Measurements of rare things: a lost event, a fallback, a deployment that is gone."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from starlette.responses import Response

from shared import telemetry
from shared.run import reconciler
from shared.run.stages import Stage
from tests.chat import upstream as up
from tests.chat.conftest import ChatHarness, harness  # noqa: F401 - a fixture
from tests.support.harness import harness as run_harness  # noqa: F401 - a fixture
from tests.support.runs import RunHarness

Measurements = list[tuple[str, float, dict[str, Any]]]


@pytest.fixture
def measurements() -> Iterator[Measurements]:
    """Each measurement as it is made."""
    made: Measurements = []

    def note(name: str, value: float, attributes: Mapping[str, Any]) -> None:
        made.append((name, value, dict(attributes)))

    record = {name: partial(note, name) for name in telemetry.METRICS}
    previous = telemetry.connect(telemetry.Outputs(record=record))
    yield made
    telemetry.connect(previous)


async def test_a_drop_whose_event_was_lost(
    run_harness: RunHarness,  # noqa: F811
    measurements: Measurements,
) -> None:
    await run_harness.drop_without_event()
    await reconciler.sweep(run_harness.ctx)
    assert measurements == [("tunedrop.drops.recovered", 1, {})]
    await reconciler.sweep(run_harness.ctx)
    assert len(measurements) == 1
    (run,) = await run_harness.runs()
    await run_harness.until(run, Stage.SERVING)
    ended = [about for name, _, about in measurements if name == "tunedrop.runs.ended"]
    assert ended == [{"stage": "serving"}]
    measurements.clear()
    await reconciler.tick(run_harness.ctx)
    assert ("tunedrop.ticks", 1, {}) in measurements
    runs = {about["stage"]: count for name, count, about in measurements if name == "tunedrop.runs"}
    assert runs["training"] == 0


def test_each_drop_whose_event_was_lost_is_counted(measurements: Measurements) -> None:
    reconciler._tell([f"m-{number}/training.jsonl" for number in range(30)])
    assert measurements == [("tunedrop.drops.recovered", 30, {})]


async def test_an_answer_that_is_a_fault_of_the_app_is_counted(measurements: Measurements) -> None:
    @telemetry.count_answers
    async def answer(fault: Exception | None) -> Response:
        if fault:
            raise fault
        return Response(status_code=204)

    await answer(None)
    with pytest.raises(KeyError):
        await answer(KeyError("a fault"))
    counted = [("tunedrop.chat.answers", 1, {"status": status}) for status in (204, 500)]
    assert measurements == counted


async def test_an_answer_by_another_and_a_deployment_that_has_gone(
    harness: ChatHarness,  # noqa: F811
    measurements: Measurements,
) -> None:
    harness.upstream.plan("captain-v2", up.error(404, "DeploymentNotFound"))
    assert (await harness.ask()).status_code == 200
    made = {name: (value, about) for name, value, about in measurements}
    assert made["tunedrop.chat.wakes"] == (1, {"model": "captain"})
    assert made["tunedrop.chat.fallbacks"] == (1, {"model": "captain"})
    assert made["tunedrop.chat.answers"] == (1, {"status": 200})
    seconds, by = made["tunedrop.chat.seconds"]
    assert by == {"model": "captain", "version": "1"}
    added, by = made["tunedrop.chat.added_ms"]
    assert by == {"model": "captain", "version": "1"}
    assert 0 <= added <= seconds * 1000


async def test_an_answer_that_is_an_error(harness: ChatHarness, measurements: Measurements) -> None:  # noqa: F811
    assert (await harness.ask(model="nobody")).status_code == 404
    assert measurements == [
        ("tunedrop.chat.refusals", 1, {"code": "model_not_found", "caller": "web"}),
        ("tunedrop.chat.answers", 1, {"status": 404}),
    ]


async def test_an_answer_from_another_region_counts_by_its_deployment(
    harness: ChatHarness,  # noqa: F811
    measurements: Measurements,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has no version; its address is no attribute of a metric."""

    async def token() -> str:
        return "of-our-identity"

    async with up.upstream() as elsewhere:
        harness.relay.router.fallback = (f"twin@{elsewhere.url}",)
        monkeypatch.setattr(harness.cloud.completions, "_token", token)
        harness.upstream.plan("captain-v2", up.error(429, "", "retry-after: 60"))
        assert (await harness.ask()).status_code == 200
    made = {name: by for name, _, by in measurements}
    assert made["tunedrop.chat.seconds"] == {"model": "twin", "version": ""}
    assert made["tunedrop.chat.fallbacks"] == {"model": "captain"}


async def test_outputs_can_be_restored() -> None:
    """A test that listens leaves nothing behind for the next one."""
    flushed: list[int] = []

    def flush(limit: int) -> bool:
        flushed.append(limit)
        return True

    outputs = telemetry.Outputs(flushers=(flush,))
    previous = telemetry.connect(outputs)
    try:
        for _ in range(3):
            async with telemetry.event("keep_moving"):
                pass
    finally:
        assert telemetry.connect(previous) is outputs
    assert flushed == [telemetry.FLUSH_TIMEOUT_MS]  # not more often than FLUSH_INTERVAL_SECONDS
    outputs.flushed_at = 0.0
    async with telemetry.event("keep_moving"):
        pass
    assert len(flushed) == 1
