"""Stories of versions that sleep, wake, and make room for others."""

import asyncio
from dataclasses import replace

from shared.model.redeploy import RedeployRequests
from shared.run import sleep_orders
from shared.run.stages import Stage
from tests.support.mortal import Mortal
from tests.support.promotion_stories import promotes_the_older, serving, trained, two
from tests.support.stories import Story

ON_DEMAND = "keep: on-demand\nidle_after: 24\n"


async def idle() -> Mortal:
    app = Mortal()
    await trained(app, ON_DEMAND)
    app.hours(25)
    return app


async def awake() -> Mortal:
    app = Mortal()
    await trained(app, ON_DEMAND)
    return app


async def asleep() -> Mortal:
    app = await idle()
    await app.minutes(4)
    return app


async def puts_it_to_sleep(app: Mortal) -> None:
    await sleep_orders.sleep(sleep_orders.Asked("captain", None, "Ada", "for now"), app.ctx)


async def two_chats_come(app: Mortal) -> None:
    """At once, to two instances."""
    instances = [RedeployRequests(app.clients.models, app.clock.now) for _ in range(2)]
    await asyncio.gather(*(one.add("captain") for one in instances))


async def about_to_sleep() -> Mortal:
    """The version before sleeps by the registry, and its deployment is there still."""
    app = await two()
    app.service.arm("request-conflict", "deployments.delete")
    await sleep_orders.sleep(sleep_orders.Asked("captain", 1, "Ada"), app.ctx)
    app.service.disarm()
    return app


async def long_retired() -> Mortal:
    """The version before was not used for a day."""
    app = await serving(2)
    app.hours(25)
    return app


async def without_the_one_before() -> Mortal:
    app = await long_retired()
    await app.minutes(4)
    return app


async def too_dear() -> Mortal:
    """The month would pass a ceiling that is new."""
    app = Mortal()
    await trained(app, "deployment: {sku: Standard}\n")
    await trained(app, "promote: manual\ndeployment: {sku: Standard}\n")
    app.clients.settings = replace(
        app.clients.settings, monthly_hosting_ceiling=1_500.0, location="swedencentral"
    )
    return app


async def full() -> Mortal:
    """The account has no place for the deployment of a run that is in training."""
    app = Mortal()
    await trained(app, ON_DEMAND, "idle")
    await trained(app, "keep: always\n", "kept")
    app.hours(3)
    app.service.configure(deployment_limit=2, step_seconds=30)
    app.harness.model = "captain"
    await app.harness.drop()
    await app.harness.until(await app.harness.received(), Stage.TRAINING)
    return app


async def full_of_sleepers() -> Mortal:
    """The model that is wanted sleeps, and the only place is another's, which is idle."""
    app = await asleep()
    app.service.configure(deployment_limit=1)
    await trained(app, ON_DEMAND, "other")
    app.hours(3)
    app.harness.model = "captain"
    return app


HOSTING = (
    Story(
        "asleep, for it was idle",
        idle,
        ends=("captain@1 is champion and sleeps, GlobalStandard", "told: model.asleep captain@1"),
        serves=False,
    ),
    Story(
        "one that is retired let go",
        long_retired,
        ends=("captain@1 is retired and sleeps, GlobalStandard", "told: model.asleep captain@1"),
    ),
    Story(
        "one that sleeps promoted",
        without_the_one_before,
        promotes_the_older,
        ("captain@1 is champion, GlobalStandard", "captain@1: 2 stretches of hosting, deployed"),
    ),
    Story(
        "one promoted that is about to sleep",
        about_to_sleep,
        promotes_the_older,
        ("captain@1 is champion, GlobalStandard",),
    ),
    Story(
        "asleep, for the month is too dear",
        too_dear,
        ends=("captain@2 is candidate and sleeps, Standard", "told: model.asleep captain@2"),
    ),
    Story(
        "put to sleep",
        awake,
        puts_it_to_sleep,
        ("captain@1 is champion and sleeps, GlobalStandard", "told: model.asleep captain@1"),
        serves=False,
    ),
    Story(
        "woken by two chats at once",
        asleep,
        two_chats_come,
        ("captain@1: 2 stretches of hosting, deployed",),
        insists=True,
        serves=False,
    ),
    Story(
        "room is made for a run",
        full,
        ends=(
            "idle@1 is champion and sleeps, GlobalStandard",
            "kept@1: 1 stretches of hosting, deployed",
            "captain@1: 1 stretches of hosting, deployed",
        ),
        serves=False,
    ),
    Story(
        "room is made for one that wakes",
        full_of_sleepers,
        two_chats_come,
        (
            "other@1 is champion and sleeps, GlobalStandard",
            "captain@1: 2 stretches of hosting, deployed",
        ),
        insists=True,
        serves=False,
    ),
)
