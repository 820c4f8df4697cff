"""Every cure that a message names is carried out: one that the app refuses fails here.

The messages are found in the source: a new one that names a command of `tunedrop` has to add the
situation in which people read it.
"""

import re
from collections.abc import Awaitable, Callable

import pytest

from shared.errors import NotNow
from shared.model.redeploy import RedeployRequests
from shared.run import promotions, redeployments, sleep_orders
from shared.run.record import Action, Run
from shared.run.stages import ENDS, Stage
from tests.support.deploying import memory, refused, told_beside, withdrawn
from tests.support.limits import dropped, limited, with_settings
from tests.support.offered import OFFERS, offers, tuned_deployments
from tests.support.runs import RunHarness
from tests.support.said import messages
from tests.support.situations import (
    Told,
    not_compared_in_time,
    paused,
    stuck,
    waits_for_its_start,
)

NAMED = re.compile(
    r"tunedrop (start|cancel|pause|resume|retry|deploy|check|doctor|export|plan|push|runs|watch)"
)
LOCK = {"status": 409, "code": "ScopeLocked", "message": "Please remove the lock and try again."}
NO_ROOM = {"status": 400, "code": "quotaExceeded", "message": "There are 100 training jobs."}


async def end_of(harness: RunHarness, run: Run) -> Told:
    run = await harness.until(run, *ENDS)
    assert run.failure
    return harness, run, run.failure.fix


# ---- the situations, each with what people read in it


async def refused_by_a_lock() -> Told:
    harness = limited()
    refused(harness, "deployments.put", LOCK)
    return await end_of(harness, await dropped(harness))


async def no_quota_for_a_deployment() -> Told:
    harness = limited()
    harness.service.arm("insufficient-quota", "deployments.put")
    return await end_of(harness, await dropped(harness))


async def less_quota_than_the_capacity() -> Told:
    harness = limited()
    memory(harness).quota_left = 8
    return await end_of(harness, await dropped(harness, b"deployment: {capacity: 40}"))


async def a_sku_that_the_model_does_not_have() -> Told:
    harness = limited()
    memory(harness).unsupported_skus = ("DeveloperTier",)
    return await end_of(harness, await dropped(harness, b"deployment: {sku: DeveloperTier}"))


async def a_deployment_that_is_not_taken() -> Told:
    harness = limited()
    refused(harness, "deployments.put", {"status": 400, "code": "x", "message": "It cannot be."})
    return await end_of(harness, await dropped(harness))


async def nothing_to_deploy() -> Told:
    harness, run, _ = await a_job_that_failed()
    with pytest.raises(NotNow) as none:
        await harness.command(run, Action.DEPLOY)
    return harness, run, none.value.fix


async def no_room_for_a_job() -> Told:
    harness = limited()
    refused(harness, "jobs.create", NO_ROOM)
    return await end_of(harness, await dropped(harness))


async def a_job_that_failed() -> Told:
    harness = limited()
    harness.service.arm("job-failed")
    return await end_of(harness, await dropped(harness))


async def cancelled_elsewhere() -> Told:
    harness = limited()
    run = await harness.until(await dropped(harness), Stage.TRAINING)
    harness.service.cancel_job(str(run.job_id))
    return await end_of(harness, run)


async def cancelled_by_somebody() -> Told:
    harness = limited()
    run = await harness.until(await dropped(harness), Stage.TRAINING)
    return await end_of(harness, await harness.command(run, Action.CANCEL))


async def overdue() -> Told:
    harness = limited()
    harness.service.arm("job-stuck")
    run = await harness.until(await dropped(harness), Stage.SUBMITTED)
    await harness.backdate(run, days=8)
    await harness.ticked(days=8)
    return await end_of(harness, run)


async def a_deployment_that_failed() -> Told:
    harness = limited()
    harness.service.arm("provisioning-failed")
    return await end_of(harness, await dropped(harness))


async def a_deployment_that_disappeared() -> Told:
    harness = limited()
    harness.service.configure(creating_seconds=60)
    run = await harness.until(await dropped(harness), Stage.DEPLOYING)
    memory(harness).deployed.clear()
    return await end_of(harness, run)


async def a_model_without_a_name() -> Told:
    harness = limited()
    memory(harness).nameless = True
    harness.set_policy(model_name_wait=harness.ctx.policy.intent_valid)
    await harness.ticked(days=0.1)
    return await end_of(harness, await dropped(harness))


async def a_champion_that_cannot_be_deployed() -> Told:
    harness = limited()
    run = await harness.until(await dropped(harness), Stage.SERVING)
    memory(harness).deployed.clear()
    refused(harness, "deployments.put", LOCK)
    requests = RedeployRequests(harness.ctx.clients.models)
    await requests.add(harness.model)
    for _ in range(30):
        await redeployments.process(harness.ctx)
        await harness.pause(900)
    state = await requests.state(harness.model)
    assert state
    return harness, run, state.told


async def dropped_for_another_deployment_without_a_model() -> Told:
    harness = limited()
    run = await harness.until(await dropped(harness), Stage.TRAINING)
    run = await harness.until(await harness.command(run, Action.CANCEL), Stage.CANCELLED)
    await harness.until_inactive()
    return harness, run, await told_beside(harness, b"deployment: {capacity: 2}")


