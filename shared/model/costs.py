"""What models have cost in a calendar month, at list price, and what it comes to by the month's
end: hosting by the hour, training by the token. Pure: no I/O, no clock.

A price that is not known is None, never 0: a sum says of how many parts it knows nothing. What is
deployed is taken as staying so to the end of the month. Knows stretches of time and tokens, not
where they are kept, nor what is done about a ceiling.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest

from shared.catalog import lookup
from shared.model.month import Month
from shared.model.registry import Hosted, Version

HOUR = timedelta(hours=1)
NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Sum:
    """USD of what has a known price; `unknown` counts what has none."""

    usd: float = 0.0
    unknown: int = 0

    @classmethod
    def of(cls, amounts: Iterable[float | None]) -> "Sum":
        known, unknown = 0.0, 0
        for amount in amounts:
            known, unknown = known + (amount or 0.0), unknown + (amount is None)
        return cls(known, unknown)

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.usd + other.usd, self.unknown + other.unknown)


@dataclass(frozen=True, slots=True)
class Hosting:
    """A version's deployments of one SKU in the month: `time` until now, `ahead` from now to the
    month's end as it is deployed, nothing where it is not. `per_hour`: USD, 0.0 for a SKU without
    a hosting price, None where it is not known."""

    version: int
    base_model: str
    sku: str
    time: timedelta
    ahead: timedelta
    per_hour: float | None

    @property
    def usd(self) -> float | None:
        return self._usd(self.time)

    @property
    def projected(self) -> float | None:
        return self._usd(self.time + self.ahead)

    @property
    def deployed(self) -> bool:
        return self.ahead > NOTHING

    def _usd(self, time: timedelta) -> float | None:
        return None if self.per_hour is None else self.per_hour * (time / HOUR)


@dataclass(frozen=True, slots=True)
class Training:
    """A run's job. Tokens are those of all epochs: `predicted` by the check of the dataset,
    `at_most` where there are images; `billed` as the service reports them, None as long as it has
    not. `ended` is when the job was over, None while it goes on; `lost`: without a model, which is
    free where it has failed and is paid for in part where it was cancelled. The service does not
    tell how much.
    """

    run_id: str
    base_model: str
    training_type: str
    ended: datetime | None
    predicted: int | None = None
    predicted_usd: float | None = None
    at_most: bool = False
    billed: int | None = None
    billed_usd: float | None = None
    lost: bool = False

    @property
    def usd(self) -> float | None:
        """What is owed by now."""
        return 0.0 if self.ended is None else self.billed_usd

    @property
    def projected(self) -> float | None:
        return self.predicted_usd if self.ended is None else self.billed_usd

    def without_model(self) -> "Training":
        return replace(self, lost=True, billed=None, billed_usd=None)


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """Of one model in one month. Comparing versions is paid for by the tokens of its chats, which
    are not counted here."""

    model: str
    hosting: tuple[Hosting, ...] = ()
    training: tuple[Training, ...] = ()

    @property
    def hosted(self) -> Sum:
        return Sum.of(part.usd for part in self.hosting)

    @property
    def trained(self) -> Sum:
        return Sum.of(part.usd for part in self.training)

    @property
    def hosted_by_its_end(self) -> Sum:
        return Sum.of(part.projected for part in self.hosting)

    @property
    def trained_by_its_end(self) -> Sum:
        return Sum.of(part.projected for part in self.training)

    @property
    def total(self) -> Sum:
        return self.hosted + self.trained

    @property
    def total_by_its_end(self) -> Sum:
        return self.hosted_by_its_end + self.trained_by_its_end

    @property
    def time(self) -> timedelta:
        """For which its versions were hosted, together."""
        return sum((part.time for part in self.hosting), NOTHING)


@dataclass(frozen=True, slots=True)
class Costs:
    """Of all models in one month, as it stands at a moment: the ledger. `region` is whose prices
    count; empty: not known, the dearest do."""

    month: Month
    at: datetime
    region: str = ""
    models: tuple[ModelCosts, ...] = ()

    @property
    def hosted(self) -> Sum:
        return sum((model.hosted for model in self.models), Sum())

    @property
    def hosted_by_its_end(self) -> Sum:
        return sum((model.hosted_by_its_end for model in self.models), Sum())

    @property
    def trained(self) -> Sum:
        return sum((model.trained for model in self.models), Sum())

    @property
    def trained_by_its_end(self) -> Sum:
        return sum((model.trained_by_its_end for model in self.models), Sum())

    @property
    def total(self) -> Sum:
        return self.hosted + self.trained

    @property
    def total_by_its_end(self) -> Sum:
        return self.hosted_by_its_end + self.trained_by_its_end

    @property
    def per_hour(self) -> Sum:
        """USD for an hour of all that is deployed now."""
        return Sum.of(part.per_hour for part in self._deployed())

    @property
    def rest(self) -> timedelta:
        """Of the month from now on."""
        return self.month.part_of(self.at, self.month.end)

    def _deployed(self) -> Iterator[Hosting]:
        return (part for model in self.models for part in model.hosting if part.deployed)


def hosting(version: Version, month: Month, at: datetime, region: str) -> tuple[Hosting, ...]:
    """What hosting a version takes of the month, a line for each SKU it had there."""
    times: dict[str, timedelta] = {}
    now = None  # the SKU that it is deployed with
    for sku, since, until, lasts in _stretches(version.hosted, at):
        times[sku] = times.get(sku, NOTHING) + month.part_of(since, until)
        now = sku if lasts else None
    rest = month.part_of(at, month.end)
    return tuple(
        Hosting(
            version=version.version,
            base_model=version.base_model,
            sku=sku,
            time=time,
            ahead=rest if sku == now else NOTHING,
            per_hour=lookup.hosting_per_hour(version.base_model, sku, region),
        )
        for sku, time in times.items()
        if time or (rest and sku == now)
    )


def _stretches(
    hosted: Iterable[Hosted], at: datetime
) -> Iterator[tuple[str, datetime, datetime, bool]]:
    """SKU, beginning and end of each, and whether it lasts still. A version has one deployment: no
    moment counts twice, and what goes on ends where the next begins. None reaches beyond `at`."""
    ordered = sorted(hosted, key=lambda one: one.since)
    begun = [one for one in ordered if one.since <= at]
    for one, after in zip_longest(begun, begun[1:]):
        latest = min(after.since, at) if after else at
        lasts = after is None and (one.until is None or one.until > at)
        yield one.sku, one.since, min(one.until or latest, latest), lasts
