"""Action is told of rare things: a lost event, an answer by another, a deployment that has gone."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from opentelemetry.trace import NoOpTracer

from shared import telemetry
from shared.run import reconciler
from shared.run.stages import Stage
from tests.chat import upstream as up
from tests.chat.conftest import Shop, shop  # noqa: F401 - a fixture
from tests.support.harness import backend, harness  # noqa: F401 - fixtures
from tests.support.runs import RunHarness

Heard = list[tuple[str, float, dict[str, Any]]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Each measurement as it is made."""
    found: Heard = []

    def hear(name: str, value: float, attributes: Mapping[str, Any]) -> None:
        found.append((name, value, dict(attributes)))

    record = {name: partial(hear, name) for name in telemetry.METRICS}
    telemetry.connect(NoOpTracer(), record, [])
    yield found
    telemetry.connect(NoOpTracer(), {}, [])


async def test_a_drop_whose_event_was_lost(
    harness: RunHarness,  # noqa: F811
    heard: Heard,
) -> None:
    await harness.drop_without_event()
    await reconciler.sweep(harness.ctx)
    assert heard == [("tunedrop.poisoned", 1, {})]
    await reconciler.sweep(harness.ctx)
    assert len(heard) == 1
    (run,) = await harness.runs()
    await harness.until(run, Stage.SERVING)
    ended = [about for name, _, about in heard if name == "tunedrop.runs.ended"]
    assert ended == [{"stage": "serving"}]
    heard.clear()
    await reconciler.tick(harness.ctx)
    assert ("tunedrop.ticks", 1, {}) in heard
    runs = {about["stage"]: count for name, count, about in heard if name == "tunedrop.runs"}
    assert runs["training"] == 0


async def test_an_answer_by_another_and_a_deployment_that_has_gone(
    shop: Shop,  # noqa: F811
    heard: Heard,
) -> None:
    shop.upstream.plan("captain-v2", up.error(404, "DeploymentNotFound"))
    assert (await shop.ask()).status_code == 200
    told = {name: (value, about) for name, value, about in heard}
    assert told["tunedrop.chat.wakes"] == (1, {"model": "captain"})
    assert told["tunedrop.chat.fallbacks"] == (1, {"model": "captain"})
    assert told["tunedrop.chat.answers"] == (1, {"status": 200})
    seconds, who = told["tunedrop.chat.seconds"]
    assert who == {"model": "captain", "version": "1"}
    added, _ = told["tunedrop.chat.added_ms"]
    assert 0 <= added <= seconds * 1000


async def test_an_answer_that_is_an_error(shop: Shop, heard: Heard) -> None:  # noqa: F811
    assert (await shop.ask(model="nobody")).status_code == 404
    assert heard == [("tunedrop.chat.answers", 1, {"status": 404})]
