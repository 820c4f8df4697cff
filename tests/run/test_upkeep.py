"""What is deployed is looked after: idle models sleep and wake, retired versions go, for others."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model import hosting, waking
from shared.model.redeploy import RedeployRequests
from shared.run import sleeping, upkeep
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.tended import HOUR, Tended

ON_DEMAND = "keep: on-demand\nidle_after: 24\n"
PUT, DELETE = "deployments.put", "deployments.delete"


@pytest.fixture
async def tended() -> Tended:
    tended = Tended.in_memory()
    await tended.look()  # a new app
    return tended


async def test_an_idle_model_sleeps_and_the_first_chat_wakes_it(tended: Tended) -> None:
    run = await tended.dropped(run_yaml=ON_DEMAND)
    await tended.later(23)
    assert tended.deployed() == ["captain-v1"]
    await tended.later(1)
    assert tended.deployed() == []
    version = await tended.version()
    assert version.asleep_since
    assert not version.is_hosted
    assert not version.withdrawn
    assert not await tended.chat()
    assert await tended.awake() < 5
    await tended.look()
    assert await waking.usual_seconds(tended.models) < 300, "as long as it took, from now on"
    version = await tended.version()
    assert version.asleep_since is None
    assert [stretch.until is None for stretch in version.hosted] == [False, True]
    (told,) = [
        line for line in await tended.harness.messages(run, "deployment") if "sleeps" in line
    ]
    assert "nobody has chatted with it" in told


async def test_one_that_is_used_stays(tended: Tended) -> None:
    await tended.dropped(run_yaml=ON_DEMAND)
    for _ in range(5):
        await tended.later(20)
        assert await tended.chat()
    assert tended.deployed() == ["captain-v1"]


async def test_many_chats_at_once_wake_it_once(tended: Tended) -> None:
    await tended.dropped(run_yaml=ON_DEMAND)
    await tended.later(25)
    before = tended.service.journal.count(PUT)
    instances = [RedeployRequests(tended.models, tended.harness.ctx.now) for _ in range(5)]
    asked = await asyncio.gather(*(one.add("captain") for one in instances for _ in range(40)))
    assert all(one.stands for one in asked)
    await asyncio.gather(*(tended.chat() for _ in range(50)))
    await tended.awake()
    assert tended.service.journal.count(PUT) == before + 1


async def test_retired_versions_go_and_the_one_before_stays_warm(tended: Tended) -> None:
    for examples in (10, 11, 12, 13):
        await tended.dropped(examples)
    await tended.look(10)
    assert tended.deployed() == ["captain-v3", "captain-v4"]
    await tended.later(24)
    assert tended.deployed() == ["captain-v4"]
    assert (await tended.version(3)).asleep_since
    assert not await tended.chat(3)
    await tended.look(4)
    assert await tended.chat(3), "the champion before is woken by a chat"
    assert not await tended.chat(1)
    await tended.look(4)
    assert not await tended.chat(1), "no caller decides to pay for all there ever were"


async def test_a_new_version_has_others_looked_at_with_the_next_tick(tended: Tended) -> None:
    """Not minutes later: each costs by the hour."""
    tended.harness.set_policy(hosting_every=timedelta(days=9))
    for examples in (10, 11, 12):
        await tended.dropped(examples)
        await tended.look(2)
    assert tended.deployed() == ["captain-v2", "captain-v3"]


async def test_what_is_held_waits_for_a_person_for_a_week(tended: Tended) -> None:
    await tended.dropped()
    held = await tended.dropped(11, "promote: manual\n")
    assert held.stage is Stage.HELD
    await tended.later(6 * 24)
    assert tended.deployed() == ["captain-v1", "captain-v2"]
    await tended.later(24)
    assert tended.deployed() == ["captain-v1"]
    assert (await tended.harness.known(held.id)).stage is Stage.HELD


async def test_a_full_account_makes_room_for_a_run(tended: Tended) -> None:
    """What fills it are the app's own old versions, which nobody needs."""
    tended.service.configure(deployment_limit=2)
    for examples in (10, 11, 12):
        run = await tended.dropped(examples)
        assert run.stage is Stage.SERVING
    assert tended.deployed() == ["captain-v2", "captain-v3"]
    assert (await tended.version(1)).asleep_since


async def test_the_quota_of_its_own_base_model_makes_room(tended: Tended) -> None:
    await tended.dropped()
    await tended.dropped(11)
    tended.service.arm("insufficient-quota", PUT)
    run = await tended.dropped(12)
    assert run.stage is Stage.SERVING
    assert tended.deployed() == ["captain-v2", "captain-v3"]


