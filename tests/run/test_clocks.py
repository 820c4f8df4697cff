"""Hosts whose clocks are wrong: nothing waits longer than its pause, and order is storage's."""

from datetime import timedelta

from shared.cloud.container import Container
from shared.run import drops, estimates, heartbeat, reconciler
from shared.run.context import Context
from shared.run.record import LONGEST_PAUSE
from shared.run.stages import Stage
from shared.settings import Settings
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.settings import BY_HAND, ENVIRON

HOUR, DAY = 3600.0, 86_400.0


def host(harness: RunHarness, seconds: float) -> RunHarness:
    """Another host on the same storage, whose clock is so far ahead (behind, if negative)."""
    clock = harness.clock
    assert clock
    ctx = Context.of(
        harness.ctx.clients, harness.ctx.policy, lambda: clock.after(seconds), clock.sleep
    )
    return RunHarness(ctx, harness.model, harness.service, clock)


def patient(seconds: str = "10") -> RunHarness:
    """A quiet period that counts."""
    environ = {**ENVIRON, **BY_HAND, "TUNEDROP_QUIET_SECONDS": seconds}
    return RunHarness.in_memory(Settings.load(environ), "m")


async def test_a_host_behind_makes_no_drop_wait_longer_than_the_quiet_period() -> None:
    harness = patient()
    assert harness.clock
    await harness.drop()
    began = harness.clock.now()
    await host(harness, -HOUR).received()
    assert harness.clock.now() - began <= timedelta(seconds=11)


async def test_a_host_ahead_still_waits_for_the_files_of_a_drop() -> None:
    harness = patient()
    assert harness.clock
    await harness.drop()
    began = harness.clock.now()
    await host(harness, HOUR).received()
    assert harness.clock.now() - began >= timedelta(seconds=9)


async def test_a_host_behind_finds_a_missed_drop_in_time() -> None:
    harness = patient()
    await harness.drop_without_event()
    assert harness.clock
    harness.clock.advance(drops.GRACE_SECONDS)
    assert (await drops.due(host(harness, -HOUR).ctx)).missed
    await harness.drop(name="validation.jsonl")
    assert not (await drops.due(host(harness, HOUR).ctx)).missed


async def test_a_day_forwards_and_back_leaves_the_sweep_and_the_deadlines(
    harness: RunHarness,
) -> None:
    runs: Container = harness.ctx.clients.runs
    now, downtime, every = harness.ctx.now(), timedelta(minutes=15), timedelta(minutes=5)
    await heartbeat.beat(runs, now, downtime, every)
    for minute in range(3):
        ahead = now + timedelta(days=1, minutes=minute)
        await heartbeat.beat(runs, ahead, downtime, every)
    back, due = await heartbeat.beat(runs, now + timedelta(minutes=3), downtime, every)
    assert due
    assert back.awake_since <= back.last
    assert back.gap >= timedelta(0)
    _, due = await heartbeat.beat(runs, now + timedelta(minutes=4), downtime, every)
    assert not due


async def test_a_version_of_a_host_that_lags_becomes_champion(harness: RunHarness) -> None:
    await harness.drop(dataset(10, "first"))
    first = await harness.until(await harness.received(), Stage.SERVING)
    await harness.pause(60)
    behind = host(harness, -HOUR)
    await behind.drop(dataset(10, "second"))
    second = await behind.received()
    assert second.timeline[0].at < first.timeline[0].at
    second = await harness.until(second, Stage.SERVING)
    model = await harness.ctx.registry.load(harness.model)
    assert model
    assert (model.champion, model.version(2).run_id) == (2, second.id)


async def test_an_older_dataset_of_a_host_ahead_is_older(harness: RunHarness) -> None:
    await harness.drop(dataset(10, "first"))
    first = await host(harness, HOUR).received()
    await harness.pause(60)
    await harness.drop(dataset(10, "second"))
    second = await harness.received()
    assert first.timeline[0].at > second.timeline[0].at
    assert first.dropped_at < second.dropped_at


async def test_the_list_is_in_the_order_of_storages_clock(harness: RunHarness) -> None:
    await harness.drop(dataset(10, "first"))
    first = await host(harness, HOUR).received()
    await harness.pause(60)
    await harness.drop(dataset(10, "second"))
    second = await host(harness, -HOUR).received()
    assert [run.id for run in await harness.runs()] == [second.id, first.id]


async def test_a_pause_told_by_a_clock_ahead_is_no_longer_than_it_is(harness: RunHarness) -> None:
    run = await harness.queued()
    ahead = harness.ctx.now() + timedelta(days=1)
    pause = timedelta(seconds=30)
    await harness.rewrite(run, tries=1, not_before=ahead + pause, pause=pause)
    await harness.tick()
    assert (await harness.known(run.id)).tries == 0


async def test_a_pause_is_kept_by_a_clock_that_is_right(harness: RunHarness) -> None:
    run = await harness.queued()
    pause = timedelta(seconds=30)
    not_before = harness.ctx.now() + pause
    await harness.rewrite(run, tries=1, not_before=not_before, pause=pause)
    await harness.tick()
    assert (await harness.known(run.id)).tries == 1


async def test_a_pause_of_a_record_from_before_it_was_kept_has_an_end(harness: RunHarness) -> None:
    run = await harness.queued()
    far = harness.ctx.now() + 2 * LONGEST_PAUSE
    await harness.rewrite(run, tries=1, not_before=far)
    await harness.tick()
    assert (await harness.known(run.id)).tries == 0


async def test_an_outage_is_written_down_with_its_pause(harness: RunHarness) -> None:
    run = await harness.queued()
    harness.service.arm("error-before", "jobs.get", count=None)
    await harness.tick()
    run = await harness.known(run.id)
    assert run.not_before
    assert run.pause < timedelta(seconds=1)
    assert run.resting(run.not_before - run.pause)
    assert not run.resting(run.not_before - run.pause - timedelta(seconds=1))


async def test_what_happened_does_not_lie_ahead(harness: RunHarness) -> None:
    """Otherwise a call would be "in flight", and a stage not overdue, until that day has come."""
    run = await harness.declined()
    ahead = harness.ctx.now() + timedelta(days=1)
    timeline = tuple(moment.replace(at=ahead) for moment in run.timeline)
    run = await harness.rewrite(run, asked_at=ahead, timeline=timeline)
    assert harness.clock
    harness.clock.advance(60)
    wait = estimates.stuck(run, harness.ctx.now())
    assert wait and wait.seconds == 0
    await reconciler.advance(run.id, harness.ctx)
    settled = await harness.known(run.id)
    assert settled.since <= harness.ctx.now()
    assert settled.asked_at is None or settled.asked_at <= harness.ctx.now()
    assert len(await harness.messages(run, "clock")) == 1
    await reconciler.advance(run.id, harness.ctx)
    assert len(await harness.messages(run, "clock")) == 1


async def test_clocks_that_differ_by_a_little_are_left_alone(harness: RunHarness) -> None:
    run = await harness.queued()
    ahead = harness.ctx.now() + timedelta(seconds=3)
    timeline = tuple(moment.replace(at=ahead) for moment in run.timeline)
    await harness.rewrite(run, timeline=timeline)
    await harness.tick()
    assert (await harness.known(run.id)).since == ahead
