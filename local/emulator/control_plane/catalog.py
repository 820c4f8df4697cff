"""The base models under Azure's names: what each can do and how it may be deployed. Dated data.

Pure. As of 10/2026 (S-DOC fine-tune-supported-models, concepts-model-retirements). Dates are shown
and have no effect: most of them are "no earlier than", and a laptop must work after them too.
"""

from dataclasses import dataclass
from datetime import UTC, datetime


def _at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class BaseModel:
    """In the data plane a model's name ends with its date; ARM splits it into name and version."""

    name: str
    version: str
    methods: tuple[str, ...]
    developer: bool  # may a tuned one be deployed as DeveloperTier?
    tokens_per_example: int
    training_ends: int
    inference_ends: int

    @property
    def id(self) -> str:
        return f"{self.name}-{self.version}"


_BOTH, _SUPERVISED = ("supervised", "dpo"), ("supervised",)
_ENDS_41 = (_at(2027, 4, 14), _at(2027, 10, 14))
_ENDS_4O = (_at(2027, 4, 1), _at(2027, 10, 1))
BASE_MODELS = (
    BaseModel("gpt-4.1-nano", "2025-04-14", _BOTH, True, 32_768, *_ENDS_41),
    BaseModel("gpt-4.1-mini", "2025-04-14", _BOTH, True, 65_536, *_ENDS_41),
    BaseModel("gpt-4.1", "2025-04-14", _BOTH, True, 65_536, *_ENDS_41),
    BaseModel("gpt-4o-mini", "2024-07-18", _SUPERVISED, False, 65_536, *_ENDS_4O),
    BaseModel("gpt-4o", "2024-08-06", _BOTH, False, 65_536, *_ENDS_4O),
)
CATALOG_DATE = _at(2025, 4, 14)
FINE_TUNED_VERSION = "1"  # ARM's version of every fine-tuned model (S-DOC)

DEVELOPER = "DeveloperTier"
SKUS = (
    "Standard",
    "GlobalStandard",
    "DataZoneStandard",
    DEVELOPER,
    "ProvisionedManaged",
    "GlobalProvisionedManaged",
)
PROVISIONED = {"ProvisionedManaged", "GlobalProvisionedManaged"}
# Compared without regard to case: Microsoft's own samples write them in any. "Developer" is what a
# sample of the command line writes.
_SPELLED = {sku.lower(): sku for sku in SKUS} | {"developer": DEVELOPER}


def base_model(model_id: str) -> BaseModel | None:
    return next((base for base in BASE_MODELS if base.id == model_id), None)


def base_of(model_id: str) -> BaseModel | None:
    """The base of a base model, of a tuned one or of a checkpoint, by its name."""
    return base_model(model_id.partition(".ft-")[0])


def sku_named(name: str) -> str | None:
    return _SPELLED.get(name.lower())


def allows(base: BaseModel, sku: str, tuned: bool) -> bool:
    # That only tuned models can be deployed as DeveloperTier is [inferred] from its description.
    return sku != DEVELOPER or (tuned and base.developer)


def usage_name(base: BaseModel, sku: str, tuned: bool) -> str:
    """Which quota a deployment counts against. The pattern is [inferred]; a client must take it
    from the models list, as in Azure."""
    return f"OpenAI.{sku}.{base.name}{'-finetune' if tuned else ''}"
