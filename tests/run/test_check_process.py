"""The process that reads datasets: whatever becomes of it, the run is told and the app goes on."""

import asyncio
import json
import signal
import sys

import psutil
import pytest

from shared.errors import Replaced, TooCostly, WorkerLost
from shared.run import reconciler, workers
from shared.run.policy import Policy
from shared.run.record import Action
from shared.run.stages import Stage
from shared.run.workers import Workers
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.workers import checked, children, fresh_workers, gone, posix, while_read

NO_TIME = {"check_seconds": 0.001, "check_seconds_per_mb": 0.0}


__all__ = ["fresh_workers"]
pytestmark = pytest.mark.usefixtures("fresh_workers")


def kill_them() -> None:
    for child in children():
        child.kill()


# ---- over the budget


@posix
async def test_a_check_that_takes_too_long_is_ended_and_the_run_is_told(
    harness: RunHarness,
) -> None:
    harness.set_policy(**NO_TIME)
    run = await checked(harness)
    assert run.stage is Stage.REJECTED
    assert run.failure
    assert run.failure.message == (
        f"The check of '{harness.model}/training.jsonl' took more than 0 s of processor time, "
        "the most that is allowed for 0.0 MB."
    )
    assert run.failure.fix.startswith("Shorten or divide its lines. `tunedrop check FILE` has no")
    assert run.failure.blame == "caller"
    assert await harness.ledger.document(run.id, "report.json") is None
    assert children() == []
    assert await harness.ledger.active() == [], "no tick tries it again"


@posix
async def test_the_end_of_one_check_is_not_the_end_of_others(harness: RunHarness) -> None:
    await checked(harness)
    (kept,) = children()
    harness.set_policy(**NO_TIME)
    await harness.drop(dataset(3000))
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    assert gone([kept])
    harness.set_policy(check_seconds=60)
    await harness.drop(dataset(14))
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    stages = {run.training.size: run.stage for run in await harness.runs()}
    assert stages[len(dataset(3000))] is Stage.REJECTED
    assert stages[len(dataset(14))] is not Stage.REJECTED


@posix
async def test_a_rejected_check_is_tried_again_when_a_person_asks(harness: RunHarness) -> None:
    harness.set_policy(**NO_TIME)
    run = await checked(harness)
    harness.set_policy(check_seconds=60)
    await harness.command(run, Action.RETRY)
    assert (await harness.until(run, Stage.SERVING)).stage is Stage.SERVING


def test_the_time_of_a_check_grows_with_its_files() -> None:
    policy = Policy(check_seconds=10, check_seconds_per_mb=2)
    assert policy.check_time(0) == 10
    assert policy.check_time(5_000_000) == 20


@posix
async def test_each_check_has_a_time_of_its_own() -> None:
    """A process that is used again does not pay for the checks before."""
    few = Workers(Policy(check_seconds=3, check_seconds_per_mb=0))
    content = dataset(60_000)  # half a second, and the vocabulary before the first
    for _ in range(8):
        async with few.session("x", 0) as session:
            await session.ask("begin", seconds=3, memory=1 << 29, plan={})
            await session.ask("open", name="x", role="training")
            await session.ask("feed", content)
    assert len(children()) == 1


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS limits no memory")
async def test_a_check_that_needs_too_much_memory_is_ended(harness: RunHarness) -> None:
    harness.set_policy(check_memory=1 << 20)
    run = await checked(harness)
    assert run.stage is Stage.REJECTED
    assert run.failure
    assert run.failure.message == (
        f"The check of '{harness.model}/training.jsonl' needs more than 1 MB of memory."
    )
    assert run.failure.fix.startswith("Divide its examples among several drops.")
    assert children() == []


def test_native_code_without_memory_is_told_as_that() -> None:
    budget = workers.Budget("x", 1, 60, 300, 512 << 20)
    lost = budget.passed(-signal.SIGABRT)
    assert isinstance(lost, WorkerLost)
    assert "ended by SIGABRT, as it is where it needs more than 512 MB of memory." in lost.message


async def test_a_process_that_hangs_is_ended(harness: RunHarness) -> None:
    harness.set_policy(check_patience=-119.99)
    run = await checked(harness)
    assert run.stage is Stage.RECEIVED
    assert run.waiting_for
    assert f"that checks '{harness.model}/training.jsonl' does not answer" in run.waiting_for
    await asyncio.to_thread(gone, children())
    assert children() == []


# ---- a process that is lost


