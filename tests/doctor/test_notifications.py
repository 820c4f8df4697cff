"""The doctor tells of a webhook without a secret, of an address that is none, and of receivers that
nothing arrives at."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

from shared.cloud.rest import RestClient
from shared.doctor import app, records
from shared.doctor.context import Context, _read_settings
from shared.doctor.result import CheckResult, State
from shared.run import delivery, notify
from shared.run.notifications import Kind
from tests.support.receiver import SECRET, Receiver, receiver, told
from tests.support.runs import RunHarness
from tests.support.settings import ENVIRON, SETTINGS

HOOK = {"TUNEDROP_WEBHOOK_URL": "https://hooks.contoso.com/x"}
NOBODY = cast(RestClient, None)  # no call to Azure is made


async def signed(**environ: str) -> CheckResult:
    settings, unreadable = _read_settings({**ENVIRON, **environ})
    ctx = Context(environ, cast(Any, None), 0, settings, unreadable, cast(Any, None), NOBODY)
    (result,) = await app.webhook(ctx)
    return result


async def test_a_webhook_without_a_secret_is_warned_of_with_the_command() -> None:
    result = await signed(**HOOK)
    assert result.state is State.WARNING
    assert "TUNEDROP_WEBHOOK_SECRET=" in result.fix


async def test_a_secret_that_is_none_is_a_problem_and_is_not_shown() -> None:
    result = await signed(**HOOK, TUNEDROP_WEBHOOK_SECRET="hunter2")
    assert result.state is State.PROBLEM
    assert "hunter2" not in f"{result}"


async def test_a_webhook_with_a_secret_and_none_at_all_are_fine() -> None:
    assert (await signed(**HOOK, TUNEDROP_WEBHOOK_SECRET=SECRET)).state is State.OK
    assert (await signed()).state is State.OK


async def test_an_address_that_is_not_reached_by_https_is_a_problem() -> None:
    environ = {**ENVIRON, "TUNEDROP_WEBHOOK_URL": "http://hooks.contoso.com/the-key"}
    settings, unreadable = _read_settings(environ)
    ctx = Context(environ, cast(Any, None), 0, settings, unreadable, cast(Any, None), NOBODY)
    found = {result.id: result for result in await app.settings(ctx)}
    result = found["setting:TUNEDROP_WEBHOOK_URL"]
    assert result.state is State.PROBLEM
    assert "https" in result.message
    assert "the-key" not in f"{result}"


# ---- what arrives


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as one:
        yield one


@pytest.fixture
async def harness(there: Receiver) -> AsyncIterator[RunHarness]:
    async with told(there) as one:
        data = {"setting": "TUNEDROP_DAILY_RUNS"}
        await notify.add(one.ctx, Kind.BUDGET, "TUNEDROP_DAILY_RUNS", data, "one")
        yield one


async def arrives(harness: RunHarness) -> CheckResult:
    clients = harness.ctx.clients
    ctx = Context({}, harness.ctx.now, 0, clients.settings, {}, clients, NOBODY)
    (result,) = await records.notifications(ctx)
    return result


async def test_a_receiver_that_nothing_arrives_at_is_a_problem(
    harness: RunHarness, there: Receiver
) -> None:
    assert "1 wait" in (await arrives(harness)).message
    there.status = 503
    await delivery.deliver(harness.ctx)
    result = await arrives(harness)
    assert result.state is State.PROBLEM
    assert "2026-11-02 12:00 UTC" in result.message
    assert "503" in result.message
    there.status = 200
    await harness.pause(3600)
    await delivery.deliver(harness.ctx)
    assert (await arrives(harness)).state is State.OK


async def test_what_was_given_up_is_told_for_a_week(harness: RunHarness, there: Receiver) -> None:
    there.status = 410
    await delivery.deliver(harness.ctx)
    result = await arrives(harness)
    assert result.state is State.WARNING
    assert "1 were given up (webhook)" in result.message
    await harness.pause(8 * 24 * 3600)
    assert (await arrives(harness)).state is State.OK


async def test_an_app_that_tells_nobody_is_fine() -> None:
    harness = RunHarness.in_memory(replace(SETTINGS), "m")
    assert (await arrives(harness)).state is State.OK
