"""What needs a person and is no end of a run is told: a champion that does not answer and whose
deployment cannot be had, and an order that waited in vain."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from shared.errors import NotNow
from shared.model.redeploy import RedeployRequests
from shared.run import deletion_plan, deletions, promotions, redeployments
from shared.run.promotions import Asked
from shared.run.record import Action, Run
from tests.support.receiver import Receiver, delivered
from tests.support.runs import RunHarness
from tests.support.served import Versions

LOCKED = {"status": 409, "code": "ScopeLocked", "message": "Please remove the lock and try again."}
PUT = "deployments.put"


@dataclass
class Told:
    """Two versions, the second of which serves; all that has been told so far is forgotten."""

    made: Versions
    there: Receiver

    async def minutes(self, count: int, step: float = 1, *, asked: bool = True) -> None:
        """Of ticks, while somebody chats, and others are told."""
        for _ in range(int(count / step)):
            if asked and "captain-v2" not in self.made.service.deployments():
                await RedeployRequests(self.made.ctx.clients.models, self.made.ctx.now).add(
                    "captain"
                )
            await redeployments.process(self.made.ctx)
            await promotions.process(self.made.ctx)
            await delivered(self.made.harness)
            self.made.clock.advance(60 * step)

    def refuses(self) -> None:
        self.made.service.arm("refused", PUT, count=None, **LOCKED)

    @property
    def champion(self) -> Run:
        return self.made.runs[2]


@pytest.fixture
async def told(telling: RunHarness, there: Receiver) -> AsyncIterator[Told]:
    telling.set_policy(first_pause=15.0)
    made = Versions(telling)
    for _ in range(2):
        await made.train()
    await delivered(telling)
    there.requests.clear()
    yield Told(made, there)


async def test_a_champion_whose_deployment_cannot_be_had_is_told_once(told: Told) -> None:
    told.refuses()
    told.made.loses(2)
    await told.minutes(4)
    assert told.there.kinds() == [], "it may be back in a moment"
    await told.minutes(26 * 60, step=5)
    (event,) = told.there.events
    assert event["type"] == "dev.tunedrop.model.down"
    assert (event["subject"], event["data"]["version"]) == ("captain", 2)
    assert "captain@2 does not answer. " in event["data"]["message"]
    assert "Please remove the lock" in event["data"]["message"]
    assert "az lock delete" in event["data"]["fix"]


async def test_one_that_is_not_tried_again_before_tomorrow_is_told_today(told: Told) -> None:
    told.made.harness.set_policy(first_pause=0.001)
    told.made.ctx = told.made.harness.ctx
    told.refuses()
    told.made.loses(2)
    await told.minutes(3, step=0.25)  # all tries of a day
    assert told.there.kinds() == []
    await told.minutes(60)
    assert told.there.kinds() == ["model.down"]


async def test_one_that_is_down_again_is_told_again(told: Told) -> None:
    for count in (1, 2):
        told.refuses()
        told.made.loses(2)
        await told.minutes(40)
        assert told.there.kinds() == ["model.down"] * count
        told.made.service.disarm()
        await told.minutes(120)
        assert "captain-v2" in told.made.service.deployments()
    assert len(set(told.there.ids)) == 2


async def test_a_retry_that_is_in_vain_is_told(told: Told) -> None:
    told.refuses()
    told.made.loses(2)
    await told.minutes(60)
    await told.made.harness.command(told.champion, Action.RETRY)
    await told.minutes(60)
    assert told.there.kinds() == ["model.down"] * 2


async def test_a_champion_that_is_back_in_minutes_and_another_version_are_not_told(
    told: Told,
) -> None:
    told.made.loses(2)
    told.made.service.arm("request-conflict", PUT, count=2)
    await told.minutes(30)
    told.refuses()
    told.made.loses(1)
    await RedeployRequests(told.made.ctx.clients.models, told.made.ctx.now).add_at_once("captain@1")
    await told.minutes(60)
    assert told.there.kinds() == []


async def test_an_order_that_waited_and_is_given_up_is_told(told: Told) -> None:
    told.made.loses(1)
    told.made.service.arm("provisioning-failed", count=None)
    asked = Asked("captain", 1, "Ada", "kinder")
    _, order = await promotions.give(asked, told.made.ctx)
    assert order
    await told.minutes(26 * 60, step=20, asked=False)
    (event,) = told.there.events
    assert event["type"] == "dev.tunedrop.order.given-up"
    data = event["data"]
    assert (data["version"], data["order"], data["who"], data["why"]) == (
        1, "promote", "Ada", "kinder",
    )  # fmt: skip
    assert "has not come to answer for a day" in data["message"]
    assert data["fix"]


async def test_a_promotion_is_told_although_its_model_was_deleted_meanwhile(told: Told) -> None:
    """The receiver was away."""
    told.there.status = 500
    made = told.made
    await promotions.give(Asked("captain", 1, "Ada", "kinder"), made.ctx)
    target = await deletion_plan.target_of_model("captain", None, made.ctx)
    plan, _ = await deletions.give(target, False, None, "Bob", "", made.ctx)
    await deletions.give(target, False, plan.digest, "Bob", "", made.ctx)
    for _ in range(10):
        await deletions.process(made.ctx)
        await told.minutes(1, asked=False)
    assert await made.ctx.registry.load("captain") is None
    told.there.status = 204
    told.there.requests.clear()
    await told.minutes(60, asked=False)
    promoted = [event for event in told.there.events if event["type"].endswith("model.promoted")]
    assert [(one["data"]["version"], one["data"]["who"]) for one in promoted] == [(1, "Ada")]
    assert "model.deleted" in told.there.kinds()


async def test_an_order_that_is_refused_at_once_is_told_to_whoever_gives_it_alone(
    told: Told,
) -> None:
    told.made.loses(1)
    told.refuses()
    with pytest.raises(NotNow):
        await promotions.give(Asked("captain", 1, "Ada"), told.made.ctx)
    await told.minutes(5, asked=False)
    assert told.there.kinds() == []
