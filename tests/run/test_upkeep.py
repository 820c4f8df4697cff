"""What is deployed is looked after: idle models sleep and wake, retired versions go, for others."""

import asyncio
from datetime import timedelta

import pytest

from shared.model.redeploy import RedeployRequests
from shared.run import upkeep
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.hosted import HOUR, Hosted

ON_DEMAND = "keep: on-demand\nidle_after: 24\n"
PUT, DELETE = "deployments.put", "deployments.delete"


@pytest.fixture
async def hosted() -> Hosted:
    hosted = Hosted.in_memory()
    await hosted.look()  # a new app
    return hosted


async def test_an_idle_model_sleeps_and_the_first_chat_wakes_it(hosted: Hosted) -> None:
    run = await hosted.dropped(run_yaml=ON_DEMAND)
    await hosted.later(23)
    assert hosted.deployed() == ["captain-v1"]
    await hosted.later(1)
    assert hosted.deployed() == []
    version = await hosted.version()
    assert version.asleep_since
    assert not version.is_hosted
    assert not version.withdrawn
    assert not await hosted.chat()
    assert await hosted.awake() < 5
    version = await hosted.version()
    assert version.asleep_since is None
    assert [stretch.until is None for stretch in version.hosted] == [False, True]
    (told,) = [
        line for line in await hosted.harness.messages(run, "deployment") if "sleeps" in line
    ]
    assert "nobody has chatted with it" in told


async def test_one_that_is_used_stays(hosted: Hosted) -> None:
    await hosted.dropped(run_yaml=ON_DEMAND)
    for _ in range(5):
        await hosted.later(20)
        assert await hosted.chat()
    assert hosted.deployed() == ["captain-v1"]


async def test_one_that_is_kept_always_stays_until_azure_removes_it(hosted: Hosted) -> None:
    await hosted.dropped()
    made = (await hosted.version()).hosted[0].since
    await hosted.later(14 * 24)
    assert hosted.deployed() == ["captain-v1"]
    await hosted.later(2 * 24)
    assert hosted.deployed() == []
    version = await hosted.version()
    assert version.hosted[0].until == made + timedelta(days=15), "when Azure removed it"
    assert version.asleep_since is None, "nobody has put it to sleep"
    assert not await hosted.chat()
    assert await hosted.awake() < 5


async def test_a_champion_of_the_developer_tier_comes_back_by_a_chat(hosted: Hosted) -> None:
    await hosted.dropped(run_yaml="deployment:\n  sku: DeveloperTier\n")
    made = (await hosted.version()).hosted[0].since
    await hosted.later(23)
    assert await hosted.chat(), "it is used, and goes all the same"
    await hosted.later(1)
    assert hosted.deployed() == []
    assert (await hosted.version()).hosted[0].until == made + timedelta(hours=24)
    assert await hosted.awake() < 5
    assert (await hosted.version()).is_hosted


async def test_many_chats_at_once_wake_it_once(hosted: Hosted) -> None:
    await hosted.dropped(run_yaml=ON_DEMAND)
    await hosted.later(25)
    before = hosted.service.journal.count(PUT)
    instances = [RedeployRequests(hosted.models, hosted.harness.ctx.now) for _ in range(5)]
    asked = await asyncio.gather(*(one.add("captain") for one in instances for _ in range(40)))
    assert all(one.stands for one in asked)
    await asyncio.gather(*(hosted.chat() for _ in range(50)))
    await hosted.awake()
    assert hosted.service.journal.count(PUT) == before + 1


async def test_retired_versions_go_and_the_one_before_stays_warm(hosted: Hosted) -> None:
    for examples in (10, 11, 12, 13):
        await hosted.dropped(examples)
    await hosted.look(10)
    assert hosted.deployed() == ["captain-v3", "captain-v4"]
    await hosted.later(24)
    assert hosted.deployed() == ["captain-v4"]
    assert (await hosted.version(3)).asleep_since
    assert not await hosted.chat(3)
    await hosted.look(4)
    assert await hosted.chat(3), "the champion before is woken by a chat"
    assert not await hosted.chat(1)
    await hosted.look(4)
    assert not await hosted.chat(1), "no caller decides to pay for all there ever were"


async def test_what_is_held_waits_for_a_person_for_a_week(hosted: Hosted) -> None:
    await hosted.dropped()
    held = await hosted.dropped(11, "promote: manual\n")
    assert held.stage is Stage.HELD
    await hosted.later(6 * 24)
    assert hosted.deployed() == ["captain-v1", "captain-v2"]
    await hosted.later(24)
    assert hosted.deployed() == ["captain-v1"]
    assert (await hosted.harness.known(held.id)).stage is Stage.HELD


