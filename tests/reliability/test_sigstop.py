"""A worker's process is stopped (SIGSTOP) between its intent and "create job" for longer than
others wait, and another process takes its run to the end; then it goes on: one job is paid for.

The short form stops it at one place, another each day; at all of them with TUNEDROP_EVERY_KILL=1.
"""

import asyncio
import os
import signal
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.cloud import AzureClients
from shared.run import reconciler
from shared.run.context import Context
from shared.run.policy import Policy
from shared.run.stages import Stage
from shared.settings import Settings
from tests.reliability.life import FORKS, LONG, SHORT
from tests.support.datasets import dataset
from tests.support.stack import StackHarness, wait_for

SECONDS = 300
# The two minutes and their half, shortened: what is tried is their order.
POLICY = Policy(
    job_in_flight=timedelta(seconds=3), intent_valid=timedelta(seconds=1.5), first_pause=0.05
)
# Of a worker that goes on as if no time had passed: no clock of its machine has moved.
TIMELESS = Policy(
    job_in_flight=timedelta(hours=1), intent_valid=timedelta(hours=1), first_pause=0.05
)
LOOKS = 2  # at the record and the clocks, in each call: before its first bytes and before its last


def live(environ: dict[str, str], path: str, stop_at: int | None, policy: Policy) -> None:
    """A drop and everything that follows. The process stops before the call (0), or once its last
    look has been taken (2)."""
    os.environ.update(environ)
    asyncio.run(_live(Settings.load(environ), path, stop_at, policy))


async def _live(settings: Settings, path: str, stop_at: int | None, policy: Policy) -> None:
    async with AzureClients(settings) as clients:
        if stop_at is not None:
            _stop(clients, stop_at)
        ctx = Context.of(clients, policy)
        await reconciler.dataset_dropped(path, ctx)
        while await ctx.ledger.active():
            await reconciler.tick(ctx)
            await asyncio.sleep(0.25)


def _stop(clients: AzureClients, stop_at: int) -> None:
    """Stop once: before the call, or after so many of its looks."""
    submit, taken, stopped = clients.finetuning.submit, 0, False

    def stop() -> None:
        nonlocal stopped
        if taken == stop_at and not stopped:
            stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)

    async def submitted(request: Any, before_send: Any) -> Any:
        async def look() -> None:
            nonlocal taken
            await before_send()
            taken += 1
            stop()

        stop()
        return await submit(request, look)

    clients.finetuning.submit = submitted  # type: ignore[method-assign, assignment]


def stands_still(pid: int | None) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("T")


# When it stops, what it knows of time, and how many jobs are made.
PLACES = [
    pytest.param(0, POLICY, 1, id="before the call"),
    pytest.param(0, TIMELESS, 1, id="without a clock"),
    pytest.param(LOOKS, TIMELESS, 2, id="after the last look"),
]
if not os.environ.get("TUNEDROP_EVERY_KILL"):
    PLACES = [PLACES[date.today().toordinal() % len(PLACES)]]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux whether it stands")
@pytest.mark.parametrize(("stop_at", "policy", "made"), PLACES)
def test_a_stopped_process_makes_no_job_beside_the_runs_own(
    stack: StackHarness, stop_at: int, policy: Policy, made: int
) -> None:
    """The second of two is cancelled as soon as its worker has made it; it can be made only while
    the run's files are there."""
    model = f"z{uuid.uuid4().hex[:8]}"
    environ, path = stack.apart(model), f"{model}/training.jsonl"
    datasets = stack.container(f"datasets-{model}")
    datasets.upload_blob(f"{model}/run.yaml", LONG if made > 1 else SHORT)
    datasets.upload_blob(path, dataset(10, voice=model))
    stopped = FORKS.Process(target=live, args=(environ, path, stop_at, policy))
    other = FORKS.Process(target=live, args=(environ, path, None, POLICY))
    try:
        stopped.start()
        wait_for(lambda: stands_still(stopped.pid))
        stack.free_claims(f"runs-{model}")
        other.start()
        if made > 1:
            wait_for(lambda: asyncio.run(_record(environ))[0].job_id)
        else:
            other.join(SECONDS)
        os.kill(int(stopped.pid or 0), signal.SIGCONT)
        other.join(SECONDS)
        stopped.join(SECONDS)
        assert (stopped.exitcode, other.exitcode) == (0, 0)
    finally:
        for process in (stopped, other):
            process.kill()
            process.join()
    assert_one_goes_on(stack, environ, made)
    stack.clear_service(f"{model}-")


def assert_one_goes_on(stack: StackHarness, environ: dict[str, str], made: int) -> None:
    run, lines = asyncio.run(_record(environ))
    assert run.stage is Stage.SERVING
    jobs = stack.jobs_of(run.id)
    assert sorted(jobs) == sorted([run.job_id, *run.past_jobs])
    assert len(jobs) == made
    jobs.remove(run.job_id)
    wait_for(lambda: {_status(stack, second) for second in jobs} <= {"cancelled"})
    for second in jobs:
        assert any(run.job_id in line and second in line for line in lines)


def _status(stack: StackHarness, job_id: str) -> str:
    return stack.service.fine_tuning.jobs.retrieve(job_id).status


async def _record(environ: dict[str, str]) -> Any:
    async with AzureClients(Settings.load(environ)) as clients:
        ledger = Context.of(clients).ledger
        ((_, run),) = [found async for found in ledger.newest()]
        log = await ledger.document(run.id, "events.jsonl") or b""
        return run, log.decode().splitlines()
