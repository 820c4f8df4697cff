"""What a run does where the service answers otherwise than its usual documents say."""

from datetime import timedelta

import pytest

from shared.run import estimates
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.runs import RunHarness
from tests.support.service_state import MemoryService


@pytest.fixture
def memory(harness: RunHarness) -> MemoryService:
    assert isinstance(harness.service, MemoryService)
    return harness.service


async def looked_at(harness: RunHarness, run: Run, times: int = 3) -> Run:
    for _ in range(times):
        await harness.tick()
        await harness.pause(1)
    return await harness.known(run.id)


async def trained(harness: RunHarness) -> Run:
    await harness.drop()
    return await harness.until(await harness.received(), Stage.TRAINING)


@pytest.mark.parametrize("told", ["canceled", "Cancelled", "CANCELED"])
async def test_a_job_cancelled_elsewhere_ends_the_run_in_both_spellings(
    harness: RunHarness, memory: MemoryService, told: str
) -> None:
    memory.spelled["cancelled"] = told
    run = await trained(harness)
    memory.cancel_job(str(run.job_id))
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.CANCELLED
    assert run.failure
    assert "outside of Tunedrop" in run.failure.message


async def test_a_status_that_is_not_known_is_told_at_once_and_still_followed(
    harness: RunHarness, memory: MemoryService
) -> None:
    memory.spelled["running"] = "evaluating"
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.SUBMITTED)
    run = await looked_at(harness, run)
    assert run.waiting_for
    assert "evaluating" in run.waiting_for
    told = await harness.messages(run, "waiting")
    assert [line for line in told if "evaluating" in line] == [run.waiting_for]
    memory.spelled.clear()
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


async def test_a_job_that_the_service_calls_deleted_is_gone(
    harness: RunHarness, memory: MemoryService
) -> None:
    run = await trained(harness)
    memory.spelled.update({"running": "deleted", "cancelled": "deleted"})
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "is gone" in run.failure.message
    memory.spelled.clear()
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.stage is Stage.SERVING


async def test_a_job_without_its_models_name_says_what_is_waited_for(
    harness: RunHarness, memory: MemoryService
) -> None:
    memory.nameless = True
    run = await trained(harness)
    memory.finish_job(str(run.job_id))
    run = await looked_at(harness, run)
    assert run.stage is Stage.TRAINING
    assert run.waiting_for
    assert "yet to tell the name" in run.waiting_for
    assert "6 hours" in run.waiting_for
    told = [line for line in await harness.messages(run, "waiting") if "the name" in line]
    assert told == [run.waiting_for]
    assert run.waiting_for in str(estimates.stuck(run, harness.ctx.now()))
    memory.nameless = False
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING
    assert len(memory.jobs) == 1


async def nameless_for(harness: RunHarness, run: Run, hours: float) -> Run:
    """As if the app had looked for so long."""
    await looked_at(harness, run)
    since = harness.ctx.now() - timedelta(hours=hours)
    run = await harness.rewrite(run, nameless_since=since)
    await harness.ticked(days=2)
    return await looked_at(harness, run)


async def test_it_gives_up_after_hours_and_a_retry_follows_the_same_job(
    harness: RunHarness, memory: MemoryService
) -> None:
    memory.nameless = True
    run = await trained(harness)
    memory.finish_job(str(run.job_id))
    run = await nameless_for(harness, run, hours=5.9)
    assert run.stage is Stage.TRAINING
    run = await harness.until(await nameless_for(harness, run, hours=6.1), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "has not told for 6 hours which model" in run.failure.message
    assert f"`tunedrop retry {run.id}`" in run.failure.fix
    assert run.failure.blame == "service"
    run = await looked_at(harness, await harness.command(run, Action.RETRY))
    assert run.stage is Stage.SUBMITTED, "it is given hours again"
    memory.nameless = False
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING
    assert len(memory.jobs) == 1


async def test_hours_in_which_nobody_looked_do_not_count(
    harness: RunHarness, memory: MemoryService
) -> None:
    memory.nameless = True
    run = await trained(harness)
    memory.finish_job(str(run.job_id))
    run = await looked_at(harness, run)
    assert harness.clock
    harness.clock.advance(12 * 3600)
    run = await looked_at(harness, run)
    assert run.stage is Stage.TRAINING


async def test_a_state_of_a_deployment_that_is_not_known_is_told_and_followed(
    harness: RunHarness, memory: MemoryService
) -> None:
    memory.configure(creating_seconds=30)
    memory.spelled["Creating"] = "Thawing"
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.DEPLOYING)
    run = await looked_at(harness, run)
    assert run.waiting_for
    assert "Thawing" in run.waiting_for
    assert [m for m in await harness.messages(run, "waiting") if "Thawing" in m]
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


