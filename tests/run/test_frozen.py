"""A worker that stands still for longer than others wait for it (a laptop's lid, a paused machine)
and then goes on where it was: nothing is paid twice, and a job made beside the run's own is ended.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from shared.cloud.memory_container import MemoryContainer
from shared.errors import Refused, Throttled, Unavailable
from shared.run import commands, creation, reconciler
from shared.run.policy import Policy
from shared.run.record import Action, Run
from shared.run.stages import Stage
from tests.support.placed import START, PlacedRun
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService
from tests.support.settings import IN_MEMORY

TOUCHES = ("create", "replace", "put", "append", "delete", "read", "info")
FROZEN_SECONDS = 300  # longer than a lease and the time in flight
SENT = "jobs.create"  # a worker frozen here has the request in the kernel already


@pytest.fixture
def placed() -> PlacedRun:
    return PlacedRun()


# ---- frozen at any call between the drop and the job


@dataclass
class Freezer:
    """Freezes the worker at call number `at`, before its effect or after; another has its turn."""

    harness: RunHarness
    at: int
    after: bool
    calls: int = 0
    struck: str = ""

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        async def called(*args: Any, **options: Any) -> Any:
            number, self.calls = self.calls, self.calls + 1
            operation = args[2] if name == "call" else name
            if number == self.at and not self.after:
                await self.freeze(operation)
            result = await function(*args, **options)
            if number == self.at and self.after:
                await self.freeze(operation)
            return result

        return called

    async def freeze(self, operation: str) -> None:
        self.at, self.struck, calls = -1, operation, self.calls
        assert self.harness.clock
        self.harness.clock.advance(FROZEN_SECONDS)
        self.harness.break_claims()
        for _ in range(5):
            (run,) = await self.harness.runs()
            if run.job_id:
                break
            await self.harness.tick()
            self.harness.clock.advance(60)
        self.calls = calls


async def frozen_life(at: int, after: bool) -> tuple[Freezer, Run]:
    """A run from its drop to its end, with one freeze on the way to its job."""
    harness = RunHarness.in_memory(IN_MEMORY, "captain")
    harness.service.configure(step_seconds=30)
    await harness.drop()
    run = await harness.received()
    freezer = Freezer(harness, at, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryService, "call", freezer.wrap("call", MemoryService.call))
        for name in TOUCHES:
            wrapped = freezer.wrap(name, getattr(MemoryContainer, name))
            patch.setattr(MemoryContainer, name, wrapped)
        for _ in range(5):
            await harness.tick()
            assert harness.clock
            harness.clock.advance(60)
            if (await harness.known(run.id)).job_id:
                break
    await harness.until_inactive()
    return freezer, await harness.known(run.id)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_freeze_at_any_call_pays_for_one_job(after: bool) -> None:
    undisturbed, _ = await frozen_life(-1, after)
    assert undisturbed.calls > 30
    struck = set()
    for at in range(undisturbed.calls):
        freezer, run = await frozen_life(at, after)
        struck.add(freezer.struck)
        service = freezer.harness.service
        made = service.jobs_of(run.id)
        cancelled = [job for job in made if service.job_status(job) == "cancelled"]
        about = (at, freezer.struck, made, run)
        assert run.stage is Stage.SERVING, about
        assert sorted(made) == sorted([str(run.job_id), *run.past_jobs]), about
        assert cancelled == list(run.past_jobs), about
        if freezer.struck == SENT and not after:  # too late for any look at a clock
            await told_of_both(freezer.harness, run)
        else:
            assert made == [run.job_id], about
    assert {SENT, "jobs.list", "replace"} <= struck


async def told_of_both(harness: RunHarness, run: Run) -> None:
    (second,) = run.past_jobs
    lines = [line for line in await harness.messages(run, "job") if second in line]
    assert any(str(run.job_id) in line and "is cancelled" in line for line in lines), lines


# ---- clocks


async def test_a_machine_that_slept_does_not_send_what_it_was_about_to(placed: PlacedRun) -> None:
    """The clock that cannot be set back stands still meanwhile; the wall clock tells."""
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    ctx = replace(placed.ctx, uptime=lambda: 1000.0)
    placed.wait(seconds=31)
    outcome = await creation.create_job(run, ctx, 1000.0)
    assert not placed.jobs.jobs
    assert outcome.run.asked_at is None, "nothing was sent: the next look need not wait"
    assert "31 s" in outcome.log[0].message


async def test_a_wall_clock_that_was_set_back_does_not_renew_an_intent(placed: PlacedRun) -> None:
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    placed.wait(hours=-1)
    ctx = replace(placed.ctx, uptime=lambda: 1031.0)
    await creation.create_job(run, ctx, 1000.0)
    assert not placed.jobs.jobs


async def test_a_machine_whose_clocks_stood_still_sees_that_its_run_was_changed(
    placed: PlacedRun,
) -> None:
    """Paused from outside, no clock of it has moved; another worker has written the record."""
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    await placed.ctx.ledger.amend(run.id, lambda known: known.replace(asked_at=placed.now()))
    await placed.ctx.ledger.amend(run.id, lambda known: known.replace(tries=1))
    await creation.create_job(run, placed.ctx, placed.ctx.uptime())
    assert not placed.jobs.jobs


async def test_a_run_that_was_cancelled_on_the_way_asks_for_no_job(placed: PlacedRun) -> None:
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    await commands.give(run.id, Action.CANCEL, "Ada", "", placed.ctx)
    await creation.create_job(run, placed.ctx, placed.ctx.uptime())
    assert not placed.jobs.jobs


async def test_a_record_that_cannot_be_read_again_sends_nothing(
    placed: PlacedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await placed.run(Stage.SUBMITTING, asked_at=START)

    async def down(*_: Any) -> None:
        raise Unavailable("storage is down")

    monkeypatch.setattr(placed.clients.runs, "read", down)
    outcome = await creation.create_job(run, placed.ctx, placed.ctx.uptime())
    assert not placed.jobs.jobs
    assert outcome.run.asked_at is None


async def test_a_slow_look_at_the_record_counts(
    placed: PlacedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    read = placed.clients.runs.read

    async def slow(name: str) -> Any:
        found = await read(name)
        placed.wait(seconds=40)
        return found

    monkeypatch.setattr(placed.clients.runs, "read", slow)
    await creation.create_job(run, placed.ctx, placed.ctx.uptime())
    assert not placed.jobs.jobs


@pytest.mark.parametrize(
    ("age", "seconds"), [(0, 60), (30, 60), (90, 30), (119, 1), (121, -1)], ids=str
)
def test_a_call_ends_before_others_may_send_another(age: float, seconds: float) -> None:
    assert Policy().call_seconds(age) == seconds


def test_the_whole_of_an_intent_and_its_call_fits_into_the_wait_of_others() -> None:
    policy = Policy()
    whole = policy.intent_valid + timedelta(seconds=policy.create_timeout)
    assert whole < policy.job_in_flight


async def test_a_call_that_hangs_is_given_up_in_time(placed: PlacedRun) -> None:
    run = await placed.run(Stage.SUBMITTING, asked_at=START)
    policy = replace(
        placed.ctx.policy,
        job_in_flight=timedelta(seconds=0.3),
        intent_valid=timedelta(seconds=0.3),
    )
    placed.jobs.before_submit = lambda: asyncio.sleep(60)
    async with asyncio.timeout(20):
        ctx = replace(placed.ctx, policy=policy)
        outcome = await creation.create_job(run, ctx, ctx.uptime())
    assert isinstance(outcome.error, Unavailable)
    assert outcome.run.asked_at, "it may be on its way"


# ---- what the call has told, where another worker has written the run since


async def taken_over(placed: PlacedRun) -> None:
    """While this worker's call is under way, another one has its job made and written down."""
    placed.wait(minutes=5)
    placed.clients.runs.break_leases()
    await reconciler.tick(placed.ctx)
    assert (await placed.known()).job_id == "J1"


