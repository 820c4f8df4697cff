"""The app's ceilings of jobs and money stop runs before anything of them is sent."""

import asyncio

import pytest

from shared.run import ceilings, reconciler
from shared.run.record import Action
from shared.run.stages import Stage
from tests.support.limits import (
    dropped,
    estimate,
    limited,
    of_another_model,
    spending,
    ticked,
    with_settings,
)

DAY = 24 * 3600
DEAR = b"base_model: gpt-4.1-2025-04-14\nhyperparameters: {n_epochs: 10}\n"
UNPRICED = b"base_model: Qwen3-32B\n"


async def cost_of(run_yaml: bytes) -> float:
    harness = limited()
    return await estimate(harness, await ticked(harness, await dropped(harness, run_yaml)))


# ---- jobs a day


async def test_a_run_over_the_jobs_of_a_day_waits_and_goes_on_the_next_day() -> None:
    harness = limited(daily_runs=1)
    first = await harness.until(await dropped(harness), Stage.SERVING)
    calls = harness.service.calls()
    other = of_another_model(harness, "two")
    second = await ticked(other, await dropped(other))
    assert second.stage is Stage.CHECKED
    assert "TUNEDROP_DAILY_RUNS" in str(second.waiting_for)
    assert harness.service.calls() == calls, "nothing was sent"
    await harness.pause(DAY)
    second = await other.until(second, Stage.SERVING)
    assert first.version == second.version == 1


async def test_a_run_that_waits_for_good_is_abandoned_and_says_what_for() -> None:
    harness = limited(daily_runs=1)
    await harness.until(await dropped(harness), Stage.SERVING)
    other = of_another_model(harness, "two")
    run = await ticked(other, await dropped(other))
    run = await other.backdate(run, days=8)
    await other.ticked(days=9)
    run = await other.until(run, Stage.FAILED)
    assert run.failure
    assert "TUNEDROP_DAILY_RUNS" in run.failure.message


async def test_runs_that_come_at_the_same_moment_do_not_share_the_last_place() -> None:
    harness = limited(daily_runs=3)
    several = [of_another_model(harness, f"m{number}") for number in range(8)]
    runs = [await dropped(one) for one in several]
    await asyncio.gather(*(reconciler.advance(run.id, harness.ctx) for run in runs))
    for _ in range(8):
        await harness.tick()
        await harness.pause(1)
    stages = [(await harness.known(run.id)).stage for run in runs]
    jobs = [job for run in runs for job in harness.service.jobs_of(run.id)]
    assert len(jobs) == 3
    assert stages.count(Stage.CHECKED) == 5
    assert len((await spending(harness)).reservations) == 3


async def test_a_worker_that_dies_after_it_has_reserved_takes_no_second_place() -> None:
    harness = limited(daily_runs=1)
    run = await ticked(harness, await dropped(harness, b"start: manual"))
    assert run.stage is Stage.READY
    for _ in range(3):  # each as a worker that dies at once
        assert await ceilings.reserve(run, harness.ctx) is None
    assert len((await spending(harness)).reservations) == 1
    await harness.command(run, Action.START)
    await harness.until(run, Stage.SERVING)


async def test_a_place_of_yesterday_is_asked_for_again_before_the_job_is() -> None:
    harness = limited(daily_runs=1)
    first = await harness.declined()
    await harness.pause(DAY)
    other = of_another_model(harness, "two")
    second = await dropped(other)
    await reconciler.advance(second.id, harness.ctx)
    harness.service.configure(queue_limit=20)
    first = await ticked(harness, first)
    await other.until(second, Stage.SERVING)
    assert harness.service.jobs_of(first.id) == []
    assert "TUNEDROP_DAILY_RUNS" in str((await harness.known(first.id)).waiting_for)
    await harness.pause(DAY)
    await harness.until(first, Stage.SERVING)


async def test_a_job_counts_on_the_day_on_which_it_is_started() -> None:
    harness = limited(daily_runs=1)
    first = await harness.declined()
    await harness.pause(DAY)
    harness.service.configure(queue_limit=20)
    await harness.until(first, Stage.SERVING)
    other = of_another_model(harness, "two")
    second = await ticked(other, await dropped(other))
    assert second.stage is Stage.CHECKED
    assert "TUNEDROP_DAILY_RUNS" in str(second.waiting_for)


async def test_a_ceiling_that_was_lowered_holds_before_the_job_is_asked_for() -> None:
    harness = limited()
    run = await harness.declined()
    with_settings(harness, budget=1e-6)
    harness.service.configure(queue_limit=20)
    run = await harness.until(run, Stage.FAILED)
    assert run.failure
    assert "TUNEDROP_BUDGET" in run.failure.message
    assert harness.service.jobs_of(run.id) == []


async def test_no_limit_of_jobs_where_the_setting_is_zero() -> None:
    harness = limited(daily_runs=0)
    for number in range(4):
        other = of_another_model(harness, f"m{number}")
        await other.until(await dropped(other), Stage.SERVING)


# ---- what is given back


async def test_a_run_that_ends_without_a_job_gives_its_place_back() -> None:
    harness = limited(daily_runs=1)
    harness.service.configure(queue_limit=0)
    await harness.drop()
    first = await harness.until(await harness.received(), Stage.SUBMITTING)
    other = of_another_model(harness, "two")
    second = await ticked(other, await dropped(other))
    assert second.stage is Stage.CHECKED
    await harness.command(first, Action.CANCEL)
    await ticked(harness, first)
    assert first.id not in {r.run_id for r in (await spending(harness)).reservations}
    harness.service.configure(queue_limit=20)
    await other.until(second, Stage.SERVING)