async def test_a_process_that_was_killed_once_is_followed_by_another(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        while_read(harness, patch, kill_them)
        run = await checked(harness)
    assert run.stage is Stage.RECEIVED
    assert run.waiting_for
    assert "was ended by SIGKILL. It is tried again." in run.waiting_for
    run = await harness.until(run, Stage.SERVING)
    assert run.lost_checks == 0


async def test_a_check_that_kills_its_process_is_not_tried_for_ever(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    while_read(harness, monkeypatch, kill_them)
    run = await checked(harness)
    for _ in range(3):
        await harness.pause(harness.ctx.policy.longest_pause)
        await harness.tick()
    run = await harness.known(run.id)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert run.failure.message == (
        f"The check was tried 3 times. The process that checks '{harness.model}/training.jsonl' "
        "was ended by SIGKILL."
    )
    assert run.failure.fix.startswith("`tunedrop check FILE` may show which line does it")
    assert run.failure.blame == "us"
    waits = [line for line in await harness.messages(run, "waiting") if "SIGKILL" in line]
    assert len(waits) == 1, "the log has it once"
    monkeypatch.undo()
    await harness.drop(dataset(12))
    assert (await harness.until(await harness.received(), Stage.SERVING)).id == run.id


async def test_only_lost_checks_in_a_row_count(harness: RunHarness) -> None:
    """The third try of a later attempt is not the end."""
    run = await harness.until(await checked(harness), Stage.SERVING)
    await harness.rewrite(run, lost_checks=2, stage=Stage.RECEIVED, failure=None)
    await harness.ledger.mark(run.id)
    assert (await harness.until(run, Stage.SERVING)).lost_checks == 0


async def test_a_fault_is_told_by_its_kind_and_place_alone() -> None:
    """Its message may quote a dataset."""
    with pytest.raises(WorkerLost) as caught:
        async with Workers(Policy()).session("'x'", 0, plan={"secret-plan": 1}) as session:
            await session.ask("open", name="x", role="training")
    message = caught.value.message
    assert message.startswith("A fault in Tunedrop itself in the check of 'x': TypeError in worker")
    assert "secret-plan" not in message


async def test_a_process_that_has_ended_while_it_waited_is_replaced(harness: RunHarness) -> None:
    await checked(harness)
    old = children()
    kill_them()
    await asyncio.to_thread(psutil.wait_procs, old, 10)
    await harness.drop(dataset(20))
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    assert {run.stage for run in await harness.runs()}.isdisjoint({Stage.RECEIVED, Stage.FAILED})
    assert children() != old


# ---- what is accepted


async def test_no_report_is_made_of_a_file_that_was_not_read_to_its_end(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def replaced() -> None:
        if not done:
            done.append("once")
            raise Replaced("it was replaced")

    while_read(harness, monkeypatch, replaced)
    run = await checked(harness)
    assert run.stage is Stage.RECEIVED
    assert await harness.ledger.document(run.id, "report.json") is None
    assert await harness.ledger.document(run.id, "report.html") is None


async def test_a_file_of_many_pieces_is_read_to_its_end(harness: RunHarness) -> None:
    content = dataset(30_000) + b"no JSON\n"
    assert len(content) > 3 << 20
    run = await checked(harness, content)
    assert (run.stage, run.training.examples) == (Stage.REJECTED, 30_001)


async def test_nothing_of_a_check_is_left_for_the_next(harness: RunHarness) -> None:
    """The same process; another model, other files, another budget."""
    bad = await checked(harness, b"no JSON\n" * 30)
    await harness.drop(dataset(12))
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    good = next(run for run in await harness.runs() if run.id != bad.id)
    assert (bad.stage, bad.training.examples) == (Stage.REJECTED, 30)
    assert good.training.examples == 12
    report = await harness.ledger.document(good.id, "report.json")
    assert report
    assert b"not-json" not in report
    assert json.loads(report)["verdict"] == "accepted"
    page = await harness.ledger.document(good.id, "report.html")
    assert page
    assert page.rstrip().endswith(b"</html>")
    assert good.id.encode() in report
    assert len(children()) == 1


async def test_what_cannot_be_started_is_waited_for(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    run = await checked(harness)
    assert run.stage is Stage.RECEIVED
    assert run.waiting_for
    assert "No process can be started to check" in run.waiting_for
    monkeypatch.undo()
    assert await harness.until(run, Stage.SERVING)


async def test_the_patience_is_for_a_whole_check_and_grows_with_its_files() -> None:
    """Not for each of its questions: a file of many pieces has as many."""
    policy = Policy()
    budget = workers.Budget.of("x", 10_000_000, policy)
    assert budget.seconds == policy.check_seconds + 10 * policy.check_seconds_per_mb
    assert budget.patience == policy.check_patience + 2 * budget.seconds
    async with Workers(policy).session("x", 10_000_000) as session:
        assert session._patience < budget.patience


def test_the_errors_are_of_the_callers() -> None:
    assert TooCostly("x").blame == "caller"
    assert WorkerLost("x").blame == "us"
