"""The jobs that a run has had, and what each has cost: from its record alone. Pure.

Knows what was trained, not in which month it counts.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest

from shared.catalog import lookup
from shared.model.costs import Training
from shared.run.record import Run
from shared.run.stages import ENDS, Stage

STARTED = (Stage.SUBMITTED, Stage.TRAINING, Stage.PAUSED)  # there is a job


def trainings(run: Run, region: str) -> Iterator[Training]:
    """The jobs of a run, each when it was over. Its record tells of the last one that made a model
    what was predicted and billed; of one without a model no more than that there was one."""
    begun: datetime | None = None  # a job of which nothing has come yet
    lost: list[datetime] = []
    for past, after in zip_longest(run.timeline, run.timeline[1:]):
        if past.stage in STARTED:
            begun = past.at
        elif begun and past.stage is Stage.TRAINED:
            yield _training(run, past.at, region)
            begun = None
        elif begun and past.stage in ENDS and not (after and after.stage in STARTED):
            lost.append(past.at)
            begun = None
    if run.ended and run.job_id and not (run.fine_tuned_model or lost):
        lost.append(run.since)  # a job that was only found when the run was ended
    for ended in lost:
        yield _training(run, ended, region).without_model()
    if begun and not run.ended:
        yield _training(run, None, region)


def _training(run: Run, ended: datetime | None, region: str) -> Training:
    tokens = run.trained_tokens if ended else None
    rate = lookup.training_price(run.spec.base_model, run.spec.training_type, region)
    predicted = run.predicted
    return Training(
        run_id=run.id,
        base_model=run.spec.base_model,
        training_type=run.spec.training_type,
        ended=ended,
        predicted=predicted.tokens if predicted else None,
        predicted_usd=predicted.usd if predicted else None,
        at_most=predicted.at_most if predicted else False,
        billed=tokens,
        billed_usd=None if tokens is None or rate is None else rate * tokens / 1e6,
    )
