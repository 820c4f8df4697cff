"""What somebody waits for is put to sleep by no rule, and is asked for no more often than anything;
what the ceiling has put to sleep is not woken by chats alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.chat import absent
from shared.chat.routing import Backend
from shared.chat.unanswered import NoDeployment
from shared.errors import NotNow
from shared.model.hosting import Removal, Why
from shared.model.orders import Orders
from shared.model.redeploy import Asked, RedeployRequests
from shared.run import deletion_plan, deletions, promotions, sleep_orders, sleeping
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.limits import with_settings
from tests.support.mortal import TELLING, Mortal
from tests.support.promotion_stories import trained

PUT = "deployments.put"
NO_WARM, NO_SPARE, CEILING = (
    {"warm_hours": 0.0},
    {"spare_versions": 0},
    {"monthly_hosting_ceiling": 1.0},
)


async def serving(count: int, **settings: Any) -> Mortal:
    """Looked after long enough for the rules to have had their way."""
    app = Mortal(replace(TELLING, **settings))
    for _ in range(count):
        await trained(app)
    app.harness.set_policy(hosting_every=timedelta(minutes=5))
    await app.minutes(15)
    return app


async def promote(app: Mortal, number: int) -> None:
    asked = promotions.Asked("captain", number, "Ada", "kinder")
    await promotions.give(asked, app.ctx)


async def chat(app: Mortal, number: int) -> Asked:
    """With another instance each time."""
    return await RedeployRequests(app.clients.models, app.ctx.now).add(f"captain@{number}")


def puts(app: Mortal) -> int:
    return app.service.journal.count(PUT)


def deployed(app: Mortal) -> list[str]:
    return sorted(found.name for found in app.service.list_deployments())


# ---- orders


@pytest.mark.parametrize("settings", [NO_WARM, NO_SPARE, CEILING], ids=["warm", "spare", "ceiling"])
async def test_what_an_order_waits_for_is_not_put_to_sleep(settings: dict[str, Any]) -> None:
    app = await serving(3, **settings)
    app.service.configure(creating_seconds=60, readiness_gap_seconds=480)
    before = puts(app)
    await promote(app, 1)
    await app.minutes(20)
    assert (await app.model()).champion == 1
    assert puts(app) - before == 1
    assert app.receiver.said.values()
    assert list(app.receiver.said.values()).count("model.asleep captain@1") == 1, "before the order"


async def test_what_an_order_waits_for_makes_no_room_for_another_model() -> None:
    app = await serving(2)
    app.service.delete_deployment("captain-v1")
    app.service.configure(
        creating_seconds=60, readiness_gap_seconds=480, deployment_limit=2, step_seconds=1
    )
    await app.minutes(6)
    await promote(app, 1)
    app.harness.model = "other"
    await app.harness.drop(dataset(10, voice="other"))
    run = await app.harness.received()
    await app.minutes(15)
    assert (await app.model("captain")).champion == 1
    assert (await app.harness.known(run.id)).stage is Stage.FAILED, "there is no room"


async def test_what_azure_does_not_deploy_for_an_order_is_asked_for_as_often_as_for_others() -> (
    None
):
    app = await serving(2)
    app.service.delete_deployment("captain-v1")
    await app.minutes(6)
    app.service.arm("provisioning-failed", PUT, count=None)
    before = puts(app)
    await promote(app, 1)
    for _ in range(23 * 12):
        app.clock.advance(240)
        await app.minutes(1)
    assert puts(app) - before == app.ctx.policy.redeploy_tries
    order = await Orders(app.clients.models).of("captain")
    assert order
    assert "was asked for 6 times within a day" in order.waits
    assert "`tunedrop wake captain@1`" in order.waits
    assert (await app.model()).champion == 2


# ---- the champion


async def test_a_champion_that_slept_before_it_became_one_again_is_woken() -> None:
    app = await serving(2, **NO_WARM)
    assert deployed(app) == ["captain-v2"]
    target = await deletion_plan.target_of_model("captain", 2, app.ctx)
    plan = await deletion_plan.plan(target, False, app.ctx)
    assert "captain@1 answers in its place once it is deployed again" in " ".join(plan.then)
    await deletions.give(target, False, plan.digest, "Ada", "over", app.ctx)
    await app.minutes(4)  # less than until the next look
    model = await app.model()
    assert model.champion == 1
    assert deployed(app) == ["captain-v1"]
    assert model.version(1).is_hosted


async def test_a_champion_that_a_person_has_put_to_sleep_stays_asleep() -> None:
    app = await serving(1)
    await sleep_orders.sleep(sleep_orders.Asked("captain", None, "Ada"), app.ctx)
    await app.minutes(15)
    assert deployed(app) == []


# ---- chats and the ceiling


async def test_a_chat_that_comes_after_the_look_keeps_the_deployment() -> None:
    app = await serving(2)
    version = (await app.model()).version(1)
    removal = Removal("captain", version, Why.RETIRED, timedelta(0))
    await chat(app, 1)
    assert not await sleeping.put_to_sleep(removal, lambda known: True, app.ctx)
    await app.minutes(3)
    assert deployed(app) == ["captain-v1", "captain-v2"]
    assert (await app.model()).version(1).asleep_since is None


async def test_no_chat_wakes_what_the_ceiling_would_put_to_sleep_again() -> None:
    app = await serving(2, **CEILING)
    before, told = puts(app), Asked(True)
    for _ in range(60):
        told = await chat(app, 1)
        await app.minutes(1)
    assert puts(app) == before
    assert list(app.receiver.said.values()).count("model.asleep captain@1") == 1
    assert "as long as the month's hosting would pass the app's ceiling" in told.denied
    backend = Backend("captain@1", "captain-v1", "captain", 1, "captain@1", asleep=True)
    said = absent.asleep(backend, told)
    assert isinstance(said, NoDeployment)
    assert told.denied in said.message
    assert "Chat with captain" in said.fix
    await app.minutes(10)
    requests = RedeployRequests(app.clients.models)
    assert await requests.requested() == [], "nobody asks any more"


async def test_a_chat_wakes_it_once_the_ceiling_leaves_room() -> None:
    app = await serving(2, **CEILING)
    await chat(app, 1)
    await app.minutes(2)
    with_settings(app.harness, monthly_hosting_ceiling=100_000.0)
    await app.minutes(6)
    assert deployed(app) == ["captain-v2"], "nobody has asked since"
    await chat(app, 1)
    await app.minutes(6)
    assert deployed(app) == ["captain-v1", "captain-v2"]


async def test_a_chat_wakes_the_champion_whatever_the_month_comes_to() -> None:
    app = await serving(1, **CEILING)
    await sleep_orders.sleep(sleep_orders.Asked("captain", None, "Ada"), app.ctx)
    await app.minutes(1)
    await RedeployRequests(app.clients.models, app.ctx.now).add("captain")
    await app.minutes(5)
    assert deployed(app) == ["captain-v1"]


# ---- people wake


@pytest.mark.parametrize("settings", [NO_WARM, NO_SPARE], ids=["warm", "spare"])
async def test_what_a_person_wakes_stays_for_an_hour(settings: dict[str, Any]) -> None:
    app = await serving(3, **settings)
    await sleep_orders.wake(sleep_orders.Asked("captain", 1, "Ada"), app.ctx)
    await app.minutes(55)
    assert "captain-v1" in deployed(app)
    await app.minutes(15)
    assert "captain-v1" not in deployed(app)


async def test_a_person_is_told_where_the_ceiling_leaves_no_room() -> None:
    app = await serving(3, **CEILING)
    with pytest.raises(NotNow, match="would pass TUNEDROP_MONTHLY_HOSTING_CEILING") as refused:
        await sleep_orders.wake(sleep_orders.Asked("captain", 1, "Ada"), app.ctx)
    assert "`tunedrop promote captain@1`" in refused.value.fix
    await promote(app, 1)
    await app.minutes(5)
    assert (await app.model()).champion == 1, "as that says"
