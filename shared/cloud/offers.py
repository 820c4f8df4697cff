"""What the account offers, as a few tolerant types: its region, the models that it may use, what is
left of its quotas, what is there already.

Sources: the types AccountModel, ModelSku and Usage of Azure Resource Manager's 2025-09-01 API, and
Microsoft's page of model retirements (read 2026-11). Each part may be not known, with the reason.
Reads answers; knows neither how they are asked for (`account`) nor what follows from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from shared.cloud.deployments import Deployment

T = TypeVar("T")

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

    @property
    def tuned(self) -> bool:
        return TUNED in self.usage.lower()


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
        """The one that is called so, with its version or, where that is no date, without; of a
        tuned model, its base."""
        wanted = {base_of(name) for name in names}
        for model in self.models.value or ():
            if wanted & {model.name.lower(), model.versioned.lower()}:
                return model
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
    once = {model.name.lower(): model for model in found if model}
    return tuple(once.values())


def _offered_model(entry: Mapping[str, Any]) -> OfferedModel | None:
    if not entry.get("name"):
        return None
    abilities = {**_of(entry, "capabilities"), **_of(entry, "finetuneCapabilities")}
    told = {key.lower(): str(value) for key, value in abilities.items()}
    ends = _of(entry, "deprecation")
    return OfferedModel(
        name=_name(entry),
        versioned=f"{entry['name']}-{entry.get('version')}",
        lifecycle=str(entry.get("lifecycleStatus") or "").lower(),
        tunable=told["finetune"].lower() == "true" if "finetune" in told else None,
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
    most = capacity.get("maximum")
    return OfferedSku(
        name=str(entry["name"]),
        usage=str(entry.get("usageName") or ""),
        minimum=max(1, int(capacity.get("minimum") or 1)),
        maximum=int(most) if most else None,
        step=max(1, int(capacity.get("step") or 1)),
    )


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
    return {
        str(_of(entry, "name").get("value")): Quota(
            used=float(entry.get("currentValue") or 0),
            limit=float(entry.get("limit") or 0),
            blocked=entry.get("status") == "Blocked",
        )
        for entry in entries
    }
