"""Stories of a model that is deleted, as a whole or in part."""

import json

from shared.run import deletion_plan, deletions
from shared.run.deletion_plan import Target
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.hosting_stories import asleep
from tests.support.mortal import Mortal
from tests.support.promotion_stories import HOUR, serving, two
from tests.support.stories import Story


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


DELETIONS = (
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
        "a model deleted that sleeps",
        asleep,
        deletes_the_model,
        ("told: model.deleted captain",),
        serves=False,
    ),
    Story(
        "the champion deleted",
        two,
        deletes_the_champion,
        ("captain: 2 became 1, withdrawn by Ada: 'it is to be deleted. over'",),
    ),
    Story("a rejected run deleted", rejected, deletes_the_rejected_run),
    Story("a run deleted in training", in_training, deletes_the_run_under_way),
)
