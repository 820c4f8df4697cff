"""The costs of a month, read out of what the app keeps: the registry says when a version had a
deployment, the runs' records what was trained, and `removal` both of what is deleted.

Reads only; knows where costs are found, not how they are summed up (`costs`).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import TunedropError, Unreadable
from shared.model.costs import Costs, Hosting, ModelCosts, Training, hosting
from shared.model.month import Month
from shared.model.registry import Model
from shared.run import newest, removal
from shared.run.context import Context
from shared.run.record import Run
from shared.run.removal import Deleted
from shared.run.trainings import trainings

# From a drop to the end of its job: weeks in queues, 720 hours of training, pauses.
LONGEST_LIFE = timedelta(days=62)
MOST_RUNS = 1_000  # that are read for a month, the newest


async def costs(
    month: Month, ctx: Context, model: str = "", problems: list[TunedropError] | None = None
) -> Costs:
    """What a month has cost by now, of one model or of all. What cannot be read is left out; why is
    added to `problems`. Raises Unavailable."""
    problems = [] if problems is None else problems
    models = await _models(ctx, model, problems)
    gathered = await _hosted(month, models, ctx, model, problems)
    for run in await _runs(month, models, ctx, model, problems):
        gathered.add_run(run)
    return gathered.costs()


async def hosting_costs(ctx: Context) -> Costs:
    """Of this month and all models, hosting alone: what a ceiling is held against. What cannot be
    read is left out. Raises Unavailable."""
    models = await ctx.registry.all()
    return (await _hosted(Month.of(ctx.now()), models, ctx, "", [])).costs()


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Parts of a month's costs by model."""

    month: Month
    at: datetime
    region: str
    hosting: defaultdict[str, list[Hosting]] = field(default_factory=lambda: defaultdict(list))
    training: defaultdict[str, list[Training]] = field(default_factory=lambda: defaultdict(list))

    def add_model(self, model: Model) -> None:
        for version in model.versions:
            self.hosting[model.name] += hosting(version, self.month, self.at, self.region)

    def add_run(self, run: Run) -> None:
        """Of its jobs those that ended in the month; what is under way is of the month that it is
        now. A job that is remembered as one of a deleted run counts once."""
        for job in trainings(run, self.region):
            known = {(told.run_id, told.ended) for told in self.training[run.model]}
            if (job.ended or self.at) in self.month and (job.run_id, job.ended) not in known:
                self.training[run.model].append(job)

    def add_deleted(self, name: str, left: Deleted, models: list[Model]) -> None:
        """A version whose record is there still is counted by that."""
        of_model = (model for model in models if model.name == name)
        there = {version.created_at for model in of_model for version in model.versions}
        for version in left.versions:
            if version.created_at not in there:
                self.hosting[name] += hosting(version, self.month, self.at, self.region)
        self.training[name] += [job for job in left.trained if (job.ended or self.at) in self.month]

    def costs(self) -> Costs:
        names = sorted({*self.hosting, *self.training})
        told = (
            ModelCosts(name, tuple(self.hosting[name]), tuple(self.training[name]))
            for name in names
        )
        parts = tuple(one for one in told if one.hosting or one.training)
        return Costs(self.month, self.at, self.region, parts)


async def _models(ctx: Context, model: str, problems: list[TunedropError]) -> list[Model]:
    if not model:
        return await ctx.registry.all(problems)
    found = await ctx.registry.load(model)
    return [found] if found else []


async def _hosted(
    month: Month, models: list[Model], ctx: Context, only: str, problems: list[TunedropError]
) -> _Gathered:
    gathered = _Gathered(month, ctx.now(), ctx.region)
    for model in models:
        gathered.add_model(model)
    for name, left in await removal.since(month.start, ctx, only, problems):
        gathered.add_deleted(name, left, models)
    return gathered


async def _runs(
    month: Month, models: list[Model], ctx: Context, only: str, problems: list[TunedropError]
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
        run_id for run_id in cursors if run_id in wanted and only in ("", run_id.rpartition("-")[0])
    ]
    if len(chosen) > MOST_RUNS:
        problems.append(_too_many(len(chosen), month))
    return (await ctx.ledger.readable(chosen[:MOST_RUNS], problems))[::-1]


def _too_many(count: int, month: Month) -> Unreadable:
    return Unreadable(
        f"{count:,} runs may have trained in {month}; the newest {MOST_RUNS:,} are counted.",
        "Ask for one model at a time.",
    )
