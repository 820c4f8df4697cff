"""What accounts offer, for tests: as Azure Resource Manager tells it, and as the app knows it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shared.cloud.deployments import Deployment
from shared.cloud.offers import (
    Files,
    Jobs,
    Known,
    OfferedModel,
    Offers,
    Quota,
    offered_models,
)
from shared.run.answers import Answer, Says
from shared.run.plan import Plan, plan
from shared.run.spec import effective
from tests.support.settings import SETTINGS

NOW = datetime(2026, 11, 27, tzinfo=UTC)

NANO, MINI_4O = "gpt-4.1-nano-2025-04-14", "gpt-4o-mini-2024-07-18"
SERVED = ("Standard", "GlobalStandard", "DataZoneStandard")
NOT_READ: Known[Any] = Known(why="Azure Resource Manager answered 403 to: read the account")


def entry(
    name: str,
    version: str,
    skus: tuple[str, ...] = (*SERVED, "DeveloperTier"),
    lifecycle: str = "GenerallyAvailable",
    methods: str | None = "supervised,dpo",
    tuned: str = "-finetune",
    **more: Any,
) -> dict[str, Any]:
    """A model in the account's list."""
    tells = {"supportedMethods": methods} if methods else {}
    return {
        "format": "OpenAI",
        "name": name,
        "version": version,
        "lifecycleStatus": lifecycle,
        "capabilities": {"fineTune": "true"},
        "finetuneCapabilities": tells,
        "deprecation": {"fineTune": "2027-04-14T00:00:00Z", "inference": "2027-10-14T00:00:00Z"},
        "skus": [
            {
                "name": sku,
                "usageName": f"OpenAI.{sku}.{name}{tuned}",
                "capacity": {"minimum": 1, "maximum": 1000, "step": 1},
            }
            for sku in skus
        ],
        **more,
    }


ENTRIES = [
    entry("gpt-4.1-nano", "2025-04-14"),
    entry("gpt-4o-mini", "2024-07-18", SERVED, methods="supervised"),
]
MODELS = offered_models(ENTRIES)


def quotas(models: tuple[OfferedModel, ...] = MODELS, left: float = 250) -> dict[str, Quota]:
    return {sku.usage: Quota(0, left) for model in models for sku in model.skus}


def told(value: Any) -> Known[Any]:
    return Known(value, "")


OFFERS = Offers(
    location=told("swedencentral"),
    models=told(MODELS),
    quotas=told(quotas()),
    deployments=told(()),
    jobs=told(Jobs(3, 0)),
    files=told(Files(2, 1_000)),
)


def offers(**parts: Any) -> Offers:
    """An account without anything in the way, but for these parts."""
    known = {name: part if isinstance(part, Known) else told(part) for name, part in parts.items()}
    return replace(OFFERS, **known)


def offering(*entries: dict[str, Any], left: float = 250) -> Offers:
    models = offered_models(entries)
    return offers(models=models, quotas=quotas(models, left))


def tuned_deployments(count: int) -> tuple[Deployment, ...]:
    names = (f"tuned-{number}" for number in range(count))
    return tuple(Deployment(name, f"{NANO}.ft-{name}", "Succeeded") for name in names)


# ---- plans ---------------------------------------------------------------------------------------


def of(run_yaml: str, offers: Offers = OFFERS, now: datetime = NOW, **more: Any) -> Plan:
    return plan(effective(run_yaml.encode() or None, SETTINGS), offers, now, **more)


def answer(found: Plan, id: str) -> Answer:
    (one,) = [answer for answer in found.answers if answer.id == id]
    return one


def ids(found: Plan, says: Says) -> set[str]:
    return {answer.id for answer in found.answers if answer.says is says}
