"""What the account offers, as a few tolerant types: its region, the models that it may use, what is
left of its quotas, what is there already.

Sources: the types AccountModel, ModelSku and Usage of Azure Resource Manager's 2025-09-01 API, and
Microsoft's page of model retirements (read 2026-11). Each part may be not known, with the reason.
Reads answers; knows neither how they are asked for (`account`) nor what follows from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Any, Generic, TypeVar

from shared.cloud.deployments import Deployment

T = TypeVar("T")

# Azure Resource Manager's words, in small letters: its `Deprecated` is what people call retired,
# its `Deprecating` what they call deprecated (Microsoft's page of model retirements, 2026-09-02).
RETIRED = {"deprecated", "retired"}
EXISTING_ONLY = "deprecating"
OPEN = {"stable", "preview", "generallyavailable", "legacy"}

TUNED = "finetune"  # in the name of the counter of a tuned model's quota
TUNED_MODEL, CHECKPOINTS = ".ft-", ("ftchkpt", "ftckpt")
NO_END = 2099  # the year that stands for an end that is not known
NOT_ASKED = "it was not asked for"


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """An answer, or None with the reason why there is none and what would help."""

    value: T | None = None
    why: str = NOT_ASKED
    fix: str = ""


@dataclass(frozen=True, slots=True)
class OfferedSku:
    """How a model may be deployed. `usage` names the quota that it counts against."""

    name: str
    usage: str = ""
    minimum: int = 1
    maximum: int | None = None
    step: int = 1
    allowed: tuple[int, ...] = ()  # where these are told, nothing else is

    @property
    def tuned(self) -> bool:
        return TUNED in self.usage.lower()

    def takes(self, capacity: int) -> bool:
        """Whether a step is counted from zero or from the minimum is not documented: either."""
        if self.allowed:
            return capacity in self.allowed
        whole = capacity % self.step == 0 or (capacity - self.minimum) % self.step == 0
        return whole and self.minimum <= capacity <= (self.maximum or capacity)

    def nearest(self, capacity: int, left: float) -> int | None:
        """The nearest capacity that it takes, of those for which so much quota is enough."""
        most = int(min(capacity + self.step + self.minimum, left, self.maximum or left))
        lower = min(capacity, most) // self.step * self.step
        steps = self.allowed or (lower, lower + self.step, self.minimum)
        fitting = [one for one in steps if 0 < one <= most and self.takes(one)]
        return min(fitting, key=lambda one: abs(one - capacity), default=None)

    @property
    def capacities(self) -> str:
        """What it takes, in words."""
        if self.allowed:
            return ", ".join(map(str, self.allowed))
        most = f" to {self.maximum:,}" if self.maximum else " or more"
        return f"{self.minimum:,}{most}" + (f" in steps of {self.step:,}" if self.step > 1 else "")


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A base model that the account may use. `name` is the data plane's, `versioned` the same with
    its version; `lifecycle` is ARM's word in small letters, empty if it has none; `tunable` is
    None, `methods` and `tiers` are empty where ARM does not say so. The ends are "no earlier
    than"."""

    name: str
    versioned: str = ""
    lifecycle: str = ""
    tunable: bool | None = None
    methods: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    training_ends: date | None = None
    ends: date | None = None
    skus: tuple[OfferedSku, ...] = ()

    @property
    def tuned_skus(self) -> tuple[OfferedSku, ...]:
        """Those of its tuned models; empty where they cannot be told from those of the base."""
        return tuple(sku for sku in self.skus if sku.tuned)

    @property
    def rank(self) -> tuple[bool, ...]:
        """Of several versions with one name, the one with the highest is meant."""
        closed = self.lifecycle in RETIRED
        return (
            not closed,
            self.tunable is True,
            self.tunable is None,
            bool(self.methods),
            bool(self.skus),
        )


@dataclass(frozen=True, slots=True)
class Quota:
    """In units of capacity."""

    used: float
    limit: float
    blocked: bool = False

    @property
    def left(self) -> int:
        return 0 if self.blocked else max(0, int(self.limit - self.used))


@dataclass(frozen=True, slots=True)
class Jobs:
    total: int
    queued: int


