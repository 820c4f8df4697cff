"""The process that reads datasets: whatever becomes of it, the run is told and the app goes on."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from shared.errors import Replaced, TooCostly, WorkerLost
from shared.run import reconciler, workers
from shared.run.policy import Policy
from shared.run.record import Action, Run
from shared.run.stages import Stage
from shared.run.worker_process import ENVIRONMENT, Process
from shared.run.workers import Workers
from tests.processes import PATIENCE_SECONDS, ROOT
from tests.support.datasets import dataset
from tests.support.runs import RunHarness

NO_TIME = {"check_seconds": 0.001, "check_seconds_per_mb": 0.0}
posix = pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")


@pytest.fixture(autouse=True)
def _no_process_of_earlier_tests() -> Iterator[None]:
    workers.end_idle()
    yield
    workers.end_idle()


def children() -> list[psutil.Process]:
    """The worker processes of this one."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "shared.dataset.worker" in child.cmdline():
                found.append(child)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)[1]


async def checked(harness: RunHarness, content: bytes = dataset(12)) -> Run:
    """A drop, and what has become of it at once."""
    await harness.drop(content)
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    (run,) = await harness.runs()
    return run


def while_read(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]
) -> None:
    """Do something while the process has begun with a file and waits for its bytes."""
    datasets = harness.ctx.clients.datasets
    stream = datasets.stream

    async def disturbed(name: str, etag: str) -> AsyncIterator[bytes]:
        async for chunk in stream(name, etag):
            if children():  # not while the digest is made
                what()
            yield chunk

    monkeypatch.setattr(datasets, "stream", disturbed)


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
    few = Workers(Policy(check_seconds=0.5, check_seconds_per_mb=0))
    for _ in range(8):
        async with few.session("x", 0) as session:
            await session.ask("begin", seconds=0.5, memory=1 << 29, plan={})
            await session.ask("open", name="x", role="training")
            await session.ask("feed", dataset(3000))
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
    run = await harness.until(await checked(harness), Stage.FAILED)
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
    await harness.ledger._mark(run.id)
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
    assert good.id.encode() in report
    assert len(children()) == 1


# ---- how many, and for how long


async def test_two_lone_datasets_do_not_wait_for_each_other(harness: RunHarness) -> None:
    """Splitting needs a process, and so does the check that comes after."""
    harness.set_policy(checks_at_once=1)
    for model in ("lone-a", "lone-b", "lone-c"):
        await harness.ctx.clients.datasets.put(f"{model}.jsonl", dataset(40, model), "")
    drops = [f"lone-{letter}.jsonl" for letter in "abc"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(reconciler.dataset_dropped(name, harness.ctx) for name in drops))
    assert len(await harness.runs()) == 3
    assert len(children()) == 1


async def test_no_more_processes_than_allowed_have_work(harness: RunHarness) -> None:
    shared, at_work = Workers(Policy(checks_at_once=2)), 0

    async def work() -> int:
        nonlocal at_work
        async with shared.session("x", 0):
            at_work += 1
            most = at_work
            await asyncio.sleep(0.02)
            at_work -= 1
            return most

    assert max(await asyncio.gather(*(work() for _ in range(6)))) == 2
    assert len(children()) == 2


async def test_whoever_waits_longest_comes_next() -> None:
    shared, order = Workers(Policy(checks_at_once=1)), []

    async def work(number: int) -> None:
        async with shared.session("x", 0):
            order.append(number)

    await asyncio.gather(*map(work, range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_a_process_that_has_grown_is_not_kept(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await checked(harness)
    assert len(children()) == 1
    monkeypatch.setattr(workers, "GROWN", 1 << 20)
    await harness.drop(dataset(20))
    await reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    assert children() == []


async def test_a_check_that_is_cancelled_leaves_no_process(
    harness: RunHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy: list[psutil.Process] = []

    def cancel() -> None:
        busy.extend(children())
        task.cancel()

    while_read(harness, monkeypatch, cancel)
    await harness.drop()
    drop = reconciler.dataset_dropped(harness.path("training.jsonl"), harness.ctx)
    task = asyncio.create_task(drop)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert busy
    assert await asyncio.to_thread(gone, busy)


# ---- the process by itself

APP = """
import os, sys, time
sys.path[:] = [*{path!r}, *sys.path]
os.environ["TunedropStorage"] = "the key"
from shared.run.worker_process import Process
process = Process()
process.ask({{"do": "begin", "seconds": 600, "memory": 1 << 30, "plan": {{}}}}, b"")
process.ask({{"do": "open", "name": "x", "role": "training"}}, b"")
print(process.pid, flush=True)
{then}
"""
BUSY = """
line = b'{"messages": [{"role": "user", "content": "a"}]}\\n'
process.ask({"do": "feed"}, line * 3_000_000)
"""


def app(then: str, cwd: Path) -> "subprocess.Popen[bytes]":
    """Another process with a worker, which finds the packages only by its own sys.path."""
    path = [str(ROOT), *sys.path]
    code = APP.format(path=path, then=then)
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE)


@posix
@pytest.mark.parametrize("then", ["time.sleep(600)", BUSY], ids=["waiting", "busy"])
def test_nothing_is_left_of_an_app_that_is_killed(then: str, tmp_path: Path) -> None:
    with app(then, tmp_path) as parent:
        assert parent.stdout
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert gone([worker])


def test_the_process_has_no_keys(tmp_path: Path) -> None:
    with app("time.sleep(600)", tmp_path) as parent:
        assert parent.stdout
        environ = psutil.Process(int(parent.stdout.readline())).environ()
        parent.kill()
    assert "TunedropStorage" not in environ
    assert set(environ) <= {*ENVIRONMENT, "PYTHONPATH", "PYTHONUTF8", "LC_CTYPE"}


@posix
def test_the_process_lets_others_go_first() -> None:
    process = Process()
    try:
        process.ask({"do": "begin", "seconds": 60, "memory": 1 << 30}, b"")
        (child,) = children()
        assert child.nice() > psutil.Process().nice()
    finally:
        process.end()


def test_a_process_without_work_ends_by_itself(tmp_path: Path) -> None:
    code = "from shared.dataset import worker; worker.IDLE_SECONDS = 0.1; worker.main()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.wait(PATIENCE_SECONDS) == 0


def test_an_answer_that_is_no_answer_is_the_end_of_the_process() -> None:
    """Where something else prints into the pipe, or the process is no longer itself."""
    code = "import sys; sys.stdout.buffer.write(b'\\xff' * 16)"
    process = Process()
    process._popen = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with pytest.raises((EOFError, OSError)):
        process.ask({"do": "begin"}, b"")
    process.end()


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


def test_the_errors_are_of_the_callers() -> None:
    assert TooCostly("x").blame == "caller"
    assert WorkerLost("x").blame == "us"
