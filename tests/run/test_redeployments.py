"""A version that serves keeps serving: its deployment is gone, and comes back or is told about."""

import logging
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared.doctor import records
from shared.model.redeploy import RedeployRequests
from shared.run.record import Action
from shared.run.stages import Stage
from tests.support.champion import Champion
from tests.support.datasets import dataset
from tests.support.runs import RunHarness

PUT, DELETE, CHAT = "deployments.put", "deployments.delete", "chat.create"
LOCK = "Please remove the lock and try again."
LOCKED = {"status": 409, "code": "ScopeLocked", "message": LOCK}
NO_SLOT = {"status": 400, "code": "DeploymentLimitExceeded", "message": "10 is the limit."}
NO_QUOTA = {"status": 409, "code": "InsufficientQuota", "message": "There is no quota left."}


@pytest.fixture
async def champion(harness: RunHarness) -> Champion:
    harness.set_policy(first_pause=15.0)
    await harness.drop()
    return Champion(harness, await harness.until(await harness.received(), Stage.SERVING))


async def test_a_deployment_that_is_gone_comes_back(champion: Champion) -> None:
    await champion.loses_its_deployment()
    assert not await champion.is_asked()
    assert await champion.ticks_until_it_answers() < 5
    assert await champion.state() is None
    lost, *noted = await champion.noted()
    assert f"{champion.deployment} was removed at" in lost
    assert noted == [
        f"the deployment {champion.deployment} is asked for anew",
        f"{champion.harness.model}@1 answers again",
    ]


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_one_that_ends_failed_is_deleted_and_asked_for_anew_with_pauses(
    champion: Champion, failures: int, caplog: pytest.LogCaptureFixture
) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("provisioning-failed", count=failures)
    deleted = champion.calls(DELETE)
    await champion.ticks_until_it_answers(at_most=90)
    assert champion.calls(DELETE) - deleted == failures
    noted = await champion.noted()
    ended = [line for line in noted if "as Failed" in line]
    assert len(ended) == failures, "each is told"
    assert "try 1 of 6 in a day" in ended[0]
    assert [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "retry" not in " ".join(ended), "no person has to do anything"


async def test_while_it_fails_a_chat_is_told_why_and_when_it_is_tried_again(
    champion: Champion,
) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("provisioning-failed", count=None)
    await champion.is_asked()
    await champion.tick(3)
    told = await champion.told()
    assert f"Azure ended the deployment {champion.deployment} as Failed" in told
    assert "It is tried again at " in told
    asked = await RedeployRequests(champion.requests.models).add(champion.harness.model)
    callers = asked.told
    assert "None could be made yet" in callers
    assert "It is tried again at " in callers
    assert champion.deployment not in callers, "what Azure says is for whoever runs the app"


async def test_the_tries_of_a_day_are_bounded_and_go_on_the_next(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("provisioning-failed", count=None)
    before = champion.calls(PUT)
    for _ in range(23 * 12):
        await champion.is_asked()
        await champion.tick(seconds=300)
    assert champion.calls(PUT) - before == champion.harness.ctx.policy.redeploy_tries
    told = await champion.told()
    assert "was asked for 6 times within a day" in told
    assert f"`tunedrop retry {champion.run.id}`" in told
    assert len(await champion.noted()) < 30, "told once of each, not at each tick"
    champion.memory.disarm()
    await champion.tick(4 * 12, seconds=300)
    assert await champion.is_asked(), "the next day it is tried by itself"


async def test_the_retry_that_is_named_asks_at_once(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **LOCKED)
    await champion.is_asked()
    await champion.tick(60, seconds=900)
    assert "6 times" in await champion.told()
    champion.memory.disarm()
    run = await champion.harness.command(champion.run, Action.RETRY)
    assert run.stage is Stage.SERVING
    assert await champion.ticks_until_it_answers() < 5
    lines = [(line["message"], line["who"]) for line in await champion.harness.log(run)]
    assert ("retry", "Ada") in lines


async def test_a_lock_is_told_with_its_owners_move_and_is_not_hammered(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **LOCKED)
    before = champion.calls(PUT)
    await champion.is_asked()
    await champion.tick(20)
    assert champion.calls(PUT) - before <= 3
    told = await champion.told()
    assert LOCK in told
    assert "az lock delete" in told
    assert "role" not in told
    champion.memory.disarm()
    await champion.tick(30)
    assert await champion.is_asked(), "nobody has to tell the app that the lock is gone"


@pytest.mark.parametrize("lacking", [NO_SLOT, NO_QUOTA], ids=["slot", "quota"])
@pytest.mark.parametrize("hours", [1, 30])
async def test_a_full_account_is_no_failure_and_it_answers_soon_after_there_is_room(
    champion: Champion, hours: int, lacking: dict[str, Any]
) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **lacking)
    await champion.is_asked()
    await champion.tick(hours * 6, seconds=600)
    state, told = await champion.state(), await champion.told()
    assert state
    assert state.tries == ()
    assert "has no room for it" in told
    assert lacking["message"] in told
    assert "come to answer" not in told
    assert len([line for line in await champion.noted() if "no room" in line]) == 1, "told once"
    champion.memory.disarm()
    pause = champion.harness.ctx.policy.room_pause.total_seconds()
    await champion.tick(int(pause / 30) + 2)
    assert await champion.is_asked()


async def test_a_full_account_is_asked_after_a_pause_and_not_at_each_tick(
    champion: Champion,
) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **NO_SLOT)
    before = champion.calls(PUT)
    await champion.is_asked()
    await champion.tick(60, seconds=60)
    pause = champion.harness.ctx.policy.room_pause.total_seconds()
    assert 5 <= champion.calls(PUT) - before <= 3600 / pause