@pytest.mark.parametrize(
    "answer",
    [Throttled("429: too many."), Refused("400: no."), Unavailable("no answer.")],
    ids=lambda error: type(error).__name__,
)
async def test_an_answer_that_comes_late_takes_no_job_from_the_run(
    placed: PlacedRun, answer: Exception
) -> None:
    await placed.run(Stage.UPLOADED)

    async def late() -> None:
        await taken_over(placed)
        raise answer

    placed.jobs.before_submit = late
    await reconciler.tick(placed.ctx)
    run = await placed.known()
    assert (run.job_id, run.stage, run.past_jobs) == ("J1", Stage.TRAINING, ())
    assert placed.jobs.alive == ["J1"]


async def test_a_late_answer_does_not_take_back_what_another_has_just_asked(
    placed: PlacedRun,
) -> None:
    """The other worker's call is under way: a third must go on waiting for it."""
    await placed.run(Stage.UPLOADED)

    async def late() -> None:
        placed.wait(minutes=5)
        await placed.ctx.ledger.amend("m-1", lambda run: run.replace(asked_at=placed.now()))
        raise Throttled("429: too many.")

    placed.jobs.before_submit = late
    await reconciler.tick(placed.ctx)
    assert (await placed.known()).asked_at == placed.now()
    assert not placed.jobs.jobs


async def test_the_second_of_two_jobs_is_cancelled_and_told(placed: PlacedRun) -> None:
    await placed.run(Stage.UPLOADED)
    placed.jobs.before_submit = lambda: taken_over(placed)
    await reconciler.tick(placed.ctx)
    run = await placed.known()
    assert (run.job_id, run.past_jobs) == ("J1", ("J2",))
    assert placed.jobs.alive == ["J1"]
    assert [line for line in await placed.messages("job") if "J1" in line and "J2" in line]


async def test_a_second_job_is_not_taken_for_the_runs_own_again(placed: PlacedRun) -> None:
    """The search of a later look finds it: cancelled, it would end the run."""
    await placed.run(Stage.UPLOADED)
    placed.jobs.before_submit = lambda: taken_over(placed)
    await reconciler.tick(placed.ctx)
    run = await placed.known()
    await placed.ctx.ledger.amend(
        run.id, lambda known: known.replace(stage=Stage.SUBMITTING, job_id=None)
    )  # storage has lost what was written last
    run = await placed.tick()
    assert (run.job_id, run.stage) == ("J1", Stage.TRAINING)
