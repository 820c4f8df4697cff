"""Stories of a model whose champion changes: at the end of a run, by a person, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.run import promotions, reconciler
from shared.run.promotions import Asked
from shared.run.stages import ENDS, Stage
from tests.support.comparing import BASE, Says, half, right, wrong
from tests.support.datasets import dataset
from tests.support.mortal import TELLING, Mortal
from tests.support.service_parts import StoredDeployment
from tests.support.stories import Story

HOUR = 3600.0
EXAMPLES = 8  # of a validation set
LEARNT: Mapping[str, Says] = {"captain-v1": half, "captain-v2": right}


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


async def compared(release: str = "") -> Mortal:
    """Right before the probe of the second version, which is better than the first."""
    app = Mortal(replace(TELLING, base_deployments=("plain",)))
    await trained(app)
    now = app.clock.now()
    app.service.deployed["plain"] = StoredDeployment("plain", BASE, now, now, None, capacity=50)
    app.service.says = app_says(app)
    app.clock.advance(HOUR)
    app.service.configure(readiness_gap_seconds=90)
    await app.harness.drop(f"seed: 2\n{release}".encode(), "run.yaml")
    await app.harness.drop(dataset(EXAMPLES), "validation.jsonl")
    await app.harness.drop(dataset(10, voice="captain 2"))
    await app.harness.until(await app.harness.received(), Stage.PROBING)
    return app


async def compared_in_vain() -> Mortal:
    """Right before the probe of the second version, which is worse than the first."""
    app = await compared("gate: enforce\n")
    app.service.says = app_says(app, {"captain-v1": right})
    return app


def app_says(app: Mortal, says_what: Mapping[str, Says] = LEARNT) -> Any:
    def says(model: str, asked: dict[str, Any]) -> str:
        question = asked["messages"][-1]["content"]
        name = next(d.name for d in app.service.deployed.values() if d.model == model)
        app.note_question(model, asked)
        return says_what.get(name, wrong)(question)

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


A_RUN = Story(
    "a run",
    dropped,
    event_comes,
    ("captain: champion 1, before it None, 1 numbers", "told: model.promoted captain"),
    insists=True,
    serves=False,
)
PROMOTIONS = (
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
        "compared and held",
        compared_in_vain,
        ends=(
            "captain: champion 1, before it None, 2 numbers",
            "captain@2 is candidate, GlobalStandard",
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
)