async def test_an_outage_or_a_conflict_takes_none_of_the_tries(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("request-conflict", PUT, count=9)
    await champion.is_asked()
    await champion.tick(200, seconds=60)
    assert await champion.is_asked()


async def test_one_whose_last_change_failed_and_that_answers_is_left_alone(
    champion: Champion,
) -> None:
    """Somebody raised its capacity in the portal; a chat met a moment without an answer."""
    champion.memory.spelled["Succeeded"] = "Failed"
    await champion.requests.add(champion.harness.model)
    before = champion.calls(DELETE), champion.calls(PUT)
    await champion.tick(3)
    assert (champion.calls(DELETE), champion.calls(PUT)) == before
    assert await champion.requests.requested() == []
    assert await champion.noted() == []


async def test_one_that_may_answer_is_not_deleted(champion: Champion) -> None:
    """The probe met an outage: whether the deployment serves is not known."""
    champion.memory.spelled["Succeeded"] = "Failed"
    champion.memory.arm("unavailable", CHAT, count=3)
    await champion.requests.add(champion.harness.model)
    before = champion.calls(DELETE)
    await champion.tick(20)
    assert champion.calls(DELETE) == before


async def test_a_name_that_another_model_has_taken_is_left_and_told(champion: Champion) -> None:
    await champion.loses_its_deployment()
    other = next(iter(champion.memory.jobs.values()))
    champion.memory.create_deployment(champion.deployment, other.model)
    champion.memory.deployed[champion.deployment].model = "somebody-elses"
    before = champion.calls(DELETE)
    await champion.requests.add(champion.harness.model)
    await champion.tick(5)
    assert champion.calls(DELETE) == before
    assert "serves somebody-elses" in await champion.told()


async def test_a_new_champion_begins_without_the_old_ones_pauses(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **LOCKED)
    await champion.is_asked()
    await champion.tick(60, seconds=900)
    champion.memory.disarm()
    harness = champion.harness
    await harness.drop(dataset(12, harness.model))
    champion.run = await harness.until(await harness.received(), Stage.SERVING)
    await champion.loses_its_deployment()
    await champion.requests.add(harness.model)
    assert await champion.ticks_until_it_answers() < 5


async def test_what_is_not_there_to_redeploy_is_no_request_for_ever(champion: Champion) -> None:
    await champion.requests.add("nobody")
    await champion.tick()
    assert await champion.requests.requested() == []


async def test_a_state_that_cannot_be_read_keeps_no_model_from_answering(
    champion: Champion,
) -> None:
    await champion.loses_its_deployment()
    name = f"redeploy/{champion.harness.model}"
    await champion.harness.ctx.clients.models.put(name, b"{}", "application/json")
    await champion.is_asked()
    assert await champion.ticks_until_it_answers() < 5


async def test_the_state_of_a_redeployment_is_no_record_of_a_model(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **LOCKED)
    await champion.is_asked()
    await champion.tick(2)
    problems: list[Exception] = []
    models = await champion.harness.ctx.registry.all(problems)  # type: ignore[arg-type]
    assert (len(models), problems) == (1, [])


async def test_a_state_that_is_not_known_is_told_and_waited_for(champion: Champion) -> None:
    await champion.loses_its_deployment()
    champion.memory.configure(creating_seconds=120)
    champion.memory.spelled["Creating"] = "Thawing"
    await champion.is_asked()
    await champion.tick(2)
    assert "Thawing" in await champion.told()
    assert await champion.ticks_until_it_answers() < 10


async def test_one_that_never_comes_to_answer_is_asked_for_anew_after_a_day(
    champion: Champion,
) -> None:
    await champion.loses_its_deployment()
    champion.memory.arm("not-ready")
    await champion.is_asked()
    await champion.tick(3)
    await champion.tick(seconds=25 * 3600)
    assert champion.memory.deployed[champion.deployment].fault == "not-ready", "it is given a day"
    await champion.tick(10)
    assert [line for line in await champion.noted() if "has not come to answer" in line]
    assert await champion.is_asked()


async def test_one_that_azure_is_stuck_at_is_told(champion: Champion) -> None:
    """Nor can it be deleted: another operation is under way, says Azure."""
    await champion.loses_its_deployment()
    champion.memory.arm("provisioning-stuck")
    await champion.is_asked()
    await champion.tick(3)
    await champion.tick(seconds=25 * 3600)
    await champion.tick(2)
    assert "RequestConflict" in await champion.told()
    assert len(await champion.noted()) == 3, "gone, asked for anew, stuck"


def test_the_pauses_grow_and_end(harness: RunHarness) -> None:
    policy = harness.ctx.policy
    pauses = [policy.redeploy_pause(misses) for misses in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] < timedelta(minutes=2)
    assert pauses[-1] <= policy.longest_redeploy_pause


async def test_the_doctor_names_what_is_in_the_way(champion: Champion) -> None:
    ctx: Any = SimpleNamespace(clients=champion.harness.ctx.clients)
    (healthy,) = await records.redeployments(ctx)
    await champion.loses_its_deployment()
    champion.memory.arm("refused", PUT, count=None, **LOCKED)
    await champion.is_asked()
    (asked,) = await records.redeployments(ctx)
    await champion.tick()
    (found,) = await records.redeployments(ctx)
    assert [healthy.state, asked.state, found.state] == ["ok", "ok", "problem"]
    assert champion.harness.model in asked.message
    assert LOCK in found.message
    assert "az lock delete" in found.fix