async def over_the_largest_capacity() -> Told:
    harness = limited()
    harness.service.arm("insufficient-quota", "deployments.put")
    run = await dropped(harness, b"deployment: {capacity: 400}")
    run = await harness.until(run, Stage.FAILED)
    most = harness.ctx.settings.max_capacity
    with_settings(harness, max_capacity=50)
    told = await end_of(harness, await harness.command(run, Action.RETRY))
    with_settings(harness, max_capacity=most)
    return told


async def over_the_ceiling_of_hosting() -> Told:
    harness = limited(hosting_budget=1.0)
    told = await end_of(harness, await dropped(harness))
    with_settings(harness, hosting_budget=5000.0)
    return told


async def refused_by_the_account() -> Told:
    harness = limited()
    memory(harness).offers = offers(deployments=tuned_deployments(10))
    told = await end_of(harness, await dropped(harness))
    memory(harness).offers = OFFERS
    return told


async def promoting_what_was_withdrawn() -> Told:
    harness, run = await withdrawn()
    with pytest.raises(NotNow) as refusal:
        await promotions.give(promotions.Asked(harness.model, run.version, "Ada"), harness.ctx)
    return harness, run, refusal.value.fix


async def waking_what_was_withdrawn() -> Told:
    harness, run = await withdrawn()
    with pytest.raises(NotNow) as refusal:
        await sleep_orders.wake(sleep_orders.Asked(harness.model, run.version, "Ada"), harness.ctx)
    return harness, run, refusal.value.fix


Situation = Callable[[], Awaitable[Told]]
# By the place that names a command and the command: the situations in which people read it.
CURES: dict[tuple[str, str], list[Situation]] = {
    ("shared/model/deployment.py", "retry"): [
        a_deployment_that_failed,
        a_deployment_that_disappeared,
    ],
    ("shared/run/failures.py", "deploy"): [
        no_quota_for_a_deployment,
        less_quota_than_the_capacity,
        a_sku_that_the_model_does_not_have,
        a_deployment_that_is_not_taken,
    ],
    ("shared/run/commands.py", "retry"): [nothing_to_deploy],
    ("shared/run/failures.py", "retry"): [
        refused_by_a_lock,
        no_room_for_a_job,
        a_job_that_failed,
        cancelled_elsewhere,
        cancelled_by_somebody,
        overdue,
    ],
    ("shared/run/plan.py", "retry"): [refused_by_the_account],
    ("shared/run/jobs.py", "retry"): [a_model_without_a_name],
    ("shared/run/entry.py", "retry"): [dropped_for_another_deployment_without_a_model],
    ("shared/run/redeployments.py", "retry"): [a_champion_that_cannot_be_deployed],
    ("shared/run/redeployments.py", "deploy"): [a_champion_that_cannot_be_deployed],
    ("shared/run/ceilings.py", "deploy"): [over_the_largest_capacity],
    ("shared/run/spending.py", "retry"): [over_the_ceiling_of_hosting],
    ("shared/run/steps.py", "start"): [waits_for_its_start],
    ("shared/run/steps.py", "resume"): [paused],
    ("shared/run/estimates.py", "cancel"): [stuck],
    ("shared/run/comparing.py", "retry"): [not_compared_in_time],
    ("shared/model/orders.py", "deploy"): [promoting_what_was_withdrawn],
    ("shared/run/sleep_orders.py", "retry"): [waking_what_was_withdrawn],
}
# These ask nothing of a run: that the command line takes them is all that can be refused.
LOOKS = {"check", "doctor", "push", "runs", "watch"}  # push: nothing of what a run has come to
NO_MESSAGES = {("shared/run/trial.py", "retry")}  # what is cut off from one, where there is no run


@pytest.mark.parametrize(
    ("verb", "situation"), [(verb, one) for (_, verb), several in CURES.items() for one in several]
)
async def test_a_cure_that_a_message_names_is_taken_and_helps(
    verb: str, situation: Situation
) -> None:
    harness, run, message = await situation()
    named = re.findall(r"`tunedrop (\w+) ([^`\s]+)([^`]*)`", message)
    ((of_run, options),) = [(of, more) for command, of, more in named if command == verb]
    assert of_run == run.id
    options = options.replace("--sku SKU", "--sku GlobalStandard")  # one for people to choose
    asked = {name: value for name, value in re.findall(r"--(sku|capacity) (\w+)", options)}
    if "capacity" in asked:
        asked["capacity"] = int(asked["capacity"])
    harness.service.disarm()  # what the rest of the message asks for is done
    memory(harness).nameless = False
    run = await harness.command(run, Action(verb), **asked)
    wanted = Stage.CANCELLED if verb == "cancel" else Stage.SERVING
    run = await harness.until(run, *ENDS)
    assert run.stage is wanted, run.failure
    await redeployments.process(harness.ctx)
    await harness.pause(5)
    assert (run.deployment in harness.service.deployments()) == (wanted is Stage.SERVING)


def test_every_message_that_names_a_command_is_walked_over() -> None:
    found = {(place, verb) for place, text in messages() for verb in NAMED.findall(text)}
    assert {(place, verb) for place, verb in found if verb not in LOOKS} - NO_MESSAGES == set(CURES)
    assert {verb for _, verb in found if verb in LOOKS} == LOOKS
