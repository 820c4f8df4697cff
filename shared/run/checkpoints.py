"""Which model of a training becomes the version: the finished one, or the best checkpoint. Pure.

Of a job that has overfitted an earlier epoch is better. Only the last checkpoints of a job can be
deployed, and only a validation loss tells which is best.
"""

from dataclasses import dataclass

from shared.catalog import facts
from shared.run.estimates import best_checkpoint
from shared.run.record import Run

NOT_DEPLOYABLE = "DeploymentModelNotSupported"  # Azure Resource Manager's code


@dataclass(frozen=True, slots=True)
class Choice:
    """`step` is None for the finished model. `said` is for the run's log, empty where nobody has
    asked for another."""

    model: str
    step: int | None = None
    said: str = ""


def choice(run: Run) -> Choice:
    """Of a run that is trained."""
    assert run.fine_tuned_model, "a run becomes trained by having one"
    finished = Choice(run.fine_tuned_model)
    if run.spec.release.checkpoint == "last":
        return finished
    asked, instead = "run.yaml asks for the best checkpoint", "the finished model is deployed"
    last = run.epochs[-facts.DEPLOYMENT_LIFE.checkpoints :]
    best, overall = best_checkpoint(last), best_checkpoint(run.epochs)
    if best is None or overall is None:
        said = f"{asked}: no validation loss is known, so {instead}"
        return Choice(finished.model, said=said)
    told = f"step {best.step}, validation loss {best.valid_loss:.3f}"
    if best != overall:
        told += f" (step {overall.step} had {overall.valid_loss:.3f}, and is not kept deployable)"
    if best == run.epochs[-1] or best.checkpoint is None:
        return Choice(finished.model, said=f"{asked}: of {told}; {instead}")
    return Choice(best.checkpoint, best.step, f"{asked}: of {told}; it is deployed")
