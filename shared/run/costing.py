"""The costs of a month, read out of what the app keeps: the registry says when a version had a
deployment, the runs' records what was trained. Reads only; sums are made by `costs`."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from shared.catalog import lookup
from shared.errors import TunedropError, Unreadable
from shared.model.costs import Costs, Hosting, ModelCosts, Training, hosting
from shared.model.month import Month
from shared.model.registry import Model
from shared.run import newest
from shared.run.context import Context
from shared.run.record import Run
from shared.run.stages import ENDS, Stage

# From a drop to the end of its job: weeks in queues, 720 hours of training, pauses.
LONGEST_LIFE = timedelta(days=62)
MOST_RUNS = 1_000  # that are read for a month, the newest
STARTED = (Stage.SUBMITTED, Stage.TRAINING, Stage.PAUSED)  # there is a job


async def costs(
    month: Month, ctx: Context, model: str = "", problems: list[TunedropError] | None = None
) -> Costs:
    """What a month has cost by now, of one model or of all. What cannot be read is left out; why is
    added to `problems`. Raises Unavailable."""
    problems = [] if problems is None else problems
    models = await _models(ctx, model, problems)
    at, region = ctx.now(), ctx.region
    hosted = {known.name: _hosting(known, month, at, region) for known in models}
    trained: dict[str, list[Training]] = {}
    for run in await _runs(month, models, ctx, model, problems):
        found = [part for part in trainings(run, region) if _is_of(part, month, at)]
        trained.setdefault(run.model, []).extend(found)
    told = (
        ModelCosts(name, hosted.get(name, ()), tuple(trained.get(name, ())))
        for name in sorted({*hosted, *trained})
    )
    return Costs(month, at, region, tuple(one for one in told if one.hosting or one.training))


def hosting_costs(models: Iterable[Model], ctx: Context) -> Costs:
    """Of this month, and of hosting alone: what a ceiling is held against."""
    at, region = ctx.now(), ctx.region
    month = Month.of(at)
    told = (ModelCosts(known.name, _hosting(known, month, at, region)) for known in models)
    return Costs(month, at, region, tuple(told))


def _hosting(model: Model, month: Month, at: datetime, region: str) -> tuple[Hosting, ...]:
    return tuple(part for v in model.versions for part in hosting(v, month, at, region))


async def _models(ctx: Context, model: str, problems: list[TunedropError]) -> list[Model]:
    if not model:
        return await ctx.registry.all(problems)
    found = await ctx.registry.load(model)
    return [found] if found else []


async def _runs(
    month: Month, models: list[Model], ctx: Context, model: str, problems: list[TunedropError]
) -> list[Run]:
    """Those whose job may have ended in the month, the oldest first: the runs that were dropped
    not long before, those whose version is of that month however old they are, and the active."""
    since = newest.cursor_of(month.start - LONGEST_LIFE)
    until = newest.cursor_of(month.end)
    cursors = await newest.cursors(ctx.clients.runs, problems)
    wanted = {run_id for run_id, cursor in cursors.items() if until < cursor < since}
    wanted |= {v.run_id for known in models for v in known.versions if v.created_at in month}
    wanted |= set(await ctx.ledger.active())
    chosen = [
        run_id
        for run_id in cursors
        if run_id in wanted and (not model or run_id.rpartition("-")[0] == model)
    ]
    if len(chosen) > MOST_RUNS:
        problems.append(_too_many(len(chosen), month))
    return (await ctx.ledger.readable(chosen[:MOST_RUNS], problems))[::-1]


def _too_many(count: int, month: Month) -> Unreadable:
    return Unreadable(
        f"{count:,} runs may have trained in {month}; the newest {MOST_RUNS:,} are counted.",
        "Ask for one model at a time.",
    )


def _is_of(part: Training, month: Month, at: datetime) -> bool:
    """What is under way is of the month that it is now."""
    return (part.ended or at) in month


def trainings(run: Run, region: str = "") -> Iterator[Training]:
    """The jobs of a run, each when it was over. Its record tells of the last one that made a model
    what was predicted and billed; of one without a model no more than that there was one."""
    begun: datetime | None = None  # a job of which nothing has come yet
    lost: list[datetime] = []
    for past, after in zip(run.timeline, [*run.timeline, None][1:], strict=True):
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
