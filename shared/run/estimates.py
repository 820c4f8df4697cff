"""What lies ahead of a run, and what its losses say: for people, from its record alone. Pure.

The service tells little: these are estimates, and each says what it rests on.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.catalog import lookup
from shared.model import waking
from shared.run.record import Epoch, Run
from shared.run.stages import DEADLINES, Stage

# How long each stage may see nothing new before it is worth a look. Queueing: threads report jobs
# that stood "enqueued" for over 12 hours and never began (Q&A 2285439). Provisioning and probing:
# minutes are normal, "DeploymentNotReady" for 5 to 10 of them too. The rest is this project's own
# judgement; Azure publishes no figures. Written 2026-11.
NORMAL: dict[Stage, timedelta] = {
    Stage.RECEIVED: timedelta(minutes=10),
    Stage.CHECKED: timedelta(minutes=30),
    Stage.UPLOADED: timedelta(minutes=10),
    Stage.SUBMITTING: timedelta(minutes=10),
    Stage.SUBMITTED: timedelta(hours=12),
    Stage.TRAINING: timedelta(hours=2),
    Stage.TRAINED: timedelta(minutes=10),
    Stage.DEPLOYING: timedelta(minutes=30),
    Stage.PROBING: timedelta(minutes=15),
    Stage.COMPARING: timedelta(minutes=30),
}
PROVISIONING = waking.USUAL  # assumed, from the trained model to its first answer
AFTER_TRAINING = (Stage.TRAINED, Stage.DEPLOYING, Stage.PROBING, Stage.COMPARING)
OF_THE_PACE, OF_THE_SERVICE = "the pace so far", "the service's own estimate"
LONGEST = 10 * 365 * 86_400  # seconds that an estimate says; odd numbers of steps make any
STEADY = 5  # steps from which the pace so far says more than the service's own estimate

OVERFIT = 1.05  # the last validation loss against the lowest one
DIVERGED = 1.5  # the latest training losses against the lowest stretch of them
LOST = 0.25  # and the share of what was learned that is lost again
STRETCH, SHORTEST = 0.1, 5  # the share of the steps that makes a stretch, and its fewest steps


@dataclass(frozen=True, slots=True)
class Wait:
    """Whether a run is stuck: the age of what was last seen, against what is normal (seconds)."""

    state: str  # "no", "slow" or "stuck"
    seconds: int
    normal_seconds: int
    message: str


@dataclass(frozen=True, slots=True)
class Eta:
    """Seconds that are left of each part; None where nothing is known to estimate it from."""

    queueing: int | None
    training: int | None
    provisioning: int | None
    finish: datetime | None
    basis: str


def as_json(run: Run, at: datetime) -> dict[str, Any]:
    """What `GET /api/runs/{id}` adds to the record."""
    best = best_checkpoint(run.epochs)
    return {**ahead(run, at), "best_checkpoint": best.model_dump() if best else None}


def ahead(run: Run, at: datetime) -> dict[str, Any]:
    """And what lists of runs add to each."""
    wait, eta = stuck(run, at), estimate(run, at)
    finish = eta.finish.isoformat(timespec="seconds") if eta and eta.finish else None
    return {
        "stuck": asdict(wait) if wait else None,
        "eta": asdict(eta) | {"finish": finish} if eta else None,
    }


def bill(run: Run, region: str) -> dict[str, Any] | None:
    """Tokens of all epochs and USD at list price, as the check has predicted them and as the job
    was billed; `difference` is the share by which the bill is higher. None until a job has told
    what it was billed for; what is not known is null."""
    if run.trained_tokens is None:
        return None
    usd = billed_usd(run, region)
    billed = {"tokens": run.trained_tokens, "usd": None if usd is None else round(usd, 4)}
    predicted = run.predicted.model_dump() if run.predicted else None
    difference = None
    if run.predicted and run.predicted.tokens:
        difference = round(run.trained_tokens / run.predicted.tokens - 1, 4)
    return {"predicted": predicted, "billed": billed, "difference": difference}


def billed_usd(run: Run, region: str) -> float | None:
    """None where no price is known."""
    rate = lookup.training_price(run.spec.base_model, run.spec.training_type, region)
    return None if rate is None else rate * (run.trained_tokens or 0) / 1e6


def stuck(run: Run, at: datetime) -> Wait | None:
    """None for a run that has ended or waits for a person."""
    normal = NORMAL.get(run.stage)
    if normal is None:
        return None
    seen = max(run.since, run.progress.changed_at or run.since)
    age = max(at - seen, timedelta(0))  # the clock of another host may be ahead
    if age <= normal:
        state, message = "no", f"Normal: {run.stage} may see nothing new for {_words(normal)}."
    else:
        state = "slow" if age <= 2 * normal else "stuck"
        message = (
            f"Nothing new for {_words(age)} while {run.stage}; up to {_words(normal)} is normal. "
            f"{_gives_up(run)}`tunedrop cancel {run.id}` ends it now."
        )
    if run.waiting_for:
        message += f" In the way: {run.waiting_for}"
    return Wait(state, int(age.total_seconds()), int(normal.total_seconds()), message)


def _gives_up(run: Run) -> str:
    limit = DEADLINES.get(run.stage)
    return f"It is abandoned at {run.since + limit:%Y-%m-%d %H:%M} UTC; " if limit else ""


def estimate(run: Run, at: datetime) -> Eta | None:
    """How long each part still takes; None for a run that has ended, is about to, or waits for a
    person. What takes longer than was estimated is not known any more: nothing is ever said to take
    no time. The moment of the finish is the same whenever it is asked for, until the job has moved.
    """
    if run.stage not in NORMAL or run.ending:
        return None
    if run.stage in AFTER_TRAINING:
        ready = _trained_at(run) + PROVISIONING
        provisioning, finish = _left(ready, at)
        return Eta(0, 0, provisioning, finish, _assumed(ready > at))
    ends, basis = _training_ends(run, at)
    queueing = 0 if run.stage is Stage.TRAINING else None
    training = max(0, round((ends - at).total_seconds())) if ends else None
    finish = _left(ends + PROVISIONING, at)[1] if ends else None
    return Eta(queueing, training, int(PROVISIONING.total_seconds()), finish, basis)


def _assumed(holds: bool) -> str:
    return "ten minutes are assumed" if holds else "it takes longer than the ten minutes assumed"


def _left(moment: datetime, at: datetime) -> tuple[int, datetime] | tuple[None, None]:
    """The seconds until then, and that moment; nothing where it has passed."""
    seconds = round((moment - at).total_seconds())
    return (seconds, moment) if seconds > 0 else (None, None)


def _trained_at(run: Run) -> datetime:
    """Since when there is a model to deploy."""
    since = run.since
    for moment in reversed(run.timeline):
        if moment.stage not in AFTER_TRAINING:
            break
        since = moment.at
    return since


def _training_ends(run: Run, at: datetime) -> tuple[datetime | None, str]:
    progress = run.progress
    if run.stage is not Stage.TRAINING:
        queued = run.stage is Stage.SUBMITTED
        return None, "a queued job has no estimate yet" if queued else "there is no job yet"
    step, total = progress.step, progress.total_steps
    if step and total and step >= STEADY:
        return _by_pace(run, step, total, at)
    if progress.estimated_finish:
        ends = min(progress.estimated_finish, at + timedelta(seconds=LONGEST))
        return (ends, OF_THE_SERVICE) if ends > at else (None, f"{OF_THE_SERVICE} has passed")
    return None, "the service has given no estimate yet"


def _by_pace(run: Run, step: int, total: int, at: datetime) -> tuple[datetime | None, str]:
    seen = run.progress.changed_at or at
    if step >= total:
        return seen, OF_THE_PACE
    pace = _in_training(run, seen) / step
    left = pace * total - _in_training(run, at)
    if left <= 0:
        return None, "the job is slower than its pace so far"
    return at + timedelta(seconds=min(left, LONGEST)), OF_THE_PACE


def _in_training(run: Run, until: datetime) -> float:
    """How many seconds its job has been training by then; pauses do not count."""
    ends = [moment.at for moment in run.timeline[1:]] + [until]
    spent = timedelta()
    for moment, end in zip(run.timeline, ends, strict=True):
        if moment.stage not in (Stage.TRAINING, Stage.PAUSED):
            spent = timedelta()  # of an earlier job
        elif moment.stage is Stage.TRAINING:
            spent += max(timedelta(), min(end, until) - moment.at)
    return spent.total_seconds()


def best_checkpoint(epochs: Sequence[Epoch]) -> Epoch | None:
    """The epoch with the lowest validation loss; None where no validation loss is known."""
    measured = [epoch for epoch in epochs if epoch.valid_loss is not None]
    return min(measured, key=lambda epoch: epoch.valid_loss or 0.0, default=None)


def signals(epochs: Sequence[Epoch], train_losses: Sequence[float]) -> list[dict[str, str]]:
    """What the losses warn of, each with an id and a sentence."""
    found = []
    if message := _overfitting(epochs):
        found.append({"id": "overfitting", "message": message})
    if message := _divergence(train_losses):
        found.append({"id": "divergence", "message": message})
    return found


def _overfitting(epochs: Sequence[Epoch]) -> str:
    best = best_checkpoint(epochs)
    last = epochs[-1] if epochs else None
    if best is None or last is None or last.valid_loss is None or best.valid_loss is None:
        return ""
    if last.valid_loss <= OVERFIT * best.valid_loss:
        return ""
    number = list(epochs).index(best) + 1
    return (
        f"The validation loss was lowest after epoch {number} ({best.valid_loss:.3f}) and rose to "
        f"{last.valid_loss:.3f}: the later epochs overfit. Use the "
        f"checkpoint of step {best.step}, or train with n_epochs: {number}."
    )


def _divergence(losses: Sequence[float]) -> str:
    """Compares stretches, not steps: single steps are noisy."""
    width = max(SHORTEST, int(len(losses) * STRETCH))
    if len(losses) < 2 * width:
        return ""
    means = [sum(losses[i : i + width]) / width for i in range(len(losses) - width + 1)]
    lost, learned = means[-1] - min(means), means[0] - min(means)
    if means[-1] <= DIVERGED * min(means) or lost <= LOST * learned:
        return ""
    return (
        f"The training loss fell to {min(means):.3f} and is back at {means[-1]:.3f}: it does not "
        "settle. Train with a smaller learning_rate_multiplier."
    )


def _words(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours = minutes // 60
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
