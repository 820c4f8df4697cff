"""The doctor tells what the sweep has found at the service and no record knows."""

from typing import cast

import pytest

from shared.cloud.rest import RestClient
from shared.doctor.context import Context
from shared.doctor.records import orphans_known
from shared.doctor.result import CheckResult, State
from tests.support.orphaned import found, owned, training, wished
from tests.support.placed import PlacedRun


@pytest.fixture
def placed() -> PlacedRun:
    return PlacedRun()


async def check(placed: PlacedRun) -> CheckResult:
    clients, nobody = placed.ctx.clients, cast(RestClient, None)  # no call to Azure is made
    ctx = Context({}, placed.ctx.now, 0, clients.settings, {}, clients, nobody)
    (result,) = await orphans_known(ctx)
    return result


async def test_an_app_that_has_not_looked_yet_knows_of_none(placed: PlacedRun) -> None:
    assert (await check(placed)).state == State.OK


async def test_a_job_that_no_record_knows_is_told_with_its_price(placed: PlacedRun) -> None:
    await training(placed)
    placed.jobs.put("running", owned(placed))
    assert await found(placed) == [("job", "J2")]
    result = await check(placed)
    assert result.state == State.WARNING
    assert "job J2 (running" in result.message
    assert "TUNEDROP_END_ORPHANS=on" in result.fix


async def test_with_the_setting_on_it_says_that_the_sweep_ends_them(placed: PlacedRun) -> None:
    wished(placed)
    await training(placed)
    placed.jobs.put("running", owned(placed))
    await found(placed)
    result = await check(placed)
    assert "TUNEDROP_END_ORPHANS" not in result.fix
    assert "for an hour" in result.fix


async def test_of_many_the_first_are_named(placed: PlacedRun) -> None:
    await training(placed)
    for _ in range(5):
        placed.jobs.put("running", owned(placed))
    await found(placed)
    message = (await check(placed)).message
    assert message.count("job J") == 3
    assert "5 that no record knows" in message


async def test_what_may_be_another_apps_is_no_warning(placed: PlacedRun) -> None:
    await training(placed)
    placed.jobs.names["F9"] = "unknown-run-1-training.jsonl"
    assert await found(placed) == [("file", "F9")]
    result = await check(placed)
    assert result.state == State.OK
    assert "1 may be another app's" in result.message