async def test_no_champion_in_use_makes_room_nor_one_that_is_kept_always(tended: Tended) -> None:
    tended.service.configure(deployment_limit=2)
    await tended.dropped(model="used", run_yaml=ON_DEMAND)
    await tended.dropped(model="kept")
    await tended.chat(name="used")
    tended.harness.model = "third"
    await tended.harness.drop(dataset(10, "third"))
    run = await tended.harness.until(await tended.harness.received(), Stage.FAILED, Stage.SERVING)
    assert run.stage is Stage.FAILED
    assert "deployments already" in str(run.failure)
    assert tended.deployed() == ["kept-v1", "used-v1"]
    await tended.later(2)
    assert (await tended.dropped(11, model="third")).stage is Stage.SERVING
    assert tended.deployed() == ["kept-v1", "third-v2"], "an idle one on demand makes room"


async def test_one_that_wakes_makes_room_for_itself(tended: Tended) -> None:
    tended.service.configure(deployment_limit=1)
    await tended.dropped(model="first", run_yaml=ON_DEMAND)
    await tended.later(2)
    await tended.dropped(model="second", run_yaml=ON_DEMAND)
    assert tended.deployed() == ["second-v1"]
    await tended.later(2)
    assert not await tended.chat(name="first")
    await tended.look(20)
    assert await tended.chat(name="first")
    assert tended.deployed() == ["first-v1"]


async def test_a_chat_that_comes_before_the_deployment_goes_keeps_it(tended: Tended) -> None:
    await tended.dropped(run_yaml=ON_DEMAND)
    await tended.harness.pause(25 * HOUR)
    tended.service.arm("request-conflict", DELETE)
    await upkeep.process(tended.harness.ctx)
    assert (await tended.version()).asleep_since
    assert not await tended.chat(), "the registry has said that it sleeps"
    before = tended.service.journal.count(DELETE)
    await tended.look(3)
    assert tended.service.journal.count(DELETE) == before
    assert await tended.chat()


async def test_azure_that_does_not_let_go_is_asked_again_and_told_of_once(tended: Tended) -> None:
    """Its control plane may answer 409 to deletions for hours."""
    run = await tended.dropped(run_yaml=ON_DEMAND)
    await tended.harness.pause(25 * HOUR)
    tended.service.arm("request-conflict", DELETE, count=30)
    await tended.look(30)
    assert tended.deployed() == ["captain-v1"]
    assert (await tended.version()).is_hosted, "it is billed all the time"
    await tended.look(3)
    assert tended.deployed() == []
    said = [line for line in await tended.harness.messages(run, "deployment") if "sleeps" in line]
    assert len(said) == 1


async def test_one_that_was_promoted_meanwhile_stays(tended: Tended) -> None:
    await tended.dropped()
    await tended.dropped(11)
    models, at = await sleeping.survey(tended.harness.ctx)
    (removal,) = hosting.due(models[0], replace(at, now=at.now + timedelta(days=2)))
    assert removal.version.version == 1
    assert not await sleeping.put_to_sleep(removal, lambda model: False, tended.harness.ctx)
    await tended.harness.pause(60)
    assert tended.deployed() == ["captain-v1", "captain-v2"]
    assert (await tended.version(1)).asleep_since is None


async def test_a_chat_during_the_deletion_has_it_made_again(
    tended: Tended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instance finds the deployment answering while this one deletes it."""
    await tended.dropped(run_yaml=ON_DEMAND)
    await tended.harness.pause(25 * HOUR)
    registry, deployments = tended.harness.ctx.registry, tended.harness.ctx.clients.deployments
    delete = deployments.delete

    async def slow(name: str) -> None:
        await delete(name)
        await registry.note_hosted("captain", 1, tended.harness.ctx.now())

    with monkeypatch.context() as patch:
        patch.setattr(deployments, "delete", slow)
        await upkeep.process(tended.harness.ctx)
    await tended.look(8)
    assert await tended.chat()


async def test_old_answers_go_and_the_verdict_stays(tended: Tended) -> None:
    run = await tended.dropped()
    runs = tended.harness.ctx.clients.runs
    for name in ("answers.jsonl", "verdict.json"):
        await runs.put(f"{run.id}/{name}", b"{}", "")
    await tended.later(89 * 24)
    assert await runs.read(f"{run.id}/answers.jsonl")
    await tended.later(2 * 24)
    assert await runs.read(f"{run.id}/answers.jsonl") is None
    assert await runs.read(f"{run.id}/verdict.json")


async def test_an_outage_of_the_control_plane_harms_nothing(tended: Tended) -> None:
    await tended.dropped(run_yaml=ON_DEMAND)
    await tended.harness.pause(25 * HOUR)
    tended.service.arm("unavailable", "deployments.list", count=3)
    await tended.look(3)
    assert tended.deployed() == ["captain-v1"]
    await tended.look(8)
    assert tended.deployed() == []
