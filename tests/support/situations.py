"""Situations of runs that wait, or were held, each with what people read of it."""

from shared.run import estimates
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.comparing import Compared, right
from tests.support.limits import dropped, limited
from tests.support.runs import RunHarness

Told = tuple[RunHarness, Run, str]  # the run of a message, and the message as people read it


async def waits_for_its_start() -> Told:
    harness = limited()
    run = await dropped(harness, b"start: manual")
    return await waiting(harness, await harness.until(run, Stage.READY))


async def paused() -> Told:
    harness = limited()
    run = await harness.until(await dropped(harness), Stage.TRAINING)
    while not (await harness.known(run.id)).progress.step:
        await harness.tick()
        await harness.pause(1)
    return await waiting(harness, await harness.command(run, Action.PAUSE))


async def waiting(harness: RunHarness, run: Run) -> Told:
    while not run.waiting_for:
        await harness.tick()
        await harness.pause(1)
        run = await harness.known(run.id)
    return harness, run, run.waiting_for


async def stuck() -> Told:
    harness = limited()
    harness.service.arm("job-stuck")
    run = await harness.until(await dropped(harness), Stage.SUBMITTED)
    wait = estimates.stuck(
        await harness.known(run.id), harness.ctx.now() + harness.ctx.policy.leave_after
    )
    assert wait
    return harness, run, wait.message


async def not_compared_in_time() -> Told:
    compared = Compared.of()
    compared.deploy_base()
    compared.memory.arm("unavailable", "deployments.list", count=None)
    run = await compared.tick(await compared.placed(right, "gate: enforce"))
    await compared.harness.backdate(run, days=1)
    await compared.harness.ticked(days=1)
    run = await compared.harness.until(run, *ENDS)
    return compared.harness, run, run.held
