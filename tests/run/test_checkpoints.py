"""`checkpoint: best`: the version is the model of the epoch that was best, and says so."""

import pytest

from shared.cloud.remote import Metric
from shared.run.checkpoints import choice
from shared.run.record import Action, Epoch, Run
from shared.run.stages import Stage
from tests.support.datasets import dataset
from tests.support.runs import RunHarness
from tests.support.service_parts import StoredJob
from tests.support.settings import IN_MEMORY

LOSSES = {5: 1.0, 10: 0.4, 15: 0.6}


def epochs(*losses: float | None) -> tuple[Epoch, ...]:
    return tuple(
        Epoch(step=n * 5, train_loss=1.0, valid_loss=loss, checkpoint=f"m:ckpt-step-{n * 5}")
        for n, loss in enumerate(losses, 1)
    )


@pytest.fixture
async def trained() -> Run:
    harness = RunHarness.in_memory(IN_MEMORY, "captain")
    await harness.drop(b"checkpoint: best\n", "run.yaml")
    await harness.drop(dataset(10, "captain"))
    run = await harness.until(await harness.received(), Stage.TRAINED, Stage.SERVING)
    return run.replace(fine_tuned_model="m")


@pytest.mark.parametrize(
    ("losses", "step", "says"),
    [
        ((0.9, 0.4, 0.6), 10, "step 10, validation loss 0.400; it is deployed"),
        ((0.9, 0.6, 0.4), None, "step 15, validation loss 0.400; the finished model is deployed"),
        ((0.9, None, 0.95), 5, "step 5, validation loss 0.900; it is deployed"),
        ((None, None), None, "no validation loss is known, so the finished model is deployed"),
        ((), None, "no validation loss is known"),
        ((0.1, 0.5, 0.3, 0.4), 15, "(step 5 had 0.100, and is not kept deployable)"),
    ],
)
def test_the_lowest_validation_loss_of_what_can_be_deployed_is_the_best(
    trained: Run, losses: tuple[float | None, ...], step: int | None, says: str
) -> None:
    chosen = choice(trained.replace(epochs=epochs(*losses)))
    assert (chosen.step, says in chosen.said) == (step, True), chosen
    assert chosen.model == (f"m:ckpt-step-{step}" if step else "m")


def test_nobody_who_has_not_asked_gets_a_checkpoint(trained: Run) -> None:
    release = trained.spec.release.model_copy(update={"checkpoint": "last"})
    spec = trained.spec.model_copy(update={"release": release})
    chosen = choice(trained.replace(spec=spec, epochs=epochs(0.1, 0.9)))
    assert (chosen.model, chosen.step, chosen.said) == ("m", None, "")


def test_a_checkpoint_without_a_name_is_not_asked_for(trained: Run) -> None:
    nameless = tuple(epoch.replace(checkpoint=None) for epoch in epochs(0.1, 0.9))
    assert choice(trained.replace(epochs=nameless)).model == "m"


def overfits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's validation losses are as in LOSSES."""
    real = StoredJob._train_step

    def train(job: StoredJob) -> None:
        real(job)
        job.checkpoints[:] = [
            Metric(c.step, c.train_loss, LOSSES[c.step], c.checkpoint) for c in job.checkpoints
        ]

    monkeypatch.setattr(StoredJob, "_train_step", train)


async def served(harness: RunHarness) -> Run:
    await harness.drop(b"checkpoint: best\nhyperparameters: {n_epochs: 3}\n", "run.yaml")
    await harness.drop(dataset(10, "captain"))
    return await harness.until(await harness.received(), Stage.SERVING, Stage.FAILED)


async def test_the_best_checkpoint_is_deployed_and_the_version_says_its_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overfits(monkeypatch)
    harness = RunHarness.in_memory(IN_MEMORY, "captain")
    run = await served(harness)
    assert run.stage is Stage.SERVING, run.failure
    model = await harness.ctx.registry.load("captain")
    assert model
    best = f"{run.fine_tuned_model}:ckpt-step-10"
    assert (model.version(1).checkpoint, model.version(1).fine_tuned_model) == (10, best)
    assert harness.service.deployments() == {"captain-v1": best}
    (said,) = await harness.messages(run, "checkpoint")
    assert "step 10, validation loss 0.400" in said


async def test_a_checkpoint_that_azure_does_not_deploy_makes_way_for_the_finished_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overfits(monkeypatch)
    harness = RunHarness.in_memory(IN_MEMORY, "captain")
    refused = {"status": 400, "code": "DeploymentModelNotSupported", "message": "no checkpoint"}
    harness.service.arm("refused", "deployments.put", **refused)
    run = await served(harness)
    assert run.stage is Stage.SERVING, run.failure
    assert harness.service.deployments() == {"captain-v1": run.fine_tuned_model}
    model = await harness.ctx.registry.load("captain")
    assert model
    assert model.version(1).checkpoint is None
    assert "the checkpoint is refused" in (await harness.messages(run, "checkpoint"))[-1]


async def test_a_pause_is_no_epoch() -> None:
    """The service keeps a checkpoint of what a paused job has learned."""
    harness = RunHarness.in_memory(IN_MEMORY, "captain")
    await harness.drop(b"hyperparameters: {n_epochs: 1}", "run.yaml")
    await harness.drop(dataset(400, harness.model))
    run = await harness.until(await harness.received(), Stage.TRAINING)
    while (await harness.known(run.id)).progress.step is None:
        await harness.tick()
        await harness.pause(1)
    await harness.until(await harness.command(run, Action.PAUSE), Stage.PAUSED)
    run = await harness.until(await harness.command(run, Action.RESUME), Stage.SERVING)
    (epoch,) = run.epochs
    assert epoch.step == run.progress.total_steps