@dataclass(frozen=True, slots=True)
class Files:
    """Those for fine-tuning; `size` in bytes, of those that tell theirs."""

    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Offers:
    """What the account says of itself. `location` is a region's name, as in `swedencentral`."""

    location: Known[str] = field(default_factory=Known)
    models: Known[tuple[OfferedModel, ...]] = field(default_factory=Known)
    quotas: Known[Mapping[str, Quota]] = field(default_factory=Known)
    deployments: Known[tuple[Deployment, ...]] = field(default_factory=Known)
    jobs: Known[Jobs] = field(default_factory=Known)
    files: Known[Files] = field(default_factory=Known)

    def model(self, *names: str) -> OfferedModel | None:
        """The one that is called so, by the first of the names that there is: with its version
        exactly that one or, where the version is no date and not said, the one that takes the most;
        of a tuned model, its base."""
        models = self.models.value or ()
        for wanted in map(base_of, names):
            exact = [model for model in models if model.versioned.lower() == wanted]
            found = exact or [model for model in models if model.name.lower() == wanted]
            if found:
                return max(found, key=lambda model: model.rank)
        return None


def base_of(model: str) -> str:
    return model.partition(TUNED_MODEL)[0].lower()


def is_tuned(model: str) -> bool:
    return TUNED_MODEL in model or model.startswith(CHECKPOINTS)


def region_name(told: str) -> str:
    """`Sweden Central` as Azure's own name of the region: `swedencentral`."""
    return "".join(told.split()).lower()


# ---- Azure Resource Manager's answers, as JSON ---------------------------------------------------


def offered_models(entries: Iterable[Mapping[str, Any]]) -> tuple[OfferedModel, ...]:
    """Out of the account's list or, where each entry holds its model, of the region's. Raises one
    of `translate.MISSHAPEN` for an answer of another shape."""
    found = (_offered_model(entry.get("model") or entry) for entry in entries)
    return tuple(dict.fromkeys(model for model in found if model))


def _offered_model(entry: Mapping[str, Any]) -> OfferedModel | None:
    if not entry.get("name"):
        return None
    abilities = {**_of(entry, "capabilities"), **_of(entry, "finetuneCapabilities")}
    told = {key.lower(): str(value) for key, value in abilities.items() if value is not None}
    ends = _of(entry, "deprecation")
    return OfferedModel(
        name=_name(entry),
        versioned=f"{entry['name']}-{entry.get('version')}",
        lifecycle=str(entry.get("lifecycleStatus") or "").lower(),
        tunable={"true": True, "false": False}.get(told.get("finetune", "").lower()),
        methods=_listed(told.get("supportedmethods", "")),
        tiers=_listed(told.get("supportedtrainingtypes", "")),
        training_ends=_end(ends.get("fineTune")),
        ends=_end(ends.get("inference")),
        skus=tuple(_sku(sku) for sku in entry.get("skus") or () if sku.get("name")),
    )


def _listed(told: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in told.split(","))))


def _of(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return entry.get(key) or {}


def _name(entry: Mapping[str, Any]) -> str:
    """The data plane's name of a model: with its date, where its version is one."""
    dated = _date(entry.get("version")) is not None
    return f"{entry['name']}-{entry['version']}" if dated else str(entry["name"])


def _sku(entry: Mapping[str, Any]) -> OfferedSku:
    capacity = _of(entry, "capacity")
    allowed = map(_count, capacity.get("allowedValues") or ())
    return OfferedSku(
        name=str(entry["name"]),
        usage=str(entry.get("usageName") or ""),
        minimum=_count(capacity.get("minimum")) or 1,
        maximum=_count(capacity.get("maximum")),
        step=_count(capacity.get("step")) or 1,
        allowed=tuple(filter(None, allowed)),
    )


def _count(told: Any) -> int | None:
    """A number of one or more; anything else tells nothing."""
    number = _number(told)
    return int(number) if number and number >= 1 else None


def _number(told: Any) -> float | None:
    """None where it is none, or not one that counts anything: below zero, or without end."""
    try:
        number = float(told)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) and number >= 0 else None


def _date(told: Any) -> date | None:
    try:
        return date.fromisoformat(str(told)[:10])
    except ValueError:
        return None


def _end(told: Any) -> date | None:
    """A day of that year or later stands for none."""
    day = _date(told)
    return day if day and day.year < NO_END else None


def offered_quotas(entries: Iterable[Mapping[str, Any]]) -> dict[str, Quota]:
    """Without those of which the limit is not told."""
    found = {}
    for entry in entries:
        limit, blocked = _number(entry.get("limit")), entry.get("status") == "Blocked"
        if limit is not None or blocked:
            used = _number(entry.get("currentValue")) or 0.0
            name = str(_of(entry, "name").get("value"))
            found[name] = Quota(used, limit or 0.0, blocked)
    return found