async def test_a_place_is_kept_where_there_was_a_job() -> None:
    harness = limited(daily_runs=1)
    run = await harness.queued()
    await harness.command(run, Action.CANCEL)
    await harness.until_inactive()
    (reserved,) = (await spending(harness)).reservations
    assert not reserved.open
    assert reserved.usd == await estimate(harness, run)


async def test_what_was_billed_counts_once_it_is_known() -> None:
    harness = limited()
    run = await harness.until(await dropped(harness, DEAR), Stage.SERVING)
    await harness.until_inactive()
    run = await harness.known(run.id)
    (reserved,) = (await spending(harness)).reservations
    assert run.trained_tokens
    assert reserved.usd == pytest.approx(run.trained_tokens * 25 / 1e6)
    assert reserved.usd != await estimate(harness, run)


async def test_each_attempt_that_has_a_job_counts() -> None:
    harness = limited(daily_runs=1)
    run = await harness.queued()
    harness.service.cancel_job(harness.service.jobs_of(run.id)[0])
    harness.service.disarm()
    run = await harness.until(run, Stage.CANCELLED)
    await harness.until_inactive()
    await harness.command(run, Action.RETRY)
    run = await ticked(harness, run)
    assert run.stage is Stage.CHECKED
    assert "TUNEDROP_DAILY_RUNS" in str(run.waiting_for)


# ---- money by day and month


async def test_a_run_over_the_money_of_a_day_waits_for_the_next() -> None:
    cost = await cost_of(DEAR)
    harness = limited(daily_training_budget=1.5 * cost)
    harness.service.arm("job-stuck", count=None)
    await harness.until(await dropped(harness, DEAR), Stage.SUBMITTED)
    other = of_another_model(harness, "two")
    calls = harness.service.uploads(0)
    second = await ticked(other, await dropped(other, DEAR))
    assert second.stage is Stage.CHECKED
    waits = str(second.waiting_for)
    assert "TUNEDROP_DAILY_TRAINING_BUDGET" in waits
    assert f"${cost:,.2f}" in waits
    assert f"${1.5 * cost:,.2f}" in waits
    assert harness.service.uploads(0) == calls
    await harness.pause(DAY)
    await other.until(second, Stage.SUBMITTED)


async def test_the_money_of_a_month_is_summed_over_its_days() -> None:
    cost = await cost_of(DEAR)
    harness = limited(monthly_training_budget=2.5 * cost)
    harness.service.arm("job-stuck", count=None)
    for model in ("one", "two"):
        other = of_another_model(harness, model)
        run = await other.until(await dropped(other, DEAR), Stage.SUBMITTED)
        await other.command(run, Action.CANCEL)
        await harness.until_inactive()
        await harness.pause(DAY)
    third = of_another_model(harness, "three")
    run = await ticked(third, await dropped(third, DEAR))
    assert "TUNEDROP_MONTHLY_TRAINING_BUDGET" in str(run.waiting_for)
    assert run.stage is Stage.CHECKED
    await harness.pause(30 * DAY)
    await third.until(run, Stage.SUBMITTED)


@pytest.mark.parametrize("name", ["budget", "daily_training_budget", "monthly_training_budget"])
async def test_a_run_dearer_than_a_whole_ceiling_is_refused_at_once(name: str) -> None:
    cost = await cost_of(DEAR)
    harness = limited()
    run = await ticked(harness, await dropped(harness, DEAR + b"start: manual"))
    with_settings(harness, **{name: cost / 2})  # lowered since: the record knows the old one
    await harness.command(run, Action.START)
    run = await ticked(harness, run)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert f"TUNEDROP_{name.upper()}" in run.failure.message
    assert f"${cost:,.2f}" in run.failure.message
    assert f"tunedrop retry {run.id}" in run.failure.fix
    assert run.failure.blame == "caller"
    assert harness.service.uploads(0) == 0
    with_settings(harness, **{name: 2 * cost})
    await harness.command(run, Action.RETRY)
    await harness.until(run, Stage.SUBMITTED, Stage.TRAINING, Stage.SERVING)


@pytest.mark.parametrize("name", ["daily_training_budget", "monthly_training_budget"])
async def test_a_price_that_is_not_known_is_refused_under_a_ceiling_of_money(name: str) -> None:
    harness = limited(**{name: 1000.0})
    run = await ticked(harness, await dropped(harness, UNPRICED))
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "No price is known" in run.failure.message
    assert harness.service.uploads(0) == 0


async def test_a_report_that_is_gone_or_spoilt_is_a_price_that_is_not_known() -> None:
    for spoilt in (
        b"",
        b"[]",
        b'{"price": {"training": true}}',
        b'{"price": {"training": NaN}}',
        b'{"price": {"training": -1.0}}',
    ):
        harness = limited(daily_training_budget=1000.0)
        run = await ticked(harness, await dropped(harness, b"start: manual"))
        await harness.ledger.keep(run.id, "report.json", spoilt, "application/json")
        over = await ceilings.reserve(run, harness.ctx)
        assert over
        assert over.run.failure
        assert "No price is known" in over.run.failure.message


async def test_a_record_of_spending_that_cannot_be_read_stops_runs() -> None:
    harness = limited()
    await harness.ctx.clients.runs.put(ceilings.NAME, b"{", "application/json")
    run = await ticked(harness, await dropped(harness))
    assert run.stage is Stage.CHECKED
    assert "spending.json cannot be read" in str(run.waiting_for)
    assert harness.service.uploads(0) == 0
