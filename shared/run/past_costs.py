"""What versions and runs have cost that are deleted: the money was spent all the same.

    costs/<YYYY-MM>.json   in the runs container: of each month, changed by compare-and-swap

Whoever deletes a version or a run has it remembered first, as often as he likes. Knows what they
have cost, not how they are deleted.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from shared.catalog import lookup
from shared.cloud.documents import Count, Document, Frozen, Moment
from shared.model.costs import Hosting, Training, hosting
from shared.model.month import Month
from shared.model.registry import Version
from shared.run.context import Context
from shared.run.record import Run
from shared.run.trainings import trainings

PREFIX = "costs/"


class PastHosting(Frozen):
    """`created_at` tells the version from a later one of the same number."""

    model: str
    version: Count
    created_at: Moment
    base_model: str
    sku: str
    time: timedelta

    def is_of(self, model: str, version: Version) -> bool:
        known = (model, version.version, version.created_at)
        return known == (self.model, self.version, self.created_at)

    def told(self, region: str) -> Hosting:
        rate = lookup.hosting_per_hour(self.base_model, self.sku, region)
        time, ahead = self.time, timedelta(0)
        return Hosting(self.version, self.base_model, self.sku, time, ahead, rate)


class PastTraining(Frozen):
    model: str
    run_id: str
    base_model: str
    training_type: str
    ended: Moment
    predicted: Count | None = None
    predicted_usd: float | None = None
    at_most: bool = False
    billed: Count | None = None
    billed_usd: float | None = None
    lost: bool = False

    def told(self) -> Training:
        return Training(**self.model_dump(exclude={"model"}))


class PastCosts(Document):
    hosting: tuple[PastHosting, ...] = ()
    training: tuple[PastTraining, ...] = ()

    def including(
        self, hosted: Sequence[PastHosting], trained: Sequence[PastTraining]
    ) -> "PastCosts":
        """What is remembered again takes the place of what was remembered before."""
        lines = {(p.model, p.version, p.created_at, p.sku): p for p in (*self.hosting, *hosted)}
        jobs = {(p.run_id, p.ended): p for p in (*self.training, *trained)}
        return self.replace(hosting=tuple(lines.values()), training=tuple(jobs.values()))


async def remember(
    ctx: Context, model: str, versions: Iterable[Version] = (), runs: Iterable[Run] = ()
) -> None:
    """Keep what these have cost, before their records go. Their deployments and jobs should be gone
    by then: what still goes on is counted until now. Raises Unavailable."""
    versions, runs, at = list(versions), list(runs), ctx.now()
    jobs = [job for run in runs for job in trainings(run, ctx.region)]
    begun = [stretch.since for version in versions for stretch in version.hosted]
    begun += [job.ended or at for job in jobs]
    for month in _months(begun, at):
        hosted = [p for version in versions for p in _hosting(model, version, month, at)]
        trained = [_training(model, job, at) for job in jobs if (job.ended or at) in month]
        if hosted or trained:
            await _add(month, hosted, trained, ctx)


async def _add(
    month: Month, hosted: list[PastHosting], trained: list[PastTraining], ctx: Context
) -> None:
    def add(known: PastCosts | None) -> PastCosts:
        return (known or PastCosts()).including(hosted, trained)

    await ctx.clients.runs.update(_name(month), PastCosts, add)


async def of(month: Month, ctx: Context) -> PastCosts:
    """Raises Unreadable, and Unavailable."""
    found = await ctx.clients.runs.record(_name(month), PastCosts)
    return found[0] if found else PastCosts()


def _name(month: Month) -> str:
    return f"{PREFIX}{month}.json"


def _months(begun: Iterable[datetime], until: datetime) -> Iterator[Month]:
    """From the earliest to the last."""
    month = Month.of(min([*begun, until]))
    while month.start <= until:
        yield month
        month = Month.of(month.end)


def _hosting(model: str, version: Version, month: Month, at: datetime) -> list[PastHosting]:
    return [
        PastHosting(
            model=model,
            version=version.version,
            created_at=version.created_at,
            base_model=part.base_model,
            sku=part.sku,
            time=part.time,
        )
        for part in hosting(version, month, at)
        if part.time
    ]


def _training(model: str, job: Training, at: datetime) -> PastTraining:
    return PastTraining(
        model=model,
        run_id=job.run_id,
        base_model=job.base_model,
        training_type=job.training_type,
        ended=job.ended or at,
        predicted=job.predicted,
        predicted_usd=job.predicted_usd,
        at_most=job.at_most,
        billed=job.billed,
        billed_usd=job.billed_usd,
        lost=job.lost or job.ended is None,
    )