@pytest.mark.parametrize("told", ["Cancelled", "canceled", "failed", "Disabled"])
async def test_a_deployment_that_ended_badly_ends_the_run_in_every_spelling(
    harness: RunHarness, memory: MemoryService, told: str
) -> None:
    memory.arm("provisioning-failed")
    memory.spelled["Failed"] = told
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert "Azure ended the deployment" in run.failure.message


async def test_a_deployment_that_an_earlier_try_left_failed_is_deleted_and_asked_for_anew(
    harness: RunHarness, memory: MemoryService
) -> None:
    """A worker died between Azure's answer and the run's record."""
    await harness.drop()
    memory.arm("request-conflict", "deployments.put", count=None)
    run = await harness.until(await harness.received(), Stage.TRAINED)
    memory.disarm()
    memory.arm("provisioning-failed")
    memory.create_deployment(f"{harness.model}-v1", str(run.fine_tuned_model))
    await harness.pause(5)
    run = await harness.until(run, *ENDS)
    assert run.stage is Stage.SERVING, run.failure
    assert [line for line in await harness.messages(run, "waiting") if "ended as Failed" in line]


async def test_a_probe_without_choices_is_the_services_fault_and_is_asked_again(
    harness: RunHarness, memory: MemoryService
) -> None:
    memory.wordless = True
    await harness.drop()
    run = await harness.until(await harness.received(), Stage.PROBING)
    run = await looked_at(harness, run)
    assert run.stage is Stage.PROBING
    assert run.waiting_for
    assert "Azure OpenAI answered without choices" in run.waiting_for
    assert "fault in Tunedrop" not in run.waiting_for
    memory.wordless = False
    assert (await harness.until(run, *ENDS)).stage is Stage.SERVING


LOCK = "The following scope(s) are locked. Please remove the lock and try again."
DISABLED = "The subscription is disabled and therefore marked as read only."
POLICY = "Resource 'm' was disallowed by policy."


@pytest.mark.parametrize(
    ("status", "code", "message", "move"),
    [
        (409, "ScopeLocked", LOCK, "az lock delete"),
        (409, "ReadOnlyDisabledSubscription", DISABLED, "re-enable"),
        (403, "RequestDisallowedByPolicy", POLICY, "exemption"),
    ],
)
async def test_what_does_not_pass_ends_the_run_and_the_retry_it_names_goes_on(
    harness: RunHarness, memory: MemoryService, status: int, code: str, message: str, move: str
) -> None:
    memory.arm("refused", "deployments.put", status=status, code=code, message=message, count=None)
    await harness.drop()
    run = await harness.until(await harness.received(), *ENDS)
    assert run.stage is Stage.FAILED
    assert run.failure
    assert message in run.failure.message
    assert move in run.failure.fix
    assert "role" not in run.failure.fix
    assert run.failure.blame == "caller"
    assert f"`tunedrop retry {run.id}`" in run.failure.fix
    memory.disarm()
    run = await harness.until(await harness.command(run, Action.RETRY), *ENDS)
    assert run.stage is Stage.SERVING
    assert len(memory.jobs) == 1, "nothing is paid for twice"
