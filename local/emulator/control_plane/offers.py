"""What is offered where: which training and which deployment a base model has in a region. Pure.

Regions of training and regions of deployment are two tables (S-DOC): what is trained in one region
as `standard` may be deployed as `Standard` in another only.
"""

from ..core.regions import REGIONS
from .catalog import DATA_ZONE, STANDARD, BaseModel

# S-DOC overview (2026-10-06): training in the data zone is there for the US.
ZONES_OF_TRAINING = ("US",)
# As the refusal names them (S-SKILL); of the others [inferred].
SPELLED = {
    "standard": "Standard",
    "globalStandard": "GlobalStandard",
    "datazoneStandard": "DatazoneStandard",
    "developerTier": "DeveloperTier",
}
# For a wrong model, version, method and region alike (Q&A 2109809).
NOT_TUNABLE = "The specified base model does not support fine-tuning."


def trained(base: BaseModel, tier: str, location: str) -> bool:
    if tier not in base.tiers or location in base.not_in:
        return False
    if tier == STANDARD:
        return location in base.trained_in
    return tier != DATA_ZONE or REGIONS[location].zone in ZONES_OF_TRAINING


def tiers(base: BaseModel, location: str) -> tuple[str, ...]:
    return tuple(tier for tier in base.tiers if trained(base, tier, location))


def training_refusal(base: BaseModel, tier: str, location: str) -> str | None:
    """Why there is no such training; None where there is. That a region without a tier is answered
    as a wrong model is [inferred]."""
    if tier not in base.tiers:
        kind = SPELLED[tier]
        return (
            f"The specified base model {base.id} does not support fine-tuning with {kind}"
            " TrainingType."
        )
    return None if trained(base, tier, location) else NOT_TUNABLE


def skus(base: BaseModel, tuned: bool, location: str) -> tuple[str, ...]:
    """Of deployments, in this region. That bases have theirs everywhere is [inferred]."""
    every = base.tuned_skus if tuned else base.base_skus
    return tuple(sku for sku in every if _is_here(base, sku, tuned, location))


def _is_here(base: BaseModel, sku: str, tuned: bool, location: str) -> bool:
    if sku == "DataZoneStandard":
        return REGIONS[location].zone is not None
    return not tuned or location in base.deployed_in.get(sku, (location,))
