"""The stories of a model in which an app may be killed, told as `stories` has it."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from shared.model.redeploy import RedeployRequests
from shared.run import deletion_plan, deletions, promotions, reconciler, sleep_orders
from shared.run.deletion_plan import Target
from shared.run.promotions import Asked
from shared.run.stages import ENDS, Stage
from tests.support.comparing import BASE, half, right, wrong
from tests.support.datasets import dataset
from tests.support.mortal import TELLING, Mortal
from tests.support.service_parts import StoredDeployment
from tests.support.stories import Story

HOUR = 3600.0
EXAMPLES = 8  # of a validation set


async def trained(app: Mortal, run_yaml: str = "", model: str = "captain") -> None:
    """One more version, an hour after the one before."""
    app.clock.advance(HOUR)
    harness = app.harness
    harness.model = model
    known = await app.ctx.registry.load(model)
    number = len(known.versions) + 1 if known else 1
    if run_yaml:
        await harness.drop(run_yaml.encode(), "run.yaml")
    await harness.drop(dataset(10, voice=f"{model} {number}"))
    await harness.until(await harness.received(), *ENDS)
    await app.minutes(2)


async def serving(count: int) -> Mortal:
    app = Mortal()
    for _ in range(count):
        await trained(app)
    return app


# ---- a run's life


async def dropped() -> Mortal:
    app = Mortal()
    app.service.configure(step_seconds=30)
    await app.harness.drop()
    return app


async def event_comes(app: Mortal) -> None:
    await reconciler.dataset_dropped(app.harness.path("training.jsonl"), app.ctx)


# ---- a version is compared before it serves


async def compared() -> Mortal:
    """Right before the probe of the second version, which is better than the first."""
    app = Mortal(replace(TELLING, base_deployments=("plain",)))
    await trained(app)
    now = app.clock.now()
    app.service.deployed["plain"] = StoredDeployment("plain", BASE, now, now, None, capacity=50)
    app.service.says = app_says(app)
    app.clock.advance(HOUR)
    app.service.configure(readiness_gap_seconds=90)
    await app.harness.drop(dataset(EXAMPLES), "validation.jsonl")
    await app.harness.drop(dataset(10, voice="captain 2"))
    await app.harness.until(await app.harness.received(), Stage.PROBING)
    return app


def app_says(app: Mortal) -> Any:
    def says(model: str, asked: dict[str, Any]) -> str:
        question = asked["messages"][-1]["content"]
        name = next(d.name for d in app.service.deployed.values() if d.model == model)
        app.note_question(model, asked)
        return {"captain-v1": half, "captain-v2": right}.get(name, wrong)(question)

    return says


# ---- people promote and roll back


async def held() -> Mortal:
    app = await serving(1)
    await trained(app, "promote: manual\n")
    return app


async def promotes_the_newest(app: Mortal) -> None:
    await promotions.give(Asked("captain", 2, "Ada", "kinder", expected=1), app.ctx)


async def two() -> Mortal:
    return await serving(2)


async def promotes_the_older(app: Mortal) -> None:
    await promotions.give(Asked("captain", 1, "Ada", "kinder", expected=2), app.ctx)


async def undeployed() -> Mortal:
    """The version before has lost its deployment."""
    app = await serving(2)
    app.service.delete_deployment("captain-v1")
    await app.ctx.registry.note_unhosted("captain", 1, app.clock.now())
    app.clock.advance(HOUR)
    return app


async def rolls_back(app: Mortal) -> None:
    await promotions.give(Asked("captain", None, "Ada", "rude", expected=2), app.ctx)


# ---- versions sleep, wake, and make room

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


# ---- people delete


async def remembered() -> Mortal:
    app = await serving(2)
    feedback, hour = app.clients.feedback, "2026-11-02/10"
    await feedback.append(f"conversations/captain/{hour}.jsonl", json.dumps({"id": "chatcmpl-1"}))
    await feedback.put("answers/chatcmpl-1", f"captain/{hour}".encode(), "text/plain")
    return app


async def rejected() -> Mortal:
    app = await serving(1)
    await app.harness.drop(b"{}\n")
    await app.harness.until(await app.harness.received(), Stage.REJECTED)
    await app.minutes(2)
    return app


async def deleted(target: Target, app: Mortal, *, datasets: bool = False) -> None:
    plan = await deletion_plan.plan(target, datasets, app.ctx)
    await deletions.give(target, datasets, plan.digest, "Ada", "over", app.ctx)


async def deletes_the_model(app: Mortal) -> None:
    await deleted(await deletion_plan.target_of_model("captain", None, app.ctx), app)


async def deletes_all(app: Mortal) -> None:
    target = await deletion_plan.target_of_model("captain", None, app.ctx)
    await deleted(target, app, datasets=True)


async def deletes_the_champion(app: Mortal) -> None:
    await deleted(await deletion_plan.target_of_model("captain", 2, app.ctx), app)


async def deletes_the_rejected_run(app: Mortal) -> None:
    await deletes_run(Stage.REJECTED, app)


async def deletes_the_run_under_way(app: Mortal) -> None:
    await deletes_run(Stage.TRAINING, app)


async def deletes_run(stage: Stage, app: Mortal) -> None:
    """The one that is in this stage, if it is there still."""
    for run in await app.harness.runs():
        if run.stage is stage:
            await deleted(await deletion_plan.target_of_run(run.id, app.ctx), app)


async def in_training() -> Mortal:
    app = await serving(1)
    app.service.configure(step_seconds=600)
    app.clock.advance(HOUR)
    await app.harness.drop(dataset(10, voice="captain 2"))
    await app.harness.until(await app.harness.received(), Stage.TRAINING)
    return app


A_RUN = Story(
    "a run",
    dropped,
    event_comes,
    ("captain: champion 1, before it None, 1 numbers", "told: model.promoted captain"),
    insists=True,
    serves=False,
)
STORIES = (
    A_RUN,
    Story(
        "compared and promoted",
        compared,
        ends=(
            "captain: 1 became 2, released by tunedrop: '', by a verdict",
            "told: model.promoted captain",
            "told: model.promoted captain",
        ),
    ),
    Story(
        "held, then promoted",
        held,
        promotes_the_newest,
        ("captain: 1 became 2, promoted by Ada: 'kinder'",),
    ),
    Story(
        "an older version promoted",
        two,
        promotes_the_older,
        ("captain: 2 became 1, promoted by Ada: 'kinder'",),
    ),
    Story(
        "rolled back",
        two,
        rolls_back,
        ("captain: 2 became 1, rolled back by Ada: 'rude'", "told: model.rolled-back captain"),
    ),
    Story(
        "rolled back to one without a deployment",
        undeployed,
        rolls_back,
        ("captain: 2 became 1, rolled back by Ada: 'rude'", "told: model.rolled-back captain"),
    ),
    Story(
        "asleep, for it was idle",
        idle,
        ends=("captain@1 is champion and sleeps, GlobalStandard", "told: model.asleep captain@1"),
        serves=False,
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
    Story(
        "a model deleted",
        remembered,
        deletes_the_model,
        ("blob datasets/captain/training.jsonl", "told: model.deleted captain"),
        serves=False,
    ),
    Story(
        "a model and its datasets deleted",
        remembered,
        deletes_all,
        ("told: model.deleted captain",),
        serves=False,
    ),
    Story(
        "the champion deleted",
        two,
        deletes_the_champion,
        ("captain: 2 became 1, withdrawn by tunedrop: ''",),
    ),
    Story("a rejected run deleted", rejected, deletes_the_rejected_run),
    Story("a run deleted in training", in_training, deletes_the_run_under_way),
)