async def test_a_full_account_makes_room_for_a_run(hosted: Hosted) -> None:
    """What fills it are the app's own old versions, which nobody needs."""
    hosted.service.configure(deployment_limit=2)
    for examples in (10, 11, 12):
        run = await hosted.dropped(examples)
        assert run.stage is Stage.SERVING
    assert hosted.deployed() == ["captain-v2", "captain-v3"]
    assert (await hosted.version(1)).asleep_since


async def test_the_quota_of_its_own_base_model_makes_room(hosted: Hosted) -> None:
    await hosted.dropped()
    await hosted.dropped(11)
    hosted.service.arm("insufficient-quota", PUT)
    run = await hosted.dropped(12)
    assert run.stage is Stage.SERVING
    assert hosted.deployed() == ["captain-v2", "captain-v3"]


async def test_no_champion_in_use_makes_room_nor_one_that_is_kept_always(hosted: Hosted) -> None:
    hosted.service.configure(deployment_limit=2)
    await hosted.dropped(model="used", run_yaml=ON_DEMAND)
    await hosted.dropped(model="kept")
    await hosted.chat(name="used")
    await hosted.harness.drop(dataset(10, "third"))
    hosted.harness.model = "third"
    await hosted.harness.drop(dataset(10, "third"))
    run = await hosted.harness.until(await hosted.harness.received(), Stage.FAILED, Stage.SERVING)
    assert run.stage is Stage.FAILED
    assert "deployments already" in str(run.failure)
    assert hosted.deployed() == ["kept-v1", "used-v1"]
    await hosted.later(2)
    assert (await hosted.dropped(11, model="third")).stage is Stage.SERVING
    assert hosted.deployed() == ["kept-v1", "third-v2"], "an idle one on demand makes room"


async def test_one_that_wakes_makes_room_for_itself(hosted: Hosted) -> None:
    hosted.service.configure(deployment_limit=1)
    await hosted.dropped(model="first", run_yaml=ON_DEMAND)
    await hosted.later(2)
    await hosted.dropped(model="second", run_yaml=ON_DEMAND)
    assert hosted.deployed() == ["second-v1"]
    await hosted.later(2)
    assert not await hosted.chat(name="first")
    await hosted.look(20)
    assert await hosted.chat(name="first")
    assert hosted.deployed() == ["first-v1"]


async def test_a_chat_that_comes_before_the_deployment_goes_keeps_it(hosted: Hosted) -> None:
    await hosted.dropped(run_yaml=ON_DEMAND)
    await hosted.harness.pause(25 * HOUR)
    hosted.service.arm("request-conflict", DELETE)
    await upkeep.process(hosted.harness.ctx)
    assert (await hosted.version()).asleep_since
    assert not await hosted.chat(), "the registry has said that it sleeps"
    before = hosted.service.journal.count(DELETE)
    await hosted.look(3)
    assert hosted.service.journal.count(DELETE) == before
    assert await hosted.chat()


async def test_a_chat_during_the_deletion_has_it_made_again(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another instance finds the deployment answering while this one deletes it."""
    await hosted.dropped(run_yaml=ON_DEMAND)
    await hosted.harness.pause(25 * HOUR)
    registry, deployments = hosted.harness.ctx.registry, hosted.harness.ctx.clients.deployments
    delete = deployments.delete

    async def slow(name: str) -> None:
        await delete(name)
        await registry.note_hosted("captain", 1, hosted.harness.ctx.now())

    with monkeypatch.context() as patch:
        patch.setattr(deployments, "delete", slow)
        await upkeep.process(hosted.harness.ctx)
    await hosted.look(8)
    assert await hosted.chat()


async def test_old_answers_go_and_the_verdict_stays(hosted: Hosted) -> None:
    run = await hosted.dropped()
    runs = hosted.harness.ctx.clients.runs
    for name in ("answers.jsonl", "verdict.json"):
        await runs.put(f"{run.id}/{name}", b"{}", "")
    await hosted.later(89 * 24)
    assert await runs.read(f"{run.id}/answers.jsonl")
    await hosted.later(2 * 24)
    assert await runs.read(f"{run.id}/answers.jsonl") is None
    assert await runs.read(f"{run.id}/verdict.json")


async def test_an_outage_of_the_control_plane_harms_nothing(hosted: Hosted) -> None:
    await hosted.dropped(run_yaml=ON_DEMAND)
    await hosted.harness.pause(25 * HOUR)
    hosted.service.arm("unavailable", "deployments.list", count=3)
    await hosted.look(3)
    assert hosted.deployed() == ["captain-v1"]
    await hosted.look(8)
    assert hosted.deployed() == []
